;; two comparisons as parameters of an if without else
;; expected: exit 0
(module (func $f (param i32 i32) (result i32)
  local.get 0 local.get 1 i32.lt_s local.get 0 local.get 1 i32.gt_s local.get 0
  if (param i32 i32) (result i32 i32) end i32.add)
 (func (export "_start") (if (i32.ne (call $f (i32.const 1) (i32.const 2)) (i32.const 1)) (then unreachable))))
