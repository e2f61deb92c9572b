;; a function that names itself, declared by an active segment
;; expected: exit 0
(module (table 2 funcref) (elem (i32.const 0) $f) (func $f (export "_start") (table.set (i32.const 1) (ref.func $f))))
