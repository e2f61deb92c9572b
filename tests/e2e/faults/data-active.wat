;; an active segment is dropped by instantiation
;; expected: trap out of bounds memory access
(module (memory 1) (data $d (i32.const 0) "x")
 (func (export "_start")
  (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))
  (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))))
