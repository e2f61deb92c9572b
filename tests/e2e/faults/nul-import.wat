;; an import whose name goes on after a NUL
;; expected: refused
(module (import "wasi_snapshot_preview1" "proc_exit\00x" (func $x (param i32))) (func (export "_start") (call $x (i32.const 0))))
