// SPDX-License-Identifier: Apache-2.0
#include "runtime.h"

#include <stdlib.h>
#include <wasm_export.h>

#include "wasi/wasi.h"

/* What no heap of a TA has room for */
#define BLOCK_MAX	(64 * 1024 * 1024)

static void *bounded_malloc(unsigned int size)
{
	return size <= BLOCK_MAX ? malloc(size) : NULL;
}

static void *bounded_realloc(void *block, unsigned int size)
{
	return size <= BLOCK_MAX ? realloc(block, size) : NULL;
}

void runtime_start(void)
{
	RuntimeInitArgs init = {
		.mem_alloc_type = Alloc_With_Allocator,
		.mem_alloc_option.allocator = {
			.malloc_func = bounded_malloc,
			.realloc_func = bounded_realloc,
			.free_func = free,
		},
	};
	static bool started;

	if (started)
		return;
	if (!wasm_runtime_full_init(&init) || !wasi_register())
		abort();
	started = true;
}
