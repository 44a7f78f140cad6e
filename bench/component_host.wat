;; Calls of the host: a function that returns, one that a guest waits for as for any other
;; (`waits`), and one of an asynchronous type, called with the option `async` (`starts`).
(component
  (import "plain" (func $plain (param "x" u32) (result u32)))
  (import "waits" (func $waits (param "x" u32) (result u32)))
  (import "starts" (func $starts async (param "x" u32) (result u32)))
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $plain' (canon lower (func $plain)))
  (core func $waits' (canon lower (func $waits)))
  (core func $starts' (canon lower (func $starts) async (memory $memory)))
  (core module $m
    (import "" "plain" (func $plain (param i32) (result i32)))
    (import "" "waits" (func $waits (param i32) (result i32)))
    (import "" "starts" (func $starts (param i32 i32) (result i32)))
    (import "" "memory" (memory 1))
    (func (export "plain") (param $n i32) (result i32) (local $x i32)
      (loop $l
        (local.set $x (call $plain (local.get $x)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      local.get $x)
    (func (export "waits") (param $n i32) (result i32) (local $x i32)
      (loop $l
        (local.set $x (call $waits (local.get $x)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      local.get $x)
    (func (export "starts") (param $n i32) (result i32)
      (loop $l
        (if (i32.ne (call $starts (i32.load (i32.const 16)) (i32.const 16)) (i32.const 2))
          (then unreachable))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (i32.load (i32.const 16))))
  (core instance $i (instantiate $m (with "" (instance
    (export "plain" (func $plain')) (export "waits" (func $waits'))
    (export "starts" (func $starts')) (export "memory" (memory $memory))))))
  (func (export "plain-calls") async (param "n" u32) (result u32)
    (canon lift (core func $i "plain")))
  (func (export "wait-calls") async (param "n" u32) (result u32)
    (canon lift (core func $i "waits")))
  (func (export "start-calls") async (param "n" u32) (result u32)
    (canon lift (core func $i "starts"))))
