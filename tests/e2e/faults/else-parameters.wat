;; then branches that leave from an inner block, with parameters
;; expected: exit 0
(module (func $f (param i32) (result i32) (local i32)
  i32.const 20 local.get 0
  if (param i32) (result i32) local.set 1 block i32.const 3 br 1 end i32.const 9 else i32.const 5 i32.add end)
 (func $g (param i32) (result i32)
  block i32.const 20 local.get 0
  if (param i32) (result i32) drop block br 2 end i32.const 9 else i32.const 5 i32.add end return end i32.const 77)
 (func (export "_start") (if (i32.ne (call $f (i32.const 0)) (i32.const 25)) (then unreachable)) (if (i32.ne (call $f (i32.const 1)) (i32.const 3)) (then unreachable))
   (if (i32.ne (call $g (i32.const 0)) (i32.const 25)) (then unreachable)) (if (i32.ne (call $g (i32.const 1)) (i32.const 77)) (then unreachable))))
