;; an exported import by a name that the runtime called
;; expected: exit 0
(module (import "wasi_snapshot_preview1" "proc_exit" (func $x (param i32))) (export "__post_instantiate" (func $x)) (func (export "_start")))
