srcs-y += aot.c
srcs-y += aot_check.c
srcs-y += aot_code.c
srcs-y += aot_init.c
srcs-y += module.c
srcs-y += runtime.c
srcs-y += stack_a64.S
