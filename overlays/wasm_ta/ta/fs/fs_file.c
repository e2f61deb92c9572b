// SPDX-License-Identifier: Apache-2.0
/*
 * Reading and changing the contents of regular files, in memory.
 */
#include "fs/fs_file.h"

#include <tee_internal_api.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/secure.h"

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
	uint32_t err = load(fs, file);

	*done = 0;
	if (err || offset >= file->size)
		return err;

	*done = MIN((uint64_t)length, file->size - offset);
	blocks_read(&file->u.file, offset, bytes, *done);

	/* As Linux's relatime: most reads change nothing */
	if (file->atim <= file->mtim)
		file->atim = fs_now(fs);
	return WASI_ESUCCESS;
}

uint32_t fs_write(struct fs *fs, struct fs_node *file, uint64_t offset,
		  const void *bytes, size_t length, size_t *done)
{
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
	*done = blocks_write(&file->u.file, &fs->pool, offset, bytes, length);
	if (*done < length)
		fs_no_room(fs, file->device);
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
	uint32_t err = 0;

	if (size > FS_FILE_MAX)
		return WASI_EFBIG;
	if (!size) {
		err = secure_check(fs, file);
		if (err)
			return err;
		file->absent = false;
		blocks_free(&file->u.file, &fs->pool);
	}
	err = load(fs, file);
	if (!err && size > file->size)
		err = fs_take_room(fs, file->device, size - file->size);
	if (err)
		return err;
	if (size < file->size)
		fs_give_room(fs, file->device, file->size - size);

	/* What is cut off must read as zeros if the file grows again */
	blocks_cut(&file->u.file, &fs->pool, file->size, size);
	file->size = size;
	modified(fs, file);
	return WASI_ESUCCESS;
}

uint32_t fs_allocate(struct fs *fs, struct fs_node *file, uint64_t offset,
		     uint64_t length)
{
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

	if (!blocks_reserve(&file->u.file, &fs->pool, offset, length)) {
		fs_give_room(fs, file->device, more);
		return fs_no_room(fs, file->device);
	}
	if (more) {
		file->size += more;
		modified(fs, file);
	}
	return WASI_ESUCCESS;
}
