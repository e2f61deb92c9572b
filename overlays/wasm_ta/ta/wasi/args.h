/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments and environment of a program, checked and in private memory.
 */
#ifndef ARGS_H
#define ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>

struct args {
	uint32_t argc;
	uint32_t argv_size;	/* bytes of all argv strings with their NULs */
	uint32_t envc;
	uint32_t environ_size;
	const char *argv;	/* argc strings, one after the other */
	const char *environ;	/* envc strings, one after the other */
	void *memory;
	size_t memory_size;
};

/*
 * args_copy() - take a struct wasm_ta_args out of shared memory
 * @args: filled in; to be released with args_free() in any case
 * @shared: the parameter, which may change at any time
 * @size: of the parameter
 */
TEE_Result args_copy(struct args *args, const void *shared, size_t size);

void args_free(struct args *args);

#endif /* ARGS_H */
