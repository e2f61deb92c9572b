;; lengths of memory.fill whose upper half is not zero
;; expected: exit 0
(module (memory 1)
 (func $f (export "f") (param i32 i64) (memory.fill (local.get 0) (i32.const 0xAA) (i32.wrap_i64 (local.get 1))))
 (func $c (export "c") (param i32 i32 i64) (memory.copy (local.get 0) (local.get 1) (i32.wrap_i64 (i64.shr_u (local.get 2) (i64.const 1)))))
 (func $g (export "g") (param i64) (memory.fill (i32.const 0) (i32.const 1) (i32.wrap_i64 (i64.add (local.get 0) (i64.const 0x100000001)))))
 (func (export "_start") (call $f (i32.const 0) (i64.const 0x1000000010))))
