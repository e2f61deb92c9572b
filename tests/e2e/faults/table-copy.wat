;; what is copied from a small table to a large one ends where the small one does
;; expected: trap out of bounds table access
(module (table $large 64 64 funcref) (table $small 1 1 funcref)
 (func (export "_start")
  (table.copy $large $small (i32.const 0) (i32.const 63) (i32.const 1))))
