// SPDX-License-Identifier: Apache-2.0
/*
 * The type of a function that is called by its name, which wasm_export.h of
 * this version does not tell.
 */
#include "aot_runtime.h"
#include "optee_function.h"

bool optee_function_type(wasm_function_inst_t function,
			 struct optee_function_type *type)
{
	const AOTFunctionInstance *instance =
		(const AOTFunctionInstance *)function;

	/* aot_call_function() would take the import for something else */
	if (instance->is_import_func)
		return false;

	type->types = instance->u.func.func_type->types;
	type->param_count = instance->u.func.func_type->param_count;
	type->result_count = instance->u.func.func_type->result_count;
	return true;
}
