;; a then branch that leaves from an inner block
;; expected: exit 0
(module (func $f (param i32) (result i32) (local i32)
  local.get 0
  if block br 1 end else i32.const 5 local.set 1 end
  local.get 1)
 (func (export "_start") (if (i32.ne (call $f (i32.const 0)) (i32.const 5)) (then unreachable))))
