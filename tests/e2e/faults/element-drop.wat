;; a segment that is dropped has no elements
;; expected: trap out of bounds table access
(module (table 8 8 funcref) (elem $e func $f) (func $f)
 (func (export "_start")
  (table.init $e (i32.const 0) (i32.const 0) (i32.const 1))
  (elem.drop $e)
  (table.init $e (i32.const 0) (i32.const 0) (i32.const 0))
  (table.init $e (i32.const 0) (i32.const 0) (i32.const 1))))
