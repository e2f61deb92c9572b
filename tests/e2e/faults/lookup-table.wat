;; a lookup table that ends in 0
;; expected: exit 0
(module (func $f (param i32) (result i32) (block (block (block (block (block (br_table 0 1 2 3 4 (local.get 0))) (return (i32.const 5))) (return (i32.const 70))) (return (i32.const 900))) (return (i32.const 0))) i32.const 33)
 (func (export "f") (param i32) (result i32) (call $f (local.get 0)))
 (func (export "_start") (local i32) (if (i32.ne (call $f (local.get 0)) (i32.const 5)) (then unreachable))))
