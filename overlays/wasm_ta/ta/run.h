/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a module, from the parameters to the result.
 */
#ifndef RUN_H
#define RUN_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_ta.h>

/* Parameters in shared memory: the normal world may change them at any time */
struct run_request {
	const void *module;
	size_t module_size;
	const void *args;
	size_t args_size;
	void *streams;
	size_t streams_size;
	uint32_t heap_size;
};

/* Fills in @result, whatever happens; leaves nothing of the run behind */
void run_module(const struct run_request *request,
		struct wasm_ta_result *result);

#endif /* RUN_H */
