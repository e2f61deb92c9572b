// SPDX-License-Identifier: Apache-2.0
/*
 * Execution environments that know the stack limit from the beginning.
 *
 * execute_start_function() in aot_runtime.c calls a module's start function
 * with a new environment whose native_stack_boundary is still NULL, as nothing
 * has set it: the checks that AOT code makes then always pass, and recursion
 * runs over whatever is mapped below the stack of the TA, its data first.
 * sub.mk has aot_runtime.c call this function instead of the original.
 */
#include "wasm_runtime_common.h"

struct WASMExecEnv *
optee_exec_env_create(struct WASMModuleInstanceCommon *module_inst,
		      uint32 stack_size);

struct WASMExecEnv *
optee_exec_env_create(struct WASMModuleInstanceCommon *module_inst,
		      uint32 stack_size)
{
	struct WASMExecEnv *exec_env =
		wasm_exec_env_create(module_inst, stack_size);

	if (exec_env)
		wasm_exec_env_set_thread_info(exec_env);

	return exec_env;
}
