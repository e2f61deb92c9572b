;; ranges of table.copy that overlap, and one of no length behind the end of its table
;; expected: exit 0
(module (table 8 8 funcref) (elem (i32.const 0) $a $b $c) (type $f (func (result i32)))
 (func $a (result i32) i32.const 1) (func $b (result i32) i32.const 2) (func $c (result i32) i32.const 3)
 (func $check (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
 (func (export "_start")
  (table.copy (i32.const 1) (i32.const 0) (i32.const 3))
  (table.copy (i32.const 8) (i32.const 8) (i32.const 0))
  (call $check (i32.eq (i32.const 1) (call_indirect (type $f) (i32.const 1))))
  (call $check (i32.eq (i32.const 2) (call_indirect (type $f) (i32.const 2))))
  (call $check (i32.eq (i32.const 3) (call_indirect (type $f) (i32.const 3))))))
