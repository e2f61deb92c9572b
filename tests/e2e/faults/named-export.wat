;; an export with parameters by a name that the runtime called
;; expected: exit 0
(module (func (export "__wasm_call_ctors") (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i64) (i64.const 1)) (func (export "_start")))
