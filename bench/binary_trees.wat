;; Builds and drops binary trees of garbage-collected structs (the Benchmarks Game's binary-trees,
;; depth 16): 8.4 million objects, most of which die young. Traps if a node is missing.
(module
  (type $tree (struct (field (ref null $tree)) (field (ref null $tree))))
  (func $make (param $depth i32) (result (ref $tree))
    (if (i32.eqz (local.get $depth)) (then (return (struct.new_default $tree))))
    (local.set $depth (i32.sub (local.get $depth) (i32.const 1)))
    (struct.new $tree (call $make (local.get $depth)) (call $make (local.get $depth))))
  (func $count (param $tree (ref null $tree)) (result i32)
    (if (ref.is_null (struct.get $tree 0 (local.get $tree))) (then (return (i32.const 1))))
    (i32.add (i32.const 1)
      (i32.add (call $count (struct.get $tree 0 (local.get $tree)))
               (call $count (struct.get $tree 1 (local.get $tree))))))
  (func (export "run") (param $max i32) (result i32)
    (local $long (ref null $tree)) (local $depth i32) (local $left i32) (local $nodes i32)
    (local.set $long (call $make (local.get $max)))
    (local.set $depth (i32.const 4))
    (loop $depths
      (local.set $left
        (i32.shl (i32.const 1) (i32.add (i32.const 4) (i32.sub (local.get $max) (local.get $depth)))))
      (loop $trees
        (local.set $nodes (i32.add (local.get $nodes) (call $count (call $make (local.get $depth)))))
        (br_if $trees (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (local.set $depth (i32.add (local.get $depth) (i32.const 4)))
      (br_if $depths (i32.le_u (local.get $depth) (local.get $max))))
    (i32.add (local.get $nodes) (call $count (local.get $long))))
  (func (export "_start")
    (if (i32.ne (call 2 (i32.const 16)) (i32.const 8449775)) (then unreachable))))
