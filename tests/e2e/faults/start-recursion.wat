;; a start function that calls itself
;; expected: trap native stack overflow
(module (global $n (mut i32) (i32.const 0))
 (func $f (global.set $n (i32.add (global.get $n) (i32.const 1))) (call $f)
  (global.set $n (i32.sub (global.get $n) (i32.const 1))))
 (start $f) (func (export "_start")))
