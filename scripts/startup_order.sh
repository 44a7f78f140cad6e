#!/usr/bin/env bash
# Rewrites cmake/startup_order.txt: the functions that `sedge run` of a trivial module enters, in
# order. Run it after larger changes to what happens at start (x86-64 only; takes half a minute).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release sedge
mkdir -p build/bench
clang++-22 -std=c++23 -O2 bench/startup_order.cc -o build/bench/startup_order
build/release/sedge parse bench/hello.wat -o build/bench/hello.wasm
nm build/release/sedge |
  build/bench/startup_order build/release/sedge run build/bench/hello.wasm >build/bench/order.txt
mv build/bench/order.txt cmake/startup_order.txt
scripts/build.sh release sedge
echo "startup_order: $(wc -l <cmake/startup_order.txt) functions"
