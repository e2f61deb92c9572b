// SPDX-License-Identifier: Apache-2.0
/*
 * Pieces of the filesystem's pool, for the sanitizer to know: whatever is not
 * handed out, or behind what was asked for, must not be touched. The linker puts
 * these in front of pool.c (--wrap).
 */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>

#include "fs/pool.h"
#include "shim.h"

uint32_t pool_fail;

void *__real_pool_block(struct pool *pool);
void *__real_pool_get(struct pool *pool, size_t size);
void __real_pool_free_block(struct pool *pool, void *block);
void __real_pool_put(struct pool *pool, void *piece, size_t size);

void *__wrap_pool_block(struct pool *pool);
void *__wrap_pool_get(struct pool *pool, size_t size);
void __wrap_pool_free_block(struct pool *pool, void *block);
void __wrap_pool_put(struct pool *pool, void *piece, size_t size);

/* The piece that @size takes */
static size_t step_of(size_t size)
{
	size_t step = POOL_SMALL_MIN;

	while (step < size)
		step *= 2;
	return step;
}

/* What is handed out next is the first of its list */
static void open_next(struct pool *pool, size_t step)
{
	size_t n = 0;

	if (pool->blocks)
		ASAN_UNPOISON_MEMORY_REGION(pool->blocks, POOL_BLOCK);
	for (n = 0; n < POOL_SMALL_CLASSES; n++)
		if (step == (size_t)POOL_SMALL_MIN << n && pool->small[n])
			ASAN_UNPOISON_MEMORY_REGION(pool->small[n], step);
}

static void close_next(struct pool *pool)
{
	if (pool->blocks)
		ASAN_POISON_MEMORY_REGION(pool->blocks, POOL_BLOCK);
}

static bool fails(void)
{
	return pool_fail && !--pool_fail;
}

void *__wrap_pool_get(struct pool *pool, size_t size)
{
	size_t step = step_of(size);
	uint8_t *piece = NULL;

	if (fails())
		return NULL;

	open_next(pool, step);
	piece = __real_pool_get(pool, size);
	close_next(pool);
	if (piece)
		ASAN_POISON_MEMORY_REGION(piece + size, step - size);
	return piece;
}

void *__wrap_pool_block(struct pool *pool)
{
	void *block = NULL;

	if (fails())
		return NULL;

	open_next(pool, POOL_BLOCK);
	block = __real_pool_block(pool);
	close_next(pool);
	return block;
}

/* Given back must be all of what was handed out, and once */
static void check(const uint8_t *piece, size_t size, size_t step)
{
	if (__asan_region_is_poisoned((void *)piece, size) ||
	    (size < step && !__asan_address_is_poisoned(piece + size)))
		abort();
}

void __wrap_pool_put(struct pool *pool, void *piece, size_t size)
{
	size_t step = step_of(size);

	if (!piece)
		return;
	check(piece, size, step);
	ASAN_UNPOISON_MEMORY_REGION(piece, step);
	__real_pool_put(pool, piece, size);
	ASAN_POISON_MEMORY_REGION(piece, step);
}

void __wrap_pool_free_block(struct pool *pool, void *block)
{
	if (!block)
		return;
	check(block, POOL_BLOCK, POOL_BLOCK);
	__real_pool_free_block(pool, block);
	ASAN_POISON_MEMORY_REGION(block, POOL_BLOCK);
}
