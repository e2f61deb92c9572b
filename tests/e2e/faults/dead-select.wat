;; selects in dead code
;; expected: exit 0
(module (func (result i64) unreachable i64.const 1 i32.const 0 select) (func (result i32) unreachable select select i32.eqz)
 (func (result f64) unreachable f64.const 1 i32.const 2 select) (func unreachable select drop) (func (result i64) i64.const 1 unreachable select i64.const 3 i32.const 1 select)
 (func (result i32) unreachable select i32.const 1 select) (func unreachable block end i32.add drop) (func (export "_start")))
