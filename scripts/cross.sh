#!/usr/bin/env bash
# cross.sh ARCH [--suites [OPTION...] | --tests [OPTION...] | SCRIPT...]: builds for aarch64 or
# riscv64 and tries the result under qemu-user: the project's own specification scripts, or those
# named, on every tier that there is; an artifact compiled here; one for another processor, which
# must be left alone; for aarch64 the demo (a server). What is built:
#   aarch64  everything but sedgec, with the libraries of Debian's arm64 archive: build/aarch64
#   riscv64  the engine and the command line, which need no library: build/minimal-riscv64
# Packages that are missing are installed (scripts/setup.sh ARCH).
#
# The llvm tier and artifacts need build/release/sedgec (`make build`): qemu lets the emulated
# program start it as it is, and it compiles for ARCH.
#
# --suites runs all of ../shared instead (scripts/emulated.py has the options). With qemu 7.2, Debian
# 12's, that takes hours: it keeps a record for every page that a guarded memory reserves. QEMU names
# another, as that of bookworm-backports (10.0), which takes a twentieth of the time.
# --tests builds the test programs for aarch64 and runs them there, with GoogleTest's options: these
# have each suite also in the mix of all tiers, with thresholds of 1.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-}
case $arch in
  aarch64) preset=aarch64 ;;
  riscv64) preset=minimal-riscv64 ;;
  *)
    echo "usage: scripts/cross.sh aarch64|riscv64 [--suites|--tests [OPTION...] | SCRIPT...]" >&2
    exit 2
    ;;
esac
shift
scripts/setup.sh "$arch"
scripts/build.sh "$preset" sedge
qemu=("${QEMU:-qemu-$arch}")
# As in cmake/cross.cmake.
[ -e "/lib/$arch-linux-gnu/libc.so.6" ] || qemu+=(-L "/usr/$arch-linux-gnu")
# What starts the emulated program by one name.
run=$PWD/build/$preset/sedge-$arch
cat >"$run" <<EOF
#!/bin/sh
exec ${qemu[*]} "$PWD/build/$preset/sedge" "\$@"
EOF
chmod +x "$run"
echo "cross: $("$run" version | head -n 1)"

if [ "${1:-}" = --suites ]; then
  shift
  scripts/build.sh release sedge sedgec
  exec python3 scripts/emulated.py "$arch" "$run" "$@"
fi
if [ "${1:-}" = --tests ]; then
  shift
  if [ "$arch" != aarch64 ]; then
    echo "cross: Debian has no GoogleTest for $arch" >&2
    exit 2
  fi
  scripts/build.sh "$preset"
  scripts/build.sh release sedgec
  export SEDGE_BIN=$run SEDGEC=$PWD/build/release/sedgec
  failed=
  for program in "build/$preset/"*_tests; do
    echo "cross: ${program##*/}"
    "${qemu[@]}" "$program" --gtest_brief=1 "$@" || failed=yes
  done
  [ -z "$failed" ]
  exit
fi

scripts=("$@")
[ ${#scripts[@]} -gt 0 ] || scripts=(test/wast)
tiers=("interp")
[ "$arch" = riscv64 ] || tiers+=("baseline" "auto --tier-threshold 1")
if [ -x build/release/sedgec ]; then
  export SEDGEC=$PWD/build/release/sedgec
  tiers+=("llvm")
else
  echo "cross: no build/release/sedgec: the llvm tier and artifacts are not tried"
fi
for tier in "${tiers[@]}"; do
  echo "cross: --tier $tier"
  # shellcheck disable=SC2086 # a tier may have an option behind it
  "$run" wast --tier $tier --deviations test/wast_deviations.txt "${scripts[@]}"
done
"$run" run bench/hello.wat

[ -n "${SEDGEC:-}" ] || exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
other=$([ "$arch" = aarch64 ] && echo riscv64 || echo aarch64)
for target in "$arch-linux" "$other-linux"; do
  build/release/sedge compile --target "$target" -o "$folder/$target.wasm" bench/hello.wat
  "$run" run --allow-precompiled "$folder/$target.wasm" 2>"$folder/$target.notes"
done
if [ -s "$folder/$arch-linux.notes" ]; then
  echo "cross: the artifact for $arch was not used: $(cat "$folder/$arch-linux.notes")" >&2
  exit 1
fi
if ! grep -q "this machine cannot run $other-linux" "$folder/$other-linux.notes"; then
  echo "cross: nothing was said about an artifact for $other" >&2
  exit 1
fi
echo "cross: an artifact for $arch ran, one for $other did not"
if [ "$arch" = aarch64 ]; then
  SEDGE=$run scripts/demo.sh >"$folder/demo.log" || { cat "$folder/demo.log"; exit 1; }
  echo "cross: the demo's server answered"
fi
