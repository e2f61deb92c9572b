/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "aot_bounds.h"
#include "aot_runtime.h"

/* As aot_create_func_context() has them, for a target of 64 bits */
#define EXEC_ENV_INSTANCE 2
#define TARGET_POINTER_SIZE 8

uint64_t
aot_instance_offset(void)
{
    return EXEC_ENV_INSTANCE * TARGET_POINTER_SIZE;
}

unsigned
aot_bound_width(uint64_t offset)
{
    const uint64_t memory = offsetof(AOTModuleInstance, global_table_data);

    if (offset < memory)
        return 0;
    switch (offset - memory) {
        case offsetof(AOTMemoryInstance, mem_bound_check_1byte):
            return 1;
        case offsetof(AOTMemoryInstance, mem_bound_check_2bytes):
            return 2;
        case offsetof(AOTMemoryInstance, mem_bound_check_4bytes):
            return 4;
        case offsetof(AOTMemoryInstance, mem_bound_check_8bytes):
            return 8;
        case offsetof(AOTMemoryInstance, mem_bound_check_16bytes):
            return 16;
        default:
            return 0;
    }
}
