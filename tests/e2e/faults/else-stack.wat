;; values that a then branch leaves behind
;; expected: exit 0
(module (func $f (param i32) (result i32)
  block (result i32)
  local.get 0
  if (result i32) i32.const 1 i32.const 2 br 1 else i32.const 3 i32.const 4 i32.add end
  i32.const 10 i32.add end)
 (func $g (param i32) (result i32)
  block (result i32)
  local.get 0
  if (result i32) i32.const 1 i32.const 2 i32.const 3 br 1 else i32.const 3 i32.const 4 i32.const 5 i32.add i32.add end
  i32.const 10 i32.add end)
 (func (export "_start") (if (i32.ne (call $f (i32.const 0)) (i32.const 17)) (then unreachable)) (if (i32.ne (call $f (i32.const 1)) (i32.const 2)) (then unreachable))
  (if (i32.ne (call $g (i32.const 0)) (i32.const 22)) (then unreachable))))
