#!/usr/bin/env bash
# fuzz.sh [SECONDS] [TARGET...]: builds the libFuzzer targets (in the asan-ubsan build) and runs each
# for so many seconds (tiers, which runs compilers, five times as long), as many at a time as there are
# processors. fuzz/seeds.py picks the seeds. What a run finds
# is kept in build/fuzz/corpus/TARGET; a crashing input in build/fuzz/crashes/. FUZZ_SKIP="A B" leaves targets out.
#
# FUZZ_SEED=N takes the same way each time, from the seeds alone (what other runs have kept does not
# count, and nothing is kept); otherwise each run takes another. FUZZ_RUNS=N ends a target after so many
# inputs (tiers, whose inputs take that much longer, after a fiftieth), so that a faster machine does not get
# further on that way than a slower one.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift $(($# > 0 ? 1 : 0))
scripts/build.sh asan-ubsan fuzzers || exit 1

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in fuzz/*.cc; do
    name=$(basename "$source" .cc)
    [ -e "$source" ] && [[ " ${FUZZ_SKIP:-} " != *" $name "* ]] && targets+=("$name")
  done
fi
if [ ${#targets[@]} -eq 0 ]; then
  echo "fuzz: there is no target in fuzz/"
  exit 1
fi
mkdir -p build/fuzz/crashes build/fuzz/logs
if [[ " ${targets[*]} " == *" tiers "* ]]; then
  scripts/build.sh release sedge sedgec || exit 1
  export SEDGEC=build/release/sedgec
fi

run_one() {
  target=$1
  fixed=()
  corpus=build/fuzz/corpus/$target
  seeds=build/fuzz/seeds/$target
  rm -rf "$seeds"
  mkdir -p "$corpus"
  python3 fuzz/seeds.py "$target" "$seeds" "${SEDGE_SHARED:-../shared}"
  inputs=("$corpus" "$seeds")
  if [ -n "${FUZZ_SEED:-}" ]; then
    # A folder's order differs between machines, and addresses can show in what the target does.
    find "$seeds" -type f | LC_ALL=C sort | paste -sd, >"$seeds.list"
    inputs=(-seed="$FUZZ_SEED" -seed_inputs="@$seeds.list" -reload=0)
    # What a comparison saw, an address too, becomes part of inputs: the environment moves the stack.
    fixed=(env -i "PATH=/usr/bin:/bin" "ASAN_OPTIONS=$ASAN_OPTIONS" ${SEDGEC:+"SEDGEC=$SEDGEC"})
    ! setarch -R true 2>/dev/null || fixed+=(setarch -R)
  fi
  log=build/fuzz/logs/$target.log
  seconds=$2
  runs=${FUZZ_RUNS:-}
  patience=20
  if [ "$target" = tiers ]; then
    seconds=$((5 * seconds))
    patience=200
    runs=${runs:+$((runs / 50))}
  fi
  [ -z "$runs" ] || inputs+=(-runs="$runs")
  if "${fixed[@]}" "build/asan-ubsan/fuzz_$target" -max_total_time="$seconds" -timeout="$patience" -rss_limit_mb=3072 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$target-" "${inputs[@]}" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
    echo "fuzz: $target: ${runs:-?} inputs, nothing found"
  else
    echo "fuzz: $target FAILED, see $log"
    echo "$target" >>build/fuzz/failed
    return 1
  fi
}
export -f run_one
export SEDGE_SHARED=${SEDGE_SHARED:-../shared}
export ASAN_OPTIONS=detect_stack_use_after_return=0:allocator_may_return_null=1
rm -f build/fuzz/failed
printf '%s\n' "${targets[@]}" |
  xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'run_one "$1" "$2"' _ {} "$seconds"
status=$?
# What failed comes last, where it is seen: the error, the top of its stack, the input.
if [ -e build/fuzz/failed ]; then
  while read -r target; do
    echo "fuzz: $target FAILED:"
    grep -E '^fuzz|ERROR:|SUMMARY:|^ +#[0-9] |runtime error|Base64:|Test unit written' "build/fuzz/logs/$target.log" |
      cut -c 1-2000 | head -n 24
  done <build/fuzz/failed
fi
exit "$status"
