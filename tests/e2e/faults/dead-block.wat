;; dead code after an inner block
;; expected: exit 0
(module (func $f (result i32) unreachable block end) (func $g unreachable select drop) (func $h (result i32) unreachable (drop) i32.add) (func (export "_start")))
