;; Module definitions, several instances of one, annotations and custom sections.

(module definition $counter
  (global $n (mut i32) (i32.const 0))
  (func (export "next") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (global.get $n)))
(module instance $first $counter)
(module instance $second $counter)
(assert_return (invoke $first "next") (i32.const 1))
(assert_return (invoke $first "next") (i32.const 2))
(assert_return (invoke $second "next") (i32.const 1))

(module (@custom "note" "kept") (@custom "after types" (after type) "\00\ff")
  (func (export "hinted") (param i32) (result i32)
    (block $b
      (@metadata.code.branch_hint "\01") (br_if $b (local.get 0))
      (return (i32.const 1)))
    (i32.const 2)))
(assert_return (invoke "hinted" (i32.const 0)) (i32.const 1))
(assert_return (invoke "hinted" (i32.const 1)) (i32.const 2))
(assert_malformed_custom (module quote "(@custom)") "@custom annotation: missing section name")
(assert_invalid_custom
  (module (func (@metadata.code.branch_hint "\01") (nop)))
  "@metadata.code.branch_hint annotation: invalid target")
(module binary "\00asm\01\00\00\00" "\00\06\04name\7f")
(assert_malformed (module quote "(func $f) (func $f)") "duplicate func")
(assert_malformed (module quote "(func (block $a (br $b)))") "unknown label")
