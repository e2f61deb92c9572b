;; offset and length of table.fill wrap at 32 bits; nothing runs after the trap
;; expected: trap out of bounds table access
(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
 (memory (export "memory") 1) (table 8 8 funcref)
 (func (export "_start")
  (table.fill (i32.const -4) (ref.null func) (i32.const 5))
  (call $exit (i32.const 3))))
