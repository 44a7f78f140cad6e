;; What a guest's realloc sees: a call of its own (definitions.py, LiftLowerContext.reallocate), whose
;; context is neither that of the function whose arguments it holds nor that of another realloc.
(component definition $Callee
  (core func $get (canon context.get i32 0))
  (core func $set (canon context.set i32 0))
  (core module $M
    (import "" "get" (func $get (result i32)))
    (import "" "set" (func $set (param i32)))
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 64))
    (global $calls (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (call $get) (then unreachable))
      (call $set (i32.const 0x9999))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (global.get $next)
      (global.set $next
        (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8))))
    (func (export "f") (param i32 i32 i32 i32) (result i32)
      (if (call $get) (then unreachable))
      (call $set (i32.const 0x5555))
      ;; the first bytes of both strings, and how often realloc ran
      (i32.add (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))
      (i32.add (i32.mul (global.get $calls) (i32.const 1000))))
    (func (export "f-done") (param i32)
      (if (i32.ne (call $get) (i32.const 0x5555)) (then unreachable))))
  (core instance $m (instantiate $M
    (with "" (instance (export "get" (func $get)) (export "set" (func $set))))))
  (func (export "f") (param "x" string) (param "y" string) (result u32)
    (canon lift (core func $m "f") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))
      (post-return (core func $m "f-done")))))

;; from the host: arguments that are values
(component instance $host $Callee)
(assert_return (invoke "f" (str.const "a") (str.const "b")) (u32.const 2195))
(assert_return (invoke "f" (str.const "a") (str.const "")) (u32.const 4097))

;; from another component, which keeps its own context over the call
(component
  (component $A
    (core func $get (canon context.get i32 0))
    (core func $set (canon context.set i32 0))
    (core module $M
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (memory (export "memory") 1)
      (global $next (mut i32) (i32.const 64))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 0x9999))
        (global.get $next)
        (global.set $next
          (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8))))
      (func (export "f") (param i32 i32 i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (i32.store (i32.const 0) (local.get 0))
        (i32.store (i32.const 4) (local.get 1))
        (i32.const 0)))
    (core instance $m (instantiate $M
      (with "" (instance (export "get" (func $get)) (export "set" (func $set))))))
    (func (export "f") (param "x" string) (param "y" string) (result string)
      (canon lift (core func $m "f") (memory (core memory $m "memory"))
        (realloc (core func $m "realloc")))))
  (component $B
    (import "f" (func $f (param "x" string) (param "y" string) (result string)))
    (core func $get (canon context.get i32 0))
    (core func $set (canon context.set i32 0))
    (core module $Libc
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "hello")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 0x7777))
        (i32.const 1024)))
    (core instance $libc (instantiate $Libc
      (with "" (instance (export "get" (func $get)) (export "set" (func $set))))))
    (core func $f' (canon lower (func $f) (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc"))))
    (core module $N
      (import "" "f" (func $f (param i32 i32 i32 i32 i32)))
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (import "libc" "memory" (memory 1))
      (func (export "run") (result i32)
        (call $set (i32.const 0x1234))
        (call $f (i32.const 16) (i32.const 5) (i32.const 16) (i32.const 5) (i32.const 512))
        (if (i32.ne (call $get) (i32.const 0x1234)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 512)) (i32.const 1024)) (then unreachable))
        (i32.load8_u offset=4 (i32.const 1024))))
    (core instance $n (instantiate $N
      (with "libc" (instance $libc))
      (with "" (instance (export "f" (func $f')) (export "get" (func $get)) (export "set" (func $set))))))
    (func (export "run") (result u32) (canon lift (core func $n "run"))))
  (instance $a (instantiate $A))
  (instance $b (instantiate $B (with "f" (func $a "f"))))
  (export "run" (func $b "run")))
(assert_return (invoke "run") (u32.const 111))
(assert_return (invoke "run") (u32.const 111))
