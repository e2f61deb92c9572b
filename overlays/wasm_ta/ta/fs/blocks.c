// SPDX-License-Identifier: Apache-2.0
/*
 * Trees of blocks: of one block of bytes, or of blocks of pointers above them.
 */
#include "fs/blocks.h"

#include <string.h>
#include <util.h>

/* A block of pointers has 512 */
#define FAN_BITS	9
#define FAN		(1u << FAN_BITS)
#define DEPTH_MAX	2

_Static_assert(FAN * sizeof(void *) == POOL_BLOCK, "64 bit pointers");
_Static_assert((uint64_t)FAN * FAN * POOL_BLOCK == BLOCKS_MAX, "two levels");

/* Blocks that a tree of @depth can hold */
static uint64_t capacity(uint32_t depth)
{
	return 1ULL << (FAN_BITS * depth);
}

/* Puts another level on top until block @index has a place */
static bool deepen(struct blocks *blocks, struct pool *pool, uint64_t index)
{
	while (index >= capacity(blocks->depth)) {
		void **top = NULL;

		if (blocks->depth == DEPTH_MAX)
			return false;
		if (blocks->top) {
			top = pool_block(pool);
			if (!top)
				return false;
			top[0] = blocks->top;
			blocks->top = top;
		}
		blocks->depth++;
	}

	return true;
}

/* Where the pointer to block @index is; NULL: in a hole, or no memory */
static void **slot(struct blocks *blocks, struct pool *pool, uint64_t index,
		   bool make)
{
	void **place = &blocks->top;
	uint32_t level = 0;

	if (make && !deepen(blocks, pool, index))
		return NULL;
	if (index >= capacity(blocks->depth))
		return NULL;

	for (level = blocks->depth; level; level--) {
		if (!*place && make)
			*place = pool_block(pool);
		if (!*place)
			return NULL;
		place = (void **)*place +
			((index >> (FAN_BITS * (level - 1))) & (FAN - 1));
	}
	if (!*place && make)
		*place = pool_block(pool);

	return *place ? place : NULL;
}

static void free_level(struct pool *pool, void *block, uint32_t depth)
{
	void **blocks = block;
	uint32_t n = 0;

	for (n = 0; block && depth && n < FAN; n++)
		free_level(pool, blocks[n], depth - 1);
	pool_free_block(pool, block);
}

void blocks_free(struct blocks *blocks, struct pool *pool)
{
	free_level(pool, blocks->top, blocks->depth);
	*blocks = (struct blocks){ };
}

void blocks_read(struct blocks *blocks, uint64_t offset, void *bytes,
		 size_t length)
{
	uint8_t *next = bytes;

	while (length) {
		size_t within = offset % POOL_BLOCK;
		size_t part = MIN(length, POOL_BLOCK - within);
		void **place = slot(blocks, NULL, offset / POOL_BLOCK, false);

		if (place)
			memcpy(next, (uint8_t *)*place + within, part);
		else
			memset(next, 0, part);
		next += part;
		offset += part;
		length -= part;
	}
}

size_t blocks_write(struct blocks *blocks, struct pool *pool, uint64_t offset,
		    const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	size_t done = 0;

	while (done < length) {
		uint64_t at = offset + done;
		size_t within = at % POOL_BLOCK;
		size_t part = MIN(length - done, POOL_BLOCK - within);
		void **place = slot(blocks, pool, at / POOL_BLOCK, true);

		if (!place)
			break;
		memcpy((uint8_t *)*place + within, next, part);
		next += part;
		done += part;
	}

	return done;
}

bool blocks_reserve(struct blocks *blocks, struct pool *pool, uint64_t offset,
		    uint64_t length)
{
	uint64_t index = 0;

	for (index = offset / POOL_BLOCK;
	     index < DIV_ROUND_UP(offset + length, POOL_BLOCK); index++)
		if (!slot(blocks, pool, index, true))
			return false;

	return true;
}

void blocks_cut(struct blocks *blocks, struct pool *pool, uint64_t old_size,
		uint64_t size)
{
	void **place = NULL;
	uint64_t index = 0;

	for (index = DIV_ROUND_UP(size, POOL_BLOCK);
	     index < DIV_ROUND_UP(old_size, POOL_BLOCK) &&
	     index < capacity(blocks->depth); index++) {
		place = slot(blocks, NULL, index, false);
		if (place) {
			pool_free_block(pool, *place);
			*place = NULL;
		}
	}
	if (size >= old_size || !(size % POOL_BLOCK))
		return;

	place = slot(blocks, NULL, size / POOL_BLOCK, false);
	if (place)
		memset((uint8_t *)*place + size % POOL_BLOCK, 0,
		       POOL_BLOCK - size % POOL_BLOCK);
}
