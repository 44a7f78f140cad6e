#!/usr/bin/env bash
# The demo: compiles examples/edge/edge.cc to WebAssembly, serves examples/edge/router.yaml on a
# free port, calls each kind of route with curl and stops the server, whatever happens in between.
# SEDGE names another program than build/release/sedge.
set -euo pipefail
cd "$(dirname "$0")/.."
sedge=${SEDGE:-build/release/sedge}
work=$(mktemp -d)
server=

cleanup() {
  if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
    kill -TERM "$server" 2>/dev/null || true
    for _ in $(seq 50); do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "demo: $*" >&2
  [ -s "$work/server.log" ] && { echo "demo: the server's log:" >&2; cat "$work/server.log" >&2; }
  exit 1
}

echo "1. compile an edge function from C++ (clang-22, wasi-libc)"
mkdir -p examples/edge/build
clang++-22 --target=wasm32-wasi -Wno-deprecated -std=c++20 -O2 -fno-exceptions -fno-rtti \
  -nostdlib++ -Wl,--strip-all examples/edge/edge.cc -o examples/edge/build/edge.wasm
echo "   examples/edge/build/edge.wasm: $(wc -c <examples/edge/build/edge.wasm) bytes"

echo "2. run it by hand: an event on stdin, an answer on stdout"
event='{"path":"/api/geo","method":"GET","headers":{"x-edge-region":"eu-central"},"query_params":{}}'
echo "   $event"
answer=$(echo "$event" | $sedge run examples/edge/build/edge.wasm)
echo "   $answer"

echo "3. serve examples/edge/router.yaml"
for _ in 1 2 3 4 5; do
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  $sedge serve examples/edge/router.yaml --listen "127.0.0.1:$port" >"$work/server.log" 2>&1 &
  server=$!
  up=
  for _ in $(seq 100); do
    if curl -fsS -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null; then
      up=yes
      break
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$up" ] && break
  # Somebody may have taken the port in between: once more with another one.
  grep -qi 'in use' "$work/server.log" || fail "the server did not come up"
done
[ -n "${up:-}" ] || fail "found no free port"
base=http://127.0.0.1:$port
echo "   on $base"

# call STATUS PATTERN CURL-ARGUMENTS...: shows the call and checks its answer.
call() {
  local want=$1 pattern=$2 status word location
  shift 2
  printf '\n   $ curl'
  for word in "${@//$base/http://localhost:$port}"; do
    case $word in
      *[!A-Za-z0-9_./:@%+=,-]*) printf " '%s'" "$word" ;;
      *) printf ' %s' "$word" ;;
    esac
  done
  echo
  status=$(curl -sS -o "$work/body" -D "$work/head" -w '%{http_code}' "$@") || fail "curl failed"
  location=$(tr -d '\r' <"$work/head" | grep -i '^location:' || true)
  echo "   $status${location:+ ($location)}"
  echo "   $(cat "$work/body")"
  [ "$status" = "$want" ] || fail "expected status $want"
  grep -q -- "$pattern" "$work/body" || fail "expected '$pattern' in the body"
}

echo "4. call it"
call 302 'us-west.example.com' -H 'X-Edge-Region: us-west' "$base/api/geo"
call 401 'unauthorized' "$base/api/auth"
call 200 'authenticated' -H 'Authorization: Bearer 0123456789abcdef' "$base/api/auth"
call 200 '"variant":"7"' "$base/api/cache?max_age=60&v=7"
call 200 'NAME' -d '{"action":"transform","payload":{"name":"edge","version":2}}' "$base/edge/transform"
call 200 '1920x1080' \
  -d '{"service":"image-resize","operation":"resize","params":{"width":1920,"height":1080}}' \
  "$base/container/resize"

echo
echo "5. stop the server: SIGTERM drains it"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
[ "$status" -eq 0 ] || fail "the server ended with status $status"
echo "demo: done"
