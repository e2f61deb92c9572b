;; Each assertion that fails says so: what stands beside it would pass.
(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
  (func (export "nan") (result f32) (f32.reinterpret_i32 (i32.const 0x7fa00000)))
  (func (export "zero") (result f64) (f64.const -0))
  (func (export "two") (result i64 i32) (i64.const -1) (i32.const 2))
  (func $deep (export "deep") (call $deep))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (global (export "g") i32 (i32.const 7)))

(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3))
(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 4)) ;; fails
(assert_return (invoke "divide" (i32.const 0)) (i32.const 0)) ;; fails
(assert_trap (invoke "divide" (i32.const 0)) "integer divide by zero")
(assert_trap (invoke "divide" (i32.const 0)) "integer overflow") ;; fails
(assert_trap (invoke "divide" (i32.const 1)) "integer divide by zero") ;; fails
(assert_return (invoke "nan") (f32.const nan:0x200000))
(assert_return (invoke "nan") (f32.const nan:arithmetic)) ;; fails
(assert_return (invoke "zero") (f64.const -0))
(assert_return (invoke "zero") (f64.const 0)) ;; fails
(assert_return (invoke "two") (i64.const -1) (i32.const 2))
(assert_return (invoke "two") (i64.const -1) (i32.const 3)) ;; fails
(assert_exhaustion (invoke "deep") "call stack exhausted")
(assert_exhaustion (invoke "zero") "call stack exhausted") ;; fails
(assert_return (invoke "same" (ref.extern 5)) (ref.extern 5))
(assert_return (invoke "same" (ref.extern 5)) (ref.extern 6)) ;; fails
(assert_return (get "g") (i32.const 7))
(assert_return (get "g") (i32.const 8)) ;; fails
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module binary "\00asm") "unexpected end")
(assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end") ;; fails
(assert_unlinkable (module (import "spectest" "none" (func))) "unknown import")
(assert_unlinkable (module (import "spectest" "print" (func))) "unknown import") ;; fails
(assert_trap (module (func $f (unreachable)) (start $f)) "unreachable")
(assert_trap (module (func $f) (start $f)) "unreachable") ;; fails

(module (memory 1 2) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
(assert_return (invoke "grow" (i32.const 2)) (i32.const -1))
(assert_return (invoke "grow" (i32.const 2)) (i32.const 1)) ;; fails
(assert_return (invoke "grow" (i32.const 1)) (i32.const 1))
