;; constructors that the program calls itself
;; expected: exit 0
(module (global $n (mut i32) (i32.const 0)) (func $c (export "__wasm_call_ctors") (global.set $n (i32.add (global.get $n) (i32.const 1))))
 (func (export "_start") (call $c) (if (i32.ne (global.get $n) (i32.const 1)) (then unreachable))))
