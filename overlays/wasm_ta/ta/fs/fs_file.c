// SPDX-License-Identifier: Apache-2.0
/*
 * Contents of regular files: a tree of blocks, in which a hole takes no memory.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/fs.h"
#include "fs/secure.h"
#include "fs/trouble.h"

/* A block of pointers has 512 */
#define FAN_BITS	9
#define FAN		(1u << FAN_BITS)
#define DEPTH_MAX	2

_Static_assert(FAN * sizeof(void *) == POOL_BLOCK, "64 bit pointers");
_Static_assert((uint64_t)FAN * FAN * POOL_BLOCK == FS_FILE_MAX, "two levels");

/* Blocks that a tree of @depth can hold */
static uint64_t capacity(uint32_t depth)
{
	return 1ULL << (FAN_BITS * depth);
}

/* Puts another level on top until block @index has a place */
static bool deepen(struct fs *fs, struct fs_node *file, uint64_t index)
{
	while (index >= capacity(file->u.file.depth)) {
		void **top = NULL;

		if (file->u.file.depth == DEPTH_MAX)
			return false;
		if (file->u.file.top) {
			top = pool_block(&fs->pool);
			if (!top)
				return false;
			top[0] = file->u.file.top;
			file->u.file.top = top;
		}
		file->u.file.depth++;
	}

	return true;
}

/* Where the pointer to block @index is; NULL: in a hole, or no memory */
static void **slot(struct fs *fs, struct fs_node *file, uint64_t index,
		   bool make)
{
	void **place = &file->u.file.top;
	uint32_t level = 0;

	if (make && !deepen(fs, file, index))
		return NULL;
	if (index >= capacity(file->u.file.depth))
		return NULL;

	for (level = file->u.file.depth; level; level--) {
		if (!*place && make)
			*place = pool_block(&fs->pool);
		if (!*place)
			return NULL;
		place = (void **)*place +
			((index >> (FAN_BITS * (level - 1))) & (FAN - 1));
	}
	if (!*place && make)
		*place = pool_block(&fs->pool);

	return *place ? place : NULL;
}

static void free_level(struct fs *fs, void *block, uint32_t depth)
{
	void **blocks = block;
	uint32_t n = 0;

	for (n = 0; block && depth && n < FAN; n++)
		free_level(fs, blocks[n], depth - 1);
	pool_free_block(&fs->pool, block);
}

void fs_free_contents(struct fs *fs, struct fs_node *file)
{
	free_level(fs, file->u.file.top, file->u.file.depth);
	file->u.file.top = NULL;
	file->u.file.depth = 0;
}

static uint32_t load(struct fs *fs, struct fs_node *file)
{
	return file->absent ? secure_load(fs, file) : WASI_ESUCCESS;
}

static void modified(struct fs *fs, struct fs_node *file)
{
	file->mtim = fs_now(fs);
	file->ctim = file->mtim;
	file->stored = false;
	fs_changed(fs, file);
}

uint32_t fs_read(struct fs *fs, struct fs_node *file, uint64_t offset,
		 void *bytes, size_t length, size_t *done)
{
	uint8_t *next = bytes;
	uint32_t err = load(fs, file);

	*done = 0;
	if (err || offset >= file->size)
		return err;

	length = MIN((uint64_t)length, file->size - offset);
	while (*done < length) {
		uint64_t at = offset + *done;
		size_t within = at % POOL_BLOCK;
		size_t part = MIN(length - *done, POOL_BLOCK - within);
		void **place = slot(fs, file, at / POOL_BLOCK, false);

		if (place)
			memcpy(next, (uint8_t *)*place + within, part);
		else
			memset(next, 0, part);
		next += part;
		*done += part;
	}

	/* As Linux's relatime: most reads change nothing */
	if (file->atim <= file->mtim)
		file->atim = fs_now(fs);
	return WASI_ESUCCESS;
}

uint32_t fs_write(struct fs *fs, struct fs_node *file, uint64_t offset,
		  const void *bytes, size_t length, size_t *done)
{
	const uint8_t *next = bytes;
	uint32_t err = load(fs, file);
	uint64_t end = 0;

	*done = 0;
	if (err || !length)
		return err;
	if (offset >= FS_FILE_MAX)
		return WASI_EFBIG;

	length = MIN((uint64_t)length, FS_FILE_MAX - offset);
	end = MAX(file->size, offset + length);
	err = fs_take_room(fs, file->device, end - file->size);
	if (err)
		return err;
	while (*done < length) {
		uint64_t at = offset + *done;
		size_t within = at % POOL_BLOCK;
		size_t part = MIN(length - *done, POOL_BLOCK - within);
		void **place = slot(fs, file, at / POOL_BLOCK, true);

		if (!place) {
			trouble_no_room(fs, file->device);
			break;
		}
		memcpy((uint8_t *)*place + within, next, part);
		next += part;
		*done += part;
	}
	/* What could not be written */
	end -= MAX(file->size, *done ? offset + *done : 0);
	fs_give_room(fs, file->device, end);
	if (!*done)
		return WASI_ENOSPC;

	file->size = MAX(file->size, offset + *done);
	modified(fs, file);
	return WASI_ESUCCESS;
}

uint32_t fs_resize(struct fs *fs, struct fs_node *file, uint64_t size)
{
	uint64_t index = 0;
	uint32_t err = 0;

	if (size > FS_FILE_MAX)
		return WASI_EFBIG;
	if (!size) {
		err = secure_check(fs, file);
		if (err)
			return err;
		file->absent = false;
		fs_free_contents(fs, file);
	}
	err = load(fs, file);
	if (!err && size > file->size)
		err = fs_take_room(fs, file->device, size - file->size);
	if (err)
		return err;
	if (size < file->size)
		fs_give_room(fs, file->device, file->size - size);

	/* What is cut off must read as zeros if the file grows again */
	for (index = DIV_ROUND_UP(size, POOL_BLOCK);
	     index < DIV_ROUND_UP(file->size, POOL_BLOCK) &&
	     index < capacity(file->u.file.depth); index++) {
		void **place = slot(fs, file, index, false);

		if (place) {
			pool_free_block(&fs->pool, *place);
			*place = NULL;
		}
	}
	if (size < file->size && size % POOL_BLOCK) {
		void **place = slot(fs, file, size / POOL_BLOCK, false);

		if (place)
			memset((uint8_t *)*place + size % POOL_BLOCK, 0,
			       POOL_BLOCK - size % POOL_BLOCK);
	}

	file->size = size;
	modified(fs, file);
	return WASI_ESUCCESS;
}

uint32_t fs_allocate(struct fs *fs, struct fs_node *file, uint64_t offset,
		     uint64_t length)
{
	uint64_t index = 0;
	uint64_t more = 0;
	uint32_t err = load(fs, file);

	if (err)
		return err;
	if (!length)
		return WASI_EINVAL;
	if (offset > FS_FILE_MAX || length > FS_FILE_MAX - offset)
		return WASI_EFBIG;
	if (offset + length > file->size)
		more = offset + length - file->size;
	err = fs_take_room(fs, file->device, more);
	if (err)
		return err;

	for (index = offset / POOL_BLOCK;
	     index < DIV_ROUND_UP(offset + length, POOL_BLOCK); index++)
		if (!slot(fs, file, index, true)) {
			fs_give_room(fs, file->device, more);
			return trouble_no_room(fs, file->device);
		}

	if (more) {
		file->size += more;
		modified(fs, file);
	}
	return WASI_ESUCCESS;
}
