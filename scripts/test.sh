#!/usr/bin/env bash
# test.sh [PRESET...]: builds the presets and runs their tests with ctest.
#   release     everything, as shipped; what runs without arguments
#   asan-ubsan  everything again, under AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan        the concurrent tests only (see the preset's filter)
# The last line is 'N passed, N failed'; the exit status is 0 only without a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(release)
mkdir -p build

shared=${SEDGE_SHARED:-$PWD/../shared}
if [ ! -d "$shared" ]; then
  echo "test: $shared is not there: tests that need its suites are skipped"
fi

passed=0
failed=0
skipped=0
for preset in "${presets[@]}"; do
  start=$SECONDS
  targets=()
  # What has no concurrency is not worth a third build.
  [ "$preset" != tsan ] || targets=(wasm_tests engine_tests net_tests serve_tests wasi_tests integration_tests)
  if ! scripts/build.sh "$preset" "${targets[@]}"; then
    echo "test: $preset does not build"
    failed=$((failed + 1))
    continue
  fi
  # Sanitized builds have no sedgec of their own: their tests start the release build's.
  compiler=()
  if [ "$preset" != release ]; then
    scripts/build.sh release sedgec || failed=$((failed + 1))
    [ ! -x build/release/sedgec ] || compiler=("SEDGEC=$PWD/build/release/sedgec")
  fi
  built=$SECONDS
  report=$PWD/build/$preset-tests.xml
  rm -f "$report"
  env "${compiler[@]}" ctest --preset "$preset" --parallel "$jobs" --progress --output-junit "$report" \
    >"build/$preset-tests.log" 2>&1
  status=$?
  # Exact numbers come from ctest's own report.
  counts=$(python3 - "$report" <<'PY'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot()
except (OSError, tree.ParseError):
    print("0 1 0")
    sys.exit()
total, failures = int(suite.get("tests", 0)), int(suite.get("failures", 0))
skipped = int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
print(total - failures - skipped, failures, skipped)
PY
  )
  read -r p f s <<<"$counts"
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
    f=1
  fi
  if [ "$p" -eq 0 ] && [ "$f" -eq 0 ]; then
    echo "test: $preset ran no test at all"
    f=1
  fi
  if [ "$f" -ne 0 ]; then
    grep -v -E '^ *\[?[0-9]+/[0-9]+\]? .*(Passed|Skipped|Start)|^ *Start |\(Skipped\)$' \
      "build/$preset-tests.log" | tail -n 150
  fi
  echo "test: $preset: $p passed, $f failed, $s skipped" \
    "(build $((built - start)) s, tests $((SECONDS - built)) s)"
  passed=$((passed + p))
  failed=$((failed + f))
  skipped=$((skipped + s))
done

[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
