/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in a tree of blocks, in which a hole takes no memory and reads as zeros.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/pool.h"

/* Bytes that a tree can have */
#define BLOCKS_MAX	(1ULL << 30)

struct blocks {
	void *top;
	uint32_t depth;
};

/* What is read or written is below BLOCKS_MAX */
void blocks_read(struct blocks *blocks, uint64_t offset, void *bytes,
		 size_t length);
/* Returns the bytes written: less than @length when there is no memory */
size_t blocks_write(struct blocks *blocks, struct pool *pool, uint64_t offset,
		    const void *bytes, size_t length);
/* Has memory ready for @length bytes at @offset; false: there is none */
bool blocks_reserve(struct blocks *blocks, struct pool *pool, uint64_t offset,
		    uint64_t length);

/* Makes a hole of what is from @size on, where there were @old_size bytes */
void blocks_cut(struct blocks *blocks, struct pool *pool, uint64_t old_size,
		uint64_t size);
void blocks_free(struct blocks *blocks, struct pool *pool);

#endif /* BLOCKS_H */
