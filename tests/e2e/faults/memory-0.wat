;; a memory of no pages that is never asked for its size
;; expected: trap out of bounds memory access
(module (memory 0) (func (export "_start") (local i32) (if (i32.load (local.get 0)) (then unreachable))))
