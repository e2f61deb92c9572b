// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks and small pieces: free lists over memory from tee_map_zi().
 */
#include "fs/pool.h"

#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <util.h>

#define CHUNK_MIN	(4 * POOL_BLOCK)
#define CHUNK_MAX	(1024 * 1024)

/* At the beginning of each mapping */
struct pool_chunk {
	struct pool_chunk *next;
	size_t size;
};

static bool grow(struct pool *pool)
{
	struct pool_chunk *chunk = NULL;
	size_t size = MAX(pool->mapped, (size_t)CHUNK_MIN);

	size = MIN(size, (size_t)CHUNK_MAX);
	/* Where memory is short or in pieces, a smaller one may still fit */
	for (; size >= 2 * POOL_BLOCK;
	     size = ROUNDDOWN(size / 2, POOL_BLOCK)) {
		if (pool->limit && size > pool->limit - pool->mapped)
			continue;
		chunk = tee_map_zi(size, 0);
		if (chunk)
			break;
	}
	if (!chunk)
		return false;

	chunk->next = pool->chunks;
	chunk->size = size;
	pool->chunks = chunk;
	pool->mapped += size;
	pool->fresh = (uint8_t *)chunk + POOL_BLOCK;
	pool->fresh_end = (uint8_t *)chunk + size;
	return true;
}

void *pool_block(struct pool *pool)
{
	void *block = pool->blocks;

	if (block) {
		memcpy(&pool->blocks, block, sizeof(void *));
		memset(block, 0, POOL_BLOCK);
		return block;
	}

	if (pool->fresh == pool->fresh_end && !grow(pool))
		return NULL;

	block = pool->fresh;
	pool->fresh += POOL_BLOCK;
	return block;
}

void pool_free_block(struct pool *pool, void *block)
{
	if (!block)
		return;

	memcpy(block, &pool->blocks, sizeof(void *));
	pool->blocks = block;
}

/* The class that @size belongs to; POOL_SMALL_CLASSES: a whole block */
static unsigned int class_of(size_t size)
{
	unsigned int class = 0;

	while (class < POOL_SMALL_CLASSES &&
	       size > (size_t)POOL_SMALL_MIN << class)
		class++;

	return class;
}

void *pool_get(struct pool *pool, size_t size)
{
	unsigned int class = class_of(size);
	size_t step = (size_t)POOL_SMALL_MIN << class;
	uint8_t *block = NULL;
	void *piece = NULL;
	size_t at = 0;

	if (size > POOL_BLOCK)
		return NULL;
	if (class == POOL_SMALL_CLASSES)
		return pool_block(pool);

	if (!pool->small[class]) {
		block = pool_block(pool);
		if (!block)
			return NULL;
		for (at = 0; at < POOL_BLOCK; at += step)
			pool_put(pool, block + at, size);
	}

	piece = pool->small[class];
	memcpy(&pool->small[class], piece, sizeof(void *));
	memset(piece, 0, step);
	return piece;
}

void pool_put(struct pool *pool, void *piece, size_t size)
{
	unsigned int class = class_of(size);

	if (!piece)
		return;
	if (class == POOL_SMALL_CLASSES) {
		pool_free_block(pool, piece);
		return;
	}

	memcpy(piece, &pool->small[class], sizeof(void *));
	pool->small[class] = piece;
}

void pool_release(struct pool *pool)
{
	struct pool_chunk *chunk = pool->chunks;

	while (chunk) {
		struct pool_chunk *next = chunk->next;

		tee_unmap(chunk, chunk->size);
		chunk = next;
	}
	*pool = (struct pool){ .limit = pool->limit };
}
