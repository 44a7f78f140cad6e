;; A guest of wasi:http for tests. What it does is the second letter of the path:
;; /echo streams the content back, /trap traps, /none sets no response, /unfinished does not finish
;; its content, /count says how many requests this instance has seen, /spin never ends, /get sends a
;; request to the authority behind it ("/get127.0.0.1:80") and answers with what comes, /later waits
;; for a millisecond, /flood writes until nobody reads any more, /x gives content and trailers back.
(module
  (type $i (func (param i32)))
  (type $ii (func (param i32 i32)))
  (type $iii (func (param i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.path-with-query" (func $path (type $ii)))
  (import "wasi:http/types@0.2.12" "[method]incoming-request.consume" (func $consume (type $ii)))
  (import "wasi:http/types@0.2.12" "[method]incoming-body.stream" (func $body-stream (type $ii)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-response.body" (func $response-body (type $ii)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-response.set-status-code" (func $set-status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-body.write" (func $body-write (type $ii)))
  (import "wasi:http/types@0.2.12" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-authority"
    (func $set-authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-scheme"
    (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]future-incoming-response.get" (func $future-get (type $ii)))
  (import "wasi:http/types@0.2.12" "[method]incoming-response.status" (func $status (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]incoming-response.consume" (func $response-consume (type $ii)))
  (import "wasi:http/outgoing-handler@0.2.12" "handle" (func $send (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]incoming-body.finish" (func $trailers (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]future-trailers.subscribe" (func $trailers-subscribe (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]future-trailers.get" (func $trailers-get (type $ii)))
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "poll" (func $poll (type $iii)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (type $i)))
  (import "wasi:io/streams@0.2.12" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]input-stream" (func $drop-input (type $i)))
  (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $drop-output (type $i)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (global $count (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $top) (i32.const 262144)) (then unreachable))
    (local.get $at))

  ;; Copies what `in` gives to `out`, up to its end.
  (func $copy (param $in i32) (param $out i32)
    (local $at i32) (local $left i32) (local $part i32)
    (loop $more
      (global.set $top (i32.const 65536))
      (call $read (local.get $in) (i64.const 4096) (i32.const 1024))
      (if (i32.eqz (i32.load8_u (i32.const 1024))) (then
        (local.set $at (i32.load (i32.const 1028)))
        (local.set $left (i32.load (i32.const 1032)))
        (call $write (local.get $out) (local.get $at) (local.get $left) (i32.const 1040))
        (if (i32.load8_u (i32.const 1040)) (then unreachable))
        (br $more)))))

  ;; Sets a response with this status; gives its body.
  (func $respond (param $to i32) (param $status i32) (result i32)
    (local $made i32)
    (local.set $made (call $response (call $fields)))
    (drop (call $set-status (local.get $made) (local.get $status)))
    (call $response-body (local.get $made) (i32.const 1100))
    (call $set (local.get $to) (i32.const 0) (local.get $made) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.load (i32.const 1104)))
  (func $writer (param $body i32) (result i32)
    (call $body-write (local.get $body) (i32.const 1112))
    (i32.load (i32.const 1116)))
  (func $end (param $body i32) (param $stream i32)
    (call $drop-output (local.get $stream))
    (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 2048)))

  ;; Sends a GET to the authority; gives the response, or -1 - the case of the error.
  (func $fetch (param $at i32) (param $size i32) (result i32)
    (local $made i32) (local $future i32)
    (local.set $made (call $request (call $fields)))
    (drop (call $set-scheme (local.get $made) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (if (call $set-authority (local.get $made) (i32.const 1) (local.get $at) (local.get $size))
      (then unreachable))
    (call $send (local.get $made) (i32.const 0) (i32.const 0) (i32.const 1200))
    (if (i32.load8_u (i32.const 1200))
      (then (return (i32.sub (i32.const -1) (i32.load8_u (i32.const 1208))))))
    (local.set $future (i32.load (i32.const 1208)))
    (call $block (call $subscribe (local.get $future)))
    (call $future-get (local.get $future) (i32.const 1304))
    ;; option at 0, result at 8, result at 16, payload at 24
    (if (i32.load8_u (i32.const 1320))
      (then (return (i32.sub (i32.const -1) (i32.load8_u (i32.const 1328))))))
    (i32.load (i32.const 1328)))

  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param $in i32) (param $out i32)
    (local $what i32) (local $body i32) (local $stream i32) (local $from i32) (local $at i32) (local $size i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $path (local.get $in) (i32.const 1000))
    (local.set $at (i32.load (i32.const 1004)))
    (local.set $size (i32.load (i32.const 1008)))
    (local.set $what (i32.load8_u offset=1 (local.get $at)))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then unreachable)) ;; t
    (if (i32.eq (local.get $what) (i32.const 0x6e)) (then return)) ;; n
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then (loop $spin (br $spin)))) ;; s
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then ;; l: the second of two timers
      (i32.store (i32.const 1500) (call $after (i64.const 3600000000000)))
      (i32.store (i32.const 1504) (call $after (i64.const 1000000)))
      (call $poll (i32.const 1500) (i32.const 2) (i32.const 1508))
      (if (i32.ne (i32.load (i32.const 1512)) (i32.const 1)) (then unreachable))
      (if (i32.ne (i32.load (i32.load (i32.const 1508))) (i32.const 1)) (then unreachable))))
    (if (i32.eq (local.get $what) (i32.const 0x67)) (then ;; g
      (local.set $from (call $fetch (i32.add (local.get $at) (i32.const 4)) (i32.sub (local.get $size) (i32.const 4))))
      (if (i32.lt_s (local.get $from) (i32.const 0)) (then
        (local.set $body (call $respond (local.get $out) (i32.sub (i32.const 499) (local.get $from))))
        (call $end (local.get $body) (call $writer (local.get $body)))
        (return)))
      (local.set $body (call $respond (local.get $out) (call $status (local.get $from))))
      (local.set $stream (call $writer (local.get $body)))
      (call $response-consume (local.get $from) (i32.const 1400))
      (call $body-stream (i32.load (i32.const 1404)) (i32.const 1412))
      (call $copy (i32.load (i32.const 1416)) (local.get $stream))
      (call $end (local.get $body) (local.get $stream))
      (return)))
    (local.set $body (call $respond (local.get $out) (i32.const 200)))
    (local.set $stream (call $writer (local.get $body)))
    (if (i32.eq (local.get $what) (i32.const 0x65)) (then ;; e
      (call $consume (local.get $in) (i32.const 1400))
      (call $body-stream (i32.load (i32.const 1404)) (i32.const 1412))
      (call $copy (i32.load (i32.const 1416)) (local.get $stream))))
    (if (i32.eq (local.get $what) (i32.const 0x66)) (then ;; f
      (loop $more
        (call $write (local.get $stream) (i32.const 16384) (i32.const 4096) (i32.const 1040))
        (br_if $more (i32.eqz (i32.load8_u (i32.const 1040)))))
      (return)))
    (if (i32.eq (local.get $what) (i32.const 0x78)) (then ;; x
      (call $consume (local.get $in) (i32.const 1400))
      (call $body-stream (i32.load (i32.const 1404)) (i32.const 1412))
      (call $copy (i32.load (i32.const 1416)) (local.get $stream))
      (call $drop-input (i32.load (i32.const 1416)))
      (call $drop-output (local.get $stream))
      (local.set $from (call $trailers (i32.load (i32.const 1404))))
      (call $block (call $trailers-subscribe (local.get $from)))
      (call $trailers-get (local.get $from) (i32.const 1600))
      ;; option at 0, results at 8 and 16, option at 24, its payload at 28
      (if (i32.load8_u (i32.const 1616)) (then unreachable))
      (call $finish (local.get $body) (i32.load8_u (i32.const 1624)) (i32.load (i32.const 1628)) (i32.const 2048))
      (return)))
    (if (i32.eq (local.get $what) (i32.const 0x63)) (then ;; c
      (i32.store8 (i32.const 900) (i32.add (i32.const 0x30) (global.get $count)))
      (call $write (local.get $stream) (i32.const 900) (i32.const 1) (i32.const 1040))))
    (if (i32.eq (local.get $what) (i32.const 0x75)) (then ;; u
      (call $write (local.get $stream) (i32.const 900) (i32.const 1) (i32.const 1040))
      (return)))
    (call $end (local.get $body) (local.get $stream))))
