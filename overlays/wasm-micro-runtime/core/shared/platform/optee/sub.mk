# The OP-TEE platform layer of WAMR: all warnings are errors.
srcs-y += optee_function.c
srcs-y += optee_invoke_native.S
srcs-y += optee_libc.c
srcs-y += optee_math.c
srcs-y += optee_memory.c
srcs-y += optee_platform.c
srcs-y += optee_pool.c
srcs-y += optee_thread.c
cflags-y += -Werror

# Includes headers of upstream that are not free of these
cflags-optee_function.c-y += -Wno-strict-prototypes
cflags-optee_function.c-y += -Wno-redundant-decls
cflags-optee_function.c-y += -Wno-unused-parameter
