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

;; Compact imports: one module name for several imports, and one type for several names.
(module binary
  "\00\61\73\6d\01\00\00\00"
  "\01\09\02\60\01\7f\00\60\00\01\7f"
  "\02\41\02\08\73\70\65\63\74\65\73\74\00\7f\02\09\70\72\69\6e\74\5f\69\33\32\00\00\0a\67\6c"
  "\6f\62\61\6c\5f\69\33\32\03\7f\00\08\73\70\65\63\74\65\73\74\00\7e\03\7f\00\01\0a\67\6c\6f"
  "\62\61\6c\5f\69\33\32"
  "\03\02\01\01"
  "\07\07\01\03\73\75\6d\00\01"
  "\0a\0d\01\0b\00\23\00\10\00\23\00\23\01\6a\0b")
(assert_return (invoke "sum") (i32.const 1332))
