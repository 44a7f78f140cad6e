#!/usr/bin/env bash
# lint.sh: formatting, the layering of src/ and clang-tidy; any finding is an error.
# lint.sh --fix rewrites the files in the project's format instead.
set -uo pipefail
cd "$(dirname "$0")/.."

mapfile -d '' files < <(find src include adapter test fuzz bench examples \
  \( -name '*.cc' -o -name '*.h' \) -print0 2>/dev/null | sort -z)
if [ "${1:-}" = --fix ]; then
  printf '%s\0' "${files[@]}" | xargs -0 -P "${JOBS:-$(nproc)}" -n 16 clang-format-22 -i
  exit
fi

status=0
if ! printf '%s\0' "${files[@]}" |
  xargs -0 -P "${JOBS:-$(nproc)}" -n 16 clang-format-22 --dry-run -Werror; then
  echo "lint: run 'make format'"
  status=1
fi
python3 scripts/check_layers.py || status=1
for script in scripts/*.sh .ci/run; do
  bash -n "$script" || status=1
done
# A file over 900 lines is due for a split; generated and vendored files do not exist here.
while read -r lines file; do
  if [ "$file" != total ] && [ "$lines" -gt 900 ]; then
    echo "lint: $file has $lines lines; the limit is 900"
    status=1
  fi
done < <(wc -l "${files[@]}")
if [ "${TIDY:-on}" != off ]; then
  { cmake --preset release >/dev/null && cmake --build build/release --target bindings >/dev/null &&
    python3 scripts/tidy.py build/release; } || status=1
fi
[ "$status" -eq 0 ] && echo "lint: clean"
exit "$status"
