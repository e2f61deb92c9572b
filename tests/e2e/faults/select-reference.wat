;; a select between references of different origin
;; expected: exit 0
(module (table 1 funcref) (func $g) (elem declare func $g) (func $f (param funcref i32) (result funcref) (select (result funcref) (local.get 0) (ref.func $g) (local.get 1)))
 (func (export "_start") (drop (call $f (ref.null func) (i32.const 1)))))
