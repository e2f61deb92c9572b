;; an export whose name goes on after a NUL
;; expected: exit 0
(module (func (export "_start\00x") unreachable) (func (export "_start")))
