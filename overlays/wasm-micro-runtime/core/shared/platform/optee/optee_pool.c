// SPDX-License-Identifier: Apache-2.0
/*
 * The pool is cleared by the core when it is mapped, and each linear memory by
 * the runtime when it is made or grows. Upstream's allocator clears the whole
 * pool at its start and again at its end all the same: sub.mk has ems_kfc.c
 * call this function, which leaves such large areas alone.
 */
#include <stddef.h>
#include <string.h>

/* More than any of the allocator's own structures */
#define STRUCTURE_MAX 4096

void *optee_pool_memset(void *buffer, int value, size_t size);

void *optee_pool_memset(void *buffer, int value, size_t size)
{
	if (size > STRUCTURE_MAX)
		return buffer;

	return memset(buffer, value, size);
}
