;; an if with parameters whose condition is the constant 0
;; expected: exit 0
(module (func (export "_start")
  i32.const 7 i32.const 0 if (param i32) (result i32) i32.const 100 i32.add else i32.const 1 i32.add end
  i32.const 8 i32.ne if unreachable end))
