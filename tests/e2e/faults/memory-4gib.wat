;; a memory of 4 GiB that is never asked for its size
;; expected: refused
(module (memory 65536) (func (export "_start") (local i32) (if (i32.load (local.get 0)) (then unreachable))))
