;; A guest of wasi:http 0.3 for tests. What it does is the second letter of the path:
;; /echo streams content and trailers back, /pass gives back the request's own stream and trailers,
;; /count says how many requests this instance has seen, /wait answers when its content has ended,
;; /trap traps, /late traps in the middle of its content, /none returns nothing, /error answers with
;; loop-detected, /unread leaves the content alone, /half never gives trailers, /fail gives an error
;; for trailers, /odd answers with status 100, /spin never ends, /x sends a request to the authority
;; behind it ("/x127.0.0.1:80") and gives back its response, /y sends its content there, too, and
;; tells whether that went well.
(module
  (type $i (func (param i32)))
  (type $ii (func (param i32 i32)))
  (type $iii (func (param i32 i32 i32)))
  (type $copy (func (param i32 i32 i32) (result i32)))
  (type $once (func (param i32 i32) (result i32)))
  (type $new (func (result i64)))
  (import "wasi:http/types@0.3.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.3.0" "[method]request.get-path-with-query" (func $path (type $ii)))
  (import "wasi:http/types@0.3.0" "[static]request.consume-body" (func $consume (type $iii)))
  (import "wasi:http/types@0.3.0" "[async-lower][stream-read-1][static]request.consume-body"
    (func $start-read (type $copy)))
  (import "wasi:http/types@0.3.0" "[future-new-0][static]request.consume-body" (func $new-res (type $new)))
  (import "wasi:http/types@0.3.0" "[async-lower][future-write-0][static]request.consume-body"
    (func $write-res (type $once)))
  (import "wasi:http/types@0.3.0" "[async-lower][future-read-2][static]request.consume-body"
    (func $start-read-trailers (type $once)))
  (import "wasi:http/types@0.3.0" "[static]response.new" (func $response (param i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[method]response.set-status-code" (func $set-status (type $once)))
  (import "wasi:http/types@0.3.0" "[stream-new-0][static]response.new" (func $new-stream (type $new)))
  (import "wasi:http/types@0.3.0" "[async-lower][stream-write-0][static]response.new"
    (func $start-write (type $copy)))
  (import "wasi:http/types@0.3.0" "[stream-drop-writable-0][static]response.new" (func $end (type $i)))
  (import "wasi:http/types@0.3.0" "[future-new-1][static]response.new" (func $new-trailers (type $new)))
  (import "wasi:http/types@0.3.0" "[async-lower][future-write-1][static]response.new"
    (func $start-write-trailers (type $once)))
  (import "wasi:http/types@0.3.0" "[static]request.new" (func $request (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[async-lower][future-read-2][static]request.new"
    (func $start-read-sent (type $once)))
  (import "wasi:http/types@0.3.0" "[method]request.set-method" (func $set-method (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[method]request.set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[method]request.set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[method]request.set-path-with-query" (func $set-path (param i32 i32 i32 i32) (result i32)))
  (import "$root" "[waitable-set-new]" (func $new-set (result i32)))
  (import "$root" "[waitable-set-wait]" (func $wait (type $once)))
  (import "$root" "[waitable-join]" (func $join (type $ii)))
  (import "wasi:http/client@0.3.0" "send" (func $send (type $ii)))
  (import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
    (func $return (param i32 i32 i32 i64 i32 i32 i32 i32)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (global $count (mut i32) (i32.const 0))
  (global $set (mut i32) (i32.const 0))
  (data (i32.const 900) "/echo")

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $top) (i32.const 262144)) (then unreachable))
    (local.get $at))

  (func $low (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
  (func $high (param i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))

  ;; Waits for what has been begun with `end`, unless it is done.
  (func $done (param $end i32) (param $code i32) (result i32)
    (if (i32.ne (local.get $code) (i32.const -1)) (then (return (local.get $code))))
    (if (i32.eqz (global.get $set)) (then (global.set $set (call $new-set))))
    (call $join (local.get $end) (global.get $set))
    (drop (call $wait (global.get $set) (i32.const 1700)))
    (call $join (local.get $end) (i32.const 0))
    (i32.load (i32.const 1704)))
  (func $read (type $copy)
    (call $done (local.get 0) (call $start-read (local.get 0) (local.get 1) (local.get 2))))
  (func $write (type $copy)
    (call $done (local.get 0) (call $start-write (local.get 0) (local.get 1) (local.get 2))))
  (func $read-trailers (type $once)
    (call $done (local.get 0) (call $start-read-trailers (local.get 0) (local.get 1))))
  (func $write-trailers (type $once)
    (call $done (local.get 0) (call $start-write-trailers (local.get 0) (local.get 1))))
  (func $read-sent (type $once)
    (call $done (local.get 0) (call $start-read-sent (local.get 0) (local.get 1))))

  ;; At 2048 there are zeros: ok, or ok(none).
  ;; Consumes the request: its stream at 1200, its trailers at 1204.
  (func $open (param $in i32)
    (local $res i64)
    (local.set $res (call $new-res))
    (call $consume (local.get $in) (call $low (local.get $res)) (i32.const 1200))
    (drop (call $write-res (call $high (local.get $res)) (i32.const 2048))))

  (func $write-all (param $out i32) (param $at i32) (param $left i32)
    (local $done i32)
    (loop $again
      (local.set $done (call $write (local.get $out) (local.get $at) (local.get $left)))
      (if (i32.and (local.get $done) (i32.const 15)) (then (return)))
      (local.set $done (i32.shr_u (local.get $done) (i32.const 4)))
      (local.set $at (i32.add (local.get $at) (local.get $done)))
      (local.set $left (i32.sub (local.get $left) (local.get $done)))
      (br_if $again (local.get $left))))

  ;; Reads the stream at 1200 to its end; writes it to `out` unless that is 0.
  (func $copy (param $out i32)
    (local $got i32)
    (loop $more
      (local.set $got (call $read (i32.load (i32.const 1200)) (i32.const 8192) (i32.const 4096)))
      (if (local.get $out) (then
        (if (i32.shr_u (local.get $got) (i32.const 4)) (then
          (call $write-all (local.get $out) (i32.const 8192) (i32.shr_u (local.get $got) (i32.const 4)))))))
      (br_if $more (i32.eqz (i32.and (local.get $got) (i32.const 15))))))

  ;; Gives a response with this status, contents (0: none) and trailers.
  (func $respond (param $status i32) (param $contents i32) (param $trailers i32)
    (call $response (call $fields) (i32.ne (local.get $contents) (i32.const 0)) (local.get $contents)
      (local.get $trailers) (i32.const 1100))
    (if (call $set-status (i32.load (i32.const 1100)) (local.get $status)) (then unreachable))
    (call $answer (i32.load (i32.const 1100))))
  (func $answer (param $response i32)
    (call $return (i32.const 0) (local.get $response) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

  ;; Without content.
  (func $status (param $status i32)
    (local $trailers i64)
    (local.set $trailers (call $new-trailers))
    (call $respond (local.get $status) (i32.const 0) (call $low (local.get $trailers)))
    (drop (call $write-trailers (call $high (local.get $trailers)) (i32.const 2048))))

  ;; Sends a request with these contents; its response at 1408, 1400 being 0, or the case of its
  ;; error there. Where its contents may still go: `trailers`, written when they have ended.
  (func $fetch (param $at i32) (param $size i32) (param $contents i32) (param $trailers i32)
    (call $request (call $fields) (i32.ne (local.get $contents) (i32.const 0)) (local.get $contents)
      (local.get $trailers) (i32.const 0) (i32.const 0) (i32.const 1300))
    (if (local.get $contents) (then
      (drop (call $set-method (i32.load (i32.const 1300)) (i32.const 2) (i32.const 0) (i32.const 0)))))
    (drop (call $set-scheme (i32.load (i32.const 1300)) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (drop (call $set-path (i32.load (i32.const 1300)) (i32.const 1) (i32.const 900) (i32.const 5)))
    (if (call $set-authority (i32.load (i32.const 1300)) (i32.const 1) (local.get $at) (local.get $size))
      (then unreachable))
    (call $send (i32.load (i32.const 1300)) (i32.const 1400)))

  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param $in i32) (result i32)
    (local $what i32) (local $at i32) (local $size i32) (local $stream i64) (local $trailers i64)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.set $top (i32.const 65536))
    (call $path (local.get $in) (i32.const 1000))
    (local.set $at (i32.load (i32.const 1004)))
    (local.set $size (i32.load (i32.const 1008)))
    (local.set $what (i32.load8_u offset=1 (local.get $at)))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then unreachable)) ;; t
    (if (i32.eq (local.get $what) (i32.const 0x6e)) (then (return (i32.const 0)))) ;; n
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then (loop $spin (br $spin)))) ;; s
    (if (i32.eq (local.get $what) (i32.const 0x6f)) (then ;; o
      (call $status (i32.const 100)) (return (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 0x77)) (then ;; w
      (call $open (local.get $in)) (call $copy (i32.const 0))
      (call $status (i32.const 204)) (return (i32.const 0))))
    (if (i32.and (i32.eq (local.get $what) (i32.const 0x65)) ;; er
          (i32.eq (i32.load8_u offset=2 (local.get $at)) (i32.const 0x72))) (then
      (call $return (i32.const 1) (i32.const 36) (i32.const 0) (i64.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (return (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 0x70)) (then ;; p
      (call $open (local.get $in))
      (call $respond (i32.const 200) (i32.load (i32.const 1200)) (i32.load (i32.const 1204)))
      (return (i32.const 0))))
    (local.set $trailers (call $new-trailers))
    (if (i32.eq (local.get $what) (i32.const 0x78)) (then ;; x
      (drop (call $start-write-trailers (call $high (local.get $trailers)) (i32.const 2048)))
      (call $fetch (i32.add (local.get $at) (i32.const 2)) (i32.sub (local.get $size) (i32.const 2))
        (i32.const 0) (call $low (local.get $trailers)))
      (if (i32.load8_u (i32.const 1400))
        (then (call $status (i32.add (i32.const 500) (i32.load8_u (i32.const 1408)))))
        (else (call $answer (i32.load (i32.const 1408)))))
      (return (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 0x79)) (then ;; y
      (call $open (local.get $in))
      (drop (call $start-write-trailers (call $high (local.get $trailers)) (i32.const 2048)))
      (call $fetch (i32.add (local.get $at) (i32.const 2)) (i32.sub (local.get $size) (i32.const 2))
        (i32.load (i32.const 1200)) (call $low (local.get $trailers)))
      (drop (call $read-sent (i32.load (i32.const 1304)) (i32.const 1600)))
      (call $status (i32.add (i32.const 200) (i32.load8_u (i32.const 1600))))
      (return (i32.const 0))))
    (local.set $stream (call $new-stream))
    (call $respond (i32.const 200) (call $low (local.get $stream)) (call $low (local.get $trailers)))
    (if (i32.eq (local.get $what) (i32.const 0x65)) (then ;; e
      (call $open (local.get $in))
      (call $copy (call $high (local.get $stream)))
      (call $end (call $high (local.get $stream)))
      (drop (call $read-trailers (i32.load (i32.const 1204)) (i32.const 3072)))
      (drop (call $write-trailers (call $high (local.get $trailers)) (i32.const 3072)))
      (return (i32.const 0))))
    (i32.store8 (i32.const 920) (i32.add (i32.const 0x30) (global.get $count)))
    (drop (call $write (call $high (local.get $stream)) (i32.const 920) (i32.const 1)))
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then unreachable)) ;; l
    (call $end (call $high (local.get $stream)))
    (if (i32.eq (local.get $what) (i32.const 0x68)) (then (return (i32.const 0)))) ;; h
    (if (i32.eq (local.get $what) (i32.const 0x66)) (then ;; f
      (i32.store8 (i32.const 3072) (i32.const 1))
      (i32.store8 (i32.const 3080) (i32.const 36))
      (drop (call $write-trailers (call $high (local.get $trailers)) (i32.const 3072)))
      (return (i32.const 0))))
    (drop (call $write-trailers (call $high (local.get $trailers)) (i32.const 2048)))
    (i32.const 0))
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    unreachable))
