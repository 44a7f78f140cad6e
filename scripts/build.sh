#!/usr/bin/env bash
# build.sh PRESET [TARGET...]: configures a preset and builds it; output only when it fails or
# when a terminal is there to show progress.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
jobs=${JOBS:-$(nproc)}
log=build/$preset.log
mkdir -p build

step() {
  if [ -t 1 ]; then
    "$@"
  elif ! "$@" >"$log" 2>&1; then
    echo "build: $* failed; the end of $log:" >&2
    tail -n 60 "$log" >&2
    return 1
  fi
}

step cmake --preset "$preset"
targets=()
for target in "$@"; do
  targets+=(--target "$target")
done
step cmake --build "build/$preset" --parallel "$jobs" "${targets[@]}"
echo "build: $preset is up to date"
