# WAMR's AOT runtime as a static library for TAs: upstream's files, and the
# platform layer of core/shared/platform/optee.

# No interpreter, no JIT; natives are registered by the TA (its own WASI)
global-cppflags-y += -DWASM_ENABLE_AOT=1
global-cppflags-y += -DWASM_ENABLE_INTERP=0
global-cppflags-y += -DWASM_ENABLE_LIBC_BUILTIN=0
global-cppflags-y += -DWASM_ENABLE_LIBC_WASI=0
# What wamrc enables by default, so that its output finds its counterpart
global-cppflags-y += -DWASM_ENABLE_BULK_MEMORY=1
global-cppflags-y += -DWASM_ENABLE_REF_TYPES=1
global-cppflags-y += -DWASM_ENABLE_SIMD=1
# A TA gets no signal when memory is accessed out of bounds
global-cppflags-y += -DWASM_DISABLE_HW_BOUND_CHECK=1
global-cppflags-y += -DBH_PLATFORM_OPTEE
global-cppflags-y += -DBH_MALLOC=wasm_runtime_malloc
global-cppflags-y += -DBH_FREE=wasm_runtime_free

global-incdirs-y += core
global-incdirs-y += core/iwasm/aot
global-incdirs-y += core/iwasm/common
global-incdirs-y += core/iwasm/include
global-incdirs-y += core/iwasm/interpreter
global-incdirs-y += core/shared/mem-alloc
global-incdirs-y += core/shared/platform/include
global-incdirs-y += core/shared/platform/optee
global-incdirs-y += core/shared/utils

subdirs-y += core/shared/platform/optee

srcs-y += core/iwasm/aot/aot_loader.c
srcs-y += core/iwasm/aot/aot_runtime.c
srcs-y += core/iwasm/aot/arch/aot_reloc_aarch64.c
srcs-y += core/iwasm/common/wasm_exec_env.c
srcs-y += core/iwasm/common/wasm_memory.c
srcs-y += core/iwasm/common/wasm_native.c
srcs-y += core/iwasm/common/wasm_runtime_common.c
srcs-y += core/shared/mem-alloc/ems/ems_alloc.c
srcs-y += core/shared/mem-alloc/ems/ems_hmu.c
srcs-y += core/shared/mem-alloc/ems/ems_kfc.c
# The pool is clear already: see optee_pool.c
cppflags-core/shared/mem-alloc/ems/ems_kfc.c-y += \
	-Dmemset=optee_pool_memset
srcs-y += core/shared/mem-alloc/mem_alloc.c
srcs-y += core/shared/utils/bh_assert.c
srcs-y += core/shared/utils/bh_common.c
srcs-y += core/shared/utils/bh_hashmap.c
srcs-y += core/shared/utils/bh_list.c
srcs-y += core/shared/utils/bh_log.c
srcs-y += core/shared/utils/bh_vector.c

# Upstream's files are not ours to keep free of OP-TEE's stricter warnings; an
# undeclared function stays an error, and so does everything else of -Wall.
cflags-remove-y += -Wcast-align
cflags-remove-y += -Wextra
cflags-remove-y += -Wmissing-declarations
cflags-remove-y += -Wmissing-format-attribute
cflags-remove-y += -Wmissing-prototypes
cflags-remove-y += -Wnested-externs
cflags-remove-y += -Wold-style-definition
cflags-remove-y += -Wredundant-decls
cflags-remove-y += -Wshadow
cflags-remove-y += -Wstrict-aliasing=2
cflags-remove-y += -Wstrict-prototypes
cflags-y += -Werror
cflags-y += -Wno-discarded-qualifiers
cflags-y += -Wno-unused-variable
