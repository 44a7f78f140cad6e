#!/usr/bin/env bash
# cross.sh ARCH [--suites [OPTION...] | SCRIPT...]: builds the engine and the command line (no server,
# nothing beyond the C library at run time) for aarch64 or riscv64 and tries it under qemu-user: the
# project's own specification scripts, or those named, on every tier that there is; an artifact
# compiled here; one for another processor, which must be left alone. The result is
# build/minimal-ARCH/sedge.
#
# The llvm tier and artifacts need build/release/sedgec (`make build`): qemu lets the emulated
# program start it as it is, and it compiles for ARCH.
#
# --suites runs all of ../shared instead, which takes hours (scripts/emulated.py has the options).
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-}
case $arch in
  aarch64 | riscv64) ;;
  *)
    echo "usage: scripts/cross.sh aarch64|riscv64 [--suites [OPTION...] | SCRIPT...]" >&2
    exit 2
    ;;
esac
shift
for need in "/usr/$arch-linux-gnu/lib:g++-$arch-linux-gnu" "/usr/bin/qemu-$arch:qemu-user"; do
  if [ ! -e "${need%%:*}" ]; then
    echo "cross: apt-get install ${need#*:}" >&2
    exit 1
  fi
done
scripts/build.sh "minimal-$arch" sedge
run=("qemu-$arch" -L "/usr/$arch-linux-gnu" "build/minimal-$arch/sedge")
echo "cross: $("${run[@]}" version)"

if [ "${1:-}" = --suites ]; then
  shift
  scripts/build.sh release sedge sedgec
  exec python3 scripts/emulated.py "$arch" "$@"
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
  "${run[@]}" wast --tier $tier --deviations test/wast_deviations.txt "${scripts[@]}"
done
"${run[@]}" run bench/hello.wat

[ -n "${SEDGEC:-}" ] || exit 0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
other=$([ "$arch" = aarch64 ] && echo riscv64 || echo aarch64)
for target in "$arch-linux" "$other-linux"; do
  build/release/sedge compile --target "$target" -o "$folder/$target.wasm" bench/hello.wat
  "${run[@]}" run --allow-precompiled "$folder/$target.wasm" 2>"$folder/$target.notes"
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
