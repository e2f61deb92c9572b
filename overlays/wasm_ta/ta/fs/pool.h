/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the filesystem: blocks and small pieces out of mappings that grow
 * with use. All of it is given back at once.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_BLOCK		4096
/* Small pieces have 32 << n bytes */
#define POOL_SMALL_MIN		32
#define POOL_SMALL_CLASSES	7

struct pool_chunk;

struct pool {
	struct pool_chunk *chunks;
	uint8_t *fresh;			/* blocks never handed out ... */
	uint8_t *fresh_end;		/* ... of the newest chunk */
	void *blocks;			/* given back, linked by their first word */
	void *small[POOL_SMALL_CLASSES];
	size_t mapped;			/* bytes */
	size_t limit;			/* bytes; 0: as many as the TEE has */
};

/* A block of zeros, or NULL when there is no memory or the limit is reached */
void *pool_block(struct pool *pool);
void pool_free_block(struct pool *pool, void *block);

/* @size zeros, at most POOL_BLOCK; or NULL. Freed with the same size */
void *pool_get(struct pool *pool, size_t size);
void pool_put(struct pool *pool, void *piece, size_t size);

/* Gives back all */
void pool_release(struct pool *pool);

#endif /* POOL_H */
