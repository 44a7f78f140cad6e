;; Shared memories, atomic operators, waiting and notifying; threads of the script share a memory.

(module $memory
  (memory (export "shared") 1 1 shared)
  (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
  (func (export "load64") (param i32) (result i64) (i64.atomic.load (local.get 0)))
  (func (export "add8") (param i32 i32) (result i32)
    (i32.atomic.rmw8.add_u (local.get 0) (local.get 1)))
  (func (export "sub16") (param i32 i64) (result i64)
    (i64.atomic.rmw16.sub_u (local.get 0) (local.get 1)))
  (func (export "xchg") (param i32 i32) (result i32)
    (i32.atomic.rmw.xchg (local.get 0) (local.get 1)))
  (func (export "cmpxchg") (param i32 i64 i64) (result i64)
    (i64.atomic.rmw.cmpxchg (local.get 0) (local.get 1) (local.get 2)))
  (func (export "xor32") (param i32 i64) (result i64)
    (i64.atomic.rmw32.xor_u (local.get 0) (local.get 1)))
  (func (export "store") (param i32 i32) (i32.atomic.store (local.get 0) (local.get 1)))
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "fence") (atomic.fence)))

(assert_return (invoke "add8" (i32.const 0) (i32.const 0x1fe)) (i32.const 0))
(assert_return (invoke "add8" (i32.const 0) (i32.const 3)) (i32.const 0xfe))
(assert_return (invoke "load" (i32.const 0)) (i32.const 1))
(assert_return (invoke "sub16" (i32.const 2) (i64.const 1)) (i64.const 0))
(assert_return (invoke "xchg" (i32.const 0) (i32.const 5)) (i32.const 0xffff0001))
(assert_return (invoke "cmpxchg" (i32.const 0) (i64.const 5) (i64.const -1)) (i64.const 5))
(assert_return (invoke "cmpxchg" (i32.const 0) (i64.const 5) (i64.const 1)) (i64.const -1))
(assert_return (invoke "xor32" (i32.const 4) (i64.const 0xffff0000)) (i64.const 0xffffffff))
(assert_return (invoke "load64" (i32.const 0)) (i64.const 0x0000ffffffffffff))
(assert_trap (invoke "load" (i32.const 2)) "unaligned atomic")
(assert_trap (invoke "load" (i32.const 65536)) "out of bounds memory access")
(assert_return (invoke "wait32" (i32.const 8) (i32.const 1) (i64.const -1)) (i32.const 1))
(assert_return (invoke "wait32" (i32.const 8) (i32.const 0) (i64.const 1000)) (i32.const 2))
(assert_return (invoke "notify" (i32.const 8) (i32.const 1)) (i32.const 0))
(invoke "fence")

;; The thread waits until the other side has stored; then both have counted.
(thread $worker (shared (module $memory))
  (register "memory" $memory)
  (module
    (memory (import "memory" "shared") 1 1 shared)
    (func (export "run") (result i32)
      (local $i i32)
      (drop (memory.atomic.wait32 (i32.const 16) (i32.const 0) (i64.const -1)))
      (loop $more
        (drop (i32.atomic.rmw.add (i32.const 24) (i32.const 1)))
        (br_if $more
          (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000))))
      (i32.atomic.load (i32.const 16))))
  (assert_return (invoke "run") (i32.const 1)))
(module $main
  (memory (import "spectest" "shared_memory") 1 2 shared))
(invoke $memory "store" (i32.const 16) (i32.const 1))
(invoke $memory "notify" (i32.const 16) (i32.const 1))
(wait $worker)
(assert_return (invoke $memory "load" (i32.const 24)) (i32.const 10000))

;; Two threads add to one word without a lock.
(thread $one (shared (module $memory))
  (register "memory" $memory)
  (module
    (memory (import "memory" "shared") 1 1 shared)
    (func (export "run") (param $n i32)
      (loop $more
        (drop (i32.atomic.rmw.add (i32.const 32) (i32.const 1)))
        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (invoke "run" (i32.const 20000)))
(thread $two (shared (module $memory))
  (register "memory" $memory)
  (module
    (memory (import "memory" "shared") 1 1 shared)
    (func (export "run") (param $n i32)
      (loop $more
        (drop (i32.atomic.rmw.add (i32.const 32) (i32.const 1)))
        (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
  (invoke "run" (i32.const 20000)))
(wait $one)
(wait $two)
(assert_return (invoke $memory "load" (i32.const 32)) (i32.const 40000))

;; Waiting needs a shared memory; the other operators do not.
(module
  (memory 1)
  (func (export "wait") (result i32)
    (memory.atomic.wait64 (i32.const 0) (i64.const 0) (i64.const 0)))
  (func (export "or") (result i32) (i32.atomic.rmw16.or_u (i32.const 0) (i32.const 6))))
(assert_trap (invoke "wait") "expected shared memory")
(assert_return (invoke "or") (i32.const 0))

(assert_invalid (module (memory 1 shared)) "shared memory must have maximum")
(assert_invalid (module (memory 1) (func (drop (i32.atomic.load align=2 (i32.const 0)))))
  "atomic alignment must be natural")
(module $plain (memory (export "m") 1 1))
(register "plain" $plain)
(assert_unlinkable (module (import "plain" "m" (memory 1 1 shared))) "incompatible import type")
