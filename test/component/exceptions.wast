;; An exception that core code throws and does not catch is a trap where it would leave the component
;; (definitions.py, call_and_trap_on_throw): no other component can catch it, and the instance cannot
;; be entered again.
(component definition $T
  (component $A
    (core func $set (canon context.set i32 0))
    (core module $M
      (tag $t (param i32))
      (memory (export "memory") 1)
      (global $mode (mut i32) (i32.const 0))
      (func $throw (throw $t (i32.const 7)))
      (func (export "set") (param i32) (global.set $mode (local.get 0)))
      ;; mode 1: the function throws; 2: its post-return; 3: realloc
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (i32.eq (global.get $mode) (i32.const 3)) (then (call $throw)))
        (i32.const 64))
      (func (export "f") (param i32 i32) (result i32)
        (if (i32.eq (global.get $mode) (i32.const 1)) (then (call $throw)))
        (local.get 1))
      (func (export "f-done") (param i32)
        (if (i32.eq (global.get $mode) (i32.const 2)) (then (call $throw))))
      (func (export "g") (param i32) (result i32)
        (if (i32.eq (global.get $mode) (i32.const 1)) (then (call $throw)))
        (local.get 0))
      (func (export "inside") (result i32)
        (block $caught (result i32)
          (try_table (result i32) (catch $t $caught) (call $throw) (i32.const 1)))))
    (core instance $m (instantiate $M))
    (func (export "set") (param "mode" u32) (canon lift (core func $m "set")))
    (func (export "f") (param "s" string) (result u32)
      (canon lift (core func $m "f") (memory (core memory $m "memory"))
        (realloc (core func $m "realloc")) (post-return (core func $m "f-done"))))
    (func (export "g") (param "n" u32) (result u32) (canon lift (core func $m "g")))
    (func (export "inside") (result u32) (canon lift (core func $m "inside"))))
  (component $B
    (import "f" (func $f (param "s" string) (result u32)))
    (import "g" (func $g (param "n" u32) (result u32)))
    (core module $Libc (memory (export "memory") 1))
    (core instance $libc (instantiate $Libc))
    (core func $f' (canon lower (func $f) (memory (core memory $libc "memory"))))
    (core func $g' (canon lower (func $g)))
    (core module $N
      (import "" "f" (func $f (param i32 i32) (result i32)))
      (import "" "g" (func $g (param i32) (result i32)))
      (func (export "f") (result i32)
        (block $caught
          (return (try_table (result i32) (catch_all $caught) (call $f (i32.const 0) (i32.const 5)))))
        (i32.const -1))
      (func (export "g") (result i32)
        (block $caught
          (return (try_table (result i32) (catch_all $caught) (call $g (i32.const 9)))))
        (i32.const -1)))
    (core instance $n (instantiate $N
      (with "" (instance (export "f" (func $f')) (export "g" (func $g'))))))
    (func (export "f") (result u32) (canon lift (core func $n "f")))
    (func (export "g") (result u32) (canon lift (core func $n "g"))))
  (instance $a (instantiate $A))
  (instance $b (instantiate $B (with "f" (func $a "f")) (with "g" (func $a "g"))))
  (export "set" (func $a "set"))
  (export "inside" (func $a "inside"))
  (export "host-f" (func $a "f"))
  (export "host-g" (func $a "g"))
  (export "f" (func $b "f"))
  (export "g" (func $b "g")))

;; what stays inside is no affair of anybody else
(component instance $i $T)
(assert_return (invoke "inside") (u32.const 7))
(assert_return (invoke "f") (u32.const 5))
(assert_return (invoke "g") (u32.const 9))
(assert_return (invoke "host-f" (str.const "abc")) (u32.const 3))

;; from one component to another: the function, with numbers and with a string
(assert_return (invoke "set" (u32.const 1)))
(assert_trap (invoke "g") "uncaught exception propagated out of component")
(assert_trap (invoke "host-g" (u32.const 1)) "cannot enter component instance")
(component instance $i $T)
(assert_return (invoke "set" (u32.const 1)))
(assert_trap (invoke "f") "uncaught exception propagated out of component")
(assert_trap (invoke "inside") "cannot enter component instance")

;; its post-return, and its realloc
(component instance $i $T)
(assert_return (invoke "set" (u32.const 2)))
(assert_trap (invoke "f") "uncaught exception propagated out of component")
(component instance $i $T)
(assert_return (invoke "set" (u32.const 3)))
(assert_trap (invoke "f") "uncaught exception propagated out of component")

;; to the host
(component instance $i $T)
(assert_return (invoke "set" (u32.const 1)))
(assert_trap (invoke "host-f" (str.const "a")) "uncaught exception propagated out of component")
(component instance $i $T)
(assert_return (invoke "set" (u32.const 2)))
(assert_trap (invoke "host-f" (str.const "a")) "uncaught exception propagated out of component")
(component instance $i $T)
(assert_return (invoke "set" (u32.const 3)))
(assert_trap (invoke "host-f" (str.const "a")) "uncaught exception propagated out of component")

;; a destructor, whose context is its own
(component
  (component $A
    (core func $get (canon context.get i32 0))
    (core func $set (canon context.set i32 0))
    (core module $D
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (tag $t)
      (func (export "drop") (param i32)
        (if (call $get) (then unreachable))
        (call $set (i32.const 3))
        (if (i32.eqz (local.get 0)) (then (throw $t)))))
    (core instance $d (instantiate $D
      (with "" (instance (export "get" (func $get)) (export "set" (func $set))))))
    (type $R (resource (rep i32) (dtor (core func $d "drop"))))
    (core func $new (canon resource.new $R))
    (core func $end (canon resource.drop $R))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "end" (func $end (param i32)))
      (import "" "get" (func $get (result i32)))
      (import "" "set" (func $set (param i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "run") (param i32)
        (call $set (i32.const 5))
        (call $end (call $new (local.get 0)))
        (if (i32.ne (call $get) (i32.const 5)) (then unreachable))))
    (core instance $m (instantiate $M (with "" (instance
      (export "new" (func $new)) (export "end" (func $end))
      (export "get" (func $get)) (export "set" (func $set))))))
    (export $R' "r" (type $R))
    (func (export "make") (param "rep" u32) (result (own $R')) (canon lift (core func $m "make")))
    (func (export "run") (param "rep" u32) (canon lift (core func $m "run"))))
  (component $B
    (import "r" (type $R (sub resource)))
    (import "make" (func $make (param "rep" u32) (result (own $R))))
    (core func $make' (canon lower (func $make)))
    (core func $end (canon resource.drop $R))
    (core module $N
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "end" (func $end (param i32)))
      (func (export "run") (param i32)
        (block $caught
          (try_table (catch_all $caught) (call $end (call $make (local.get 0))))
          (return))
        unreachable))
    (core instance $n (instantiate $N
      (with "" (instance (export "make" (func $make')) (export "end" (func $end))))))
    (func (export "run") (param "rep" u32) (canon lift (core func $n "run"))))
  (instance $a (instantiate $A))
  (instance $b (instantiate $B (with "r" (type $a "r")) (with "make" (func $a "make"))))
  (export "inside" (func $a "run"))
  (export "outside" (func $b "run")))
(assert_return (invoke "inside" (u32.const 1)))
(assert_return (invoke "outside" (u32.const 1)))
(assert_trap (invoke "outside" (u32.const 0)) "uncaught exception propagated out of component")

;; a task with a callback
(component
  (component $A
    (core module $M
      (import "" "return" (func $return))
      (tag $t)
      (func (export "f") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (throw $t)))
        (i32.const 1 (; yield ;)))
      (func (export "on") (param i32 i32 i32) (result i32) (throw $t)))
    (core func $return (canon task.return))
    (core instance $m (instantiate $M (with "" (instance (export "return" (func $return))))))
    (func (export "f") async (param "n" u32)
      (canon lift (core func $m "f") async (callback (core func $m "on")))))
  (instance $a (instantiate $A))
  (export "f" (func $a "f")))
(assert_trap (invoke "f" (u32.const 1)) "uncaught exception propagated out of component")
