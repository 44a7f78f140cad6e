;; A guest of wasi:http for tests: sends two informational responses before its answer. It traps if
;; a status that is none is taken, too.
(module
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.append"
    (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.12" "[method]response-outparam.send-informational"
    (func $inform (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "link</style.css>; rel=preload")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))

  ;; Whether it was refused.
  (func $refused (param $to i32) (param $status i32) (param $fields i32) (result i32)
    (call $inform (local.get $to) (local.get $status) (local.get $fields) (i32.const 1024))
    (i32.load8_u (i32.const 1024)))

  (func (export "wasi:http/incoming-handler@0.2.12#handle") (param $in i32) (param $out i32)
    (local $hints i32)
    (local.set $hints (call $fields))
    (call $append (local.get $hints) (i32.const 64) (i32.const 4) (i32.const 68) (i32.const 25)
      (i32.const 1024))
    (if (call $refused (local.get $out) (i32.const 102) (call $fields)) (then unreachable))
    (if (call $refused (local.get $out) (i32.const 103) (local.get $hints)) (then unreachable))
    (if (i32.eqz (call $refused (local.get $out) (i32.const 101) (call $fields))) (then unreachable))
    (if (i32.eqz (call $refused (local.get $out) (i32.const 200) (call $fields))) (then unreachable))
    (call $set (local.get $out) (i32.const 0) (call $response (call $fields)) (i32.const 0)
      (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
