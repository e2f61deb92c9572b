/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The type of a function that is called by its name.
 */
#ifndef OPTEE_FUNCTION_H
#define OPTEE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>
#include <wasm_export.h>

/* Value types as in WebAssembly's binary format, parameters first */
struct optee_function_type {
	const uint8_t *types;
	uint32_t param_count;
	uint32_t result_count;
};

/* Returns false for an import that the module exports again: not to be called */
bool optee_function_type(wasm_function_inst_t function,
			 struct optee_function_type *type);

#endif /* OPTEE_FUNCTION_H */
