;; rotations by 0 and by all bits, of constants and of variables
;; expected: exit 0
(module (global $none (mut i32) (i32.const 0))
 (func $check (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
 (func $same (param i32 i64)
  (call $check (i32.eq (local.get 0) (i32.rotl (local.get 0) (i32.const 0))))
  (call $check (i32.eq (local.get 0) (i32.rotr (local.get 0) (i32.const 32))))
  (call $check (i32.eq (local.get 0) (i32.rotr (local.get 0) (global.get $none))))
  (call $check (i64.eq (local.get 1) (i64.rotl (local.get 1) (i64.const 64))))
  (call $check (i64.eq (local.get 1) (i64.rotr (local.get 1) (i64.const 0))))
  (call $check (i64.eq (local.get 1) (i64.rotl (local.get 1) (i64.extend_i32_u (global.get $none)))))
  (call $check (i32.eq (i32.shl (local.get 0) (i32.const 33)) (i32.mul (local.get 0) (i32.const 2)))))
 (func (export "_start") (call $same (i32.const 0x12345678) (i64.const 0x123456789abcdef0))))
