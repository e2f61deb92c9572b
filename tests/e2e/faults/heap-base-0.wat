;; a __heap_base of 0
;; expected: exit 0
(module (memory 1) (global (export "__heap_base") i32 (i32.const 0)) (global (export "__data_end") i32 (i32.const 0)) (global (mut i32) (i32.const 0))
 (func (export "_start") (local i32) (if (i32.load (local.get 0)) (then unreachable))))
