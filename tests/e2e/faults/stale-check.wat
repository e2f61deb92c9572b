;; a bounds check of a value that the local no longer has
;; expected: trap out of bounds memory access
(module (memory (export "memory") 1)
 (func $f (param i32) (result i32)
  local.get 0 i32.const 0x7ffffff0 local.set 0 i32.load drop
  local.get 0 i32.load)
 (func (export "_start") (drop (call $f (i32.const 0)))))
