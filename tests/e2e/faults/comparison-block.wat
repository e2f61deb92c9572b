;; a comparison as parameter of a block
;; expected: exit 0
(module (func $f (param i32 i32) (result i32)
  local.get 0 local.get 1 i32.lt_s
  block (param i32) (result i32) i32.const 1 i32.add end)
 (func $g (param i32 i32) (result i32)
  local.get 0 local.get 1 i32.lt_s local.get 0
  if (param i32) (result i32) i32.const 1 i32.add else i32.const 2 i32.add end)
 (func $h (param i32 i32) (result i32) (local i32)
  local.get 0 local.get 1 i32.lt_s
  loop (param i32) (result i32) i32.const 1 i32.add local.tee 2 local.get 2 i32.const 10 i32.lt_s br_if 0 end)
 (func (export "_start") (if (i32.ne (call $f (i32.const 1) (i32.const 2)) (i32.const 2)) (then unreachable))
  (if (i32.ne (call $g (i32.const 1) (i32.const 2)) (i32.const 2)) (then unreachable))
  (if (i32.ne (call $h (i32.const 1) (i32.const 2)) (i32.const 10)) (then unreachable))))
