;; a comparison that leaves by a branch
;; expected: exit 0
(module (func $f (param i32 i32) (result i32)
  block (result i32) local.get 0 local.get 1 i32.lt_s local.get 0 br_if 0 i32.const 5 i32.add end)
 (func $g (param i32 i32) (result i32)
  block (result i32) block (result i32) local.get 0 local.get 1 i32.lt_s local.get 0 br_table 0 1 0 end i32.const 7 i32.add end)
 (func (export "_start") (if (i32.ne (call $f (i32.const 1) (i32.const 2)) (i32.const 1)) (then unreachable))
  (if (i32.ne (call $f (i32.const 0) (i32.const 2)) (i32.const 6)) (then unreachable))
  (if (i32.ne (call $g (i32.const 0) (i32.const 2)) (i32.const 8)) (then unreachable))
  (if (i32.ne (call $g (i32.const 1) (i32.const 2)) (i32.const 1)) (then unreachable))))
