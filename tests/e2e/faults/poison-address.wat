;; a constant without value as address
;; expected: trap invalid conversion to integer
(module (memory 1) (func (export "_start") (drop (i32.load (i32.trunc_f32_s (f32.const nan))))))
