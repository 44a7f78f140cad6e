;; Components inside of components: instances with arguments, aliases outwards, subtyping of what is given.
(component
  (core module $M (func (export "f") (result i32) (i32.const 11)))
  (component $Inner
    (import "m" (core module $m (export "f" (func (result i32)))))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $i (instantiate $Inner (with "m" (core module $M))))
  (export "f" (func $i "f")))
(assert_return (invoke "f") (u32.const 11))

;; what is around is seen through an alias, types and modules and components
(component
  (type $pair (tuple u8 u8))
  (core module $M
    (memory (export "memory") 1)
    (data (i32.const 0) "\03\04")
    (func (export "f") (result i32) (i32.const 0)))
  (component $Leaf
    (alias outer 1 $M (core module $m))
    (alias outer 1 $pair (type $p))
    (core instance $i (instantiate $m))
    (func (export "f") (result $p) (canon lift (core func $i "f") (memory (core memory $i "memory")))))
  (component $Outer
    (alias outer 1 $Leaf (component $leaf))
    (instance $i (instantiate $leaf))
    (export "f" (func $i "f")))
  (instance $i (instantiate $Outer))
  (export "f" (func $i "f")))
(assert_return (invoke "f") (tuple.const (u8.const 3) (u8.const 4)))

;; an instance may have more than is asked for, and two of a component have each their own state
(component
  (component $Counter
    (core module $M
      (global $n (mut i32) (i32.const 0))
      (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (global.get $n)))
    (core instance $i (instantiate $M))
    (func (export "next") (result u32) (canon lift (core func $i "next")))
    (func (export "other") (result u32) (canon lift (core func $i "next"))))
  (component $User
    (import "a" (instance $a (export "next" (func (result u32)))))
    (import "b" (instance $b (export "next" (func (result u32)))))
    (core func $a' (canon lower (func $a "next")))
    (core func $b' (canon lower (func $b "next")))
    (core module $M
      (import "" "a" (func $a (result i32)))
      (import "" "b" (func $b (result i32)))
      (func (export "run") (result i32)
        (drop (call $a)) (drop (call $a))
        (i32.add (i32.mul (call $a) (i32.const 10)) (call $b))))
    (core instance $i (instantiate $M (with "" (instance (export "a" (func $a')) (export "b" (func $b'))))))
    (func (export "run") (result u32) (canon lift (core func $i "run"))))
  (instance $one (instantiate $Counter))
  (instance $two (instantiate $Counter))
  (instance $user (instantiate $User (with "a" (instance $one)) (with "b" (instance $two))))
  (export "run" (func $user "run")))
(assert_return (invoke "run") (u32.const 31))

;; what does not fit is refused with the place of the difference
(assert_invalid
  (component
    (component $A (import "f" (func (param "x" u32))))
    (import "f" (func $f (param "x" string)))
    (instance (instantiate $A (with "f" (func $f)))))
  "type mismatch")
(assert_invalid
  (component
    (component $A (import "f" (func)))
    (instance (instantiate $A)))
  "missing import named `f`")
(assert_invalid
  (component
    (component $A (import "m" (core module (export "f" (func (param i32))))))
    (core module $M (func (export "f") (param i64)))
    (instance (instantiate $A (with "m" (core module $M)))))
  "type mismatch")
(assert_invalid
  (component
    (import "i" (instance $i (export "f" (func))))
    (alias export $i "g" (func)))
  "no export named `g`")
(assert_invalid
  (component (import "a" (func)) (import "a" (func)))
  "import name `a` conflicts with previous name `a`")
(assert_invalid
  (component (import "wasi:http/types@1" (instance)))
  "`wasi:http/types@1` is not")

;; a component that only names what nobody gives is no instance
(assert_unlinkable
  (component (import "nobody:gives/this@1.0.0" (instance (export "f" (func)))))
  "unknown import")
