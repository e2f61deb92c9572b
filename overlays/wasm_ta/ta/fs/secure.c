// SPDX-License-Identifier: Apache-2.0
/*
 * /secure in OP-TEE's secure storage: one object for the contents of each file,
 * under a number that is never used again, and one, the index, for names, times
 * and numbers. The index is replaced in one step after all that it refers to is
 * there, so that whatever interrupts it, the old tree or the new one is found.
 *
 * System calls instead of the TEE_ functions: see object.c.
 */
#include "fs/secure.h"

#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <utee_syscalls.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/fs_path.h"
#include "fs/object.h"
#include "fs/secure_index.h"
#include "trust/manifest.h"

#define LOCK_ID		"lock"
#define THE_LOCK	"the lock of /secure"
#define LOCK_FLAGS	(TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE)
#define LOCK_TRIES	100
#define LOCK_WAIT_MS	100

/* What the lock has in it once there is an index: then it must not be missing */
#define USED_MARK	"used"

/* Each write goes to the disk: few large ones */
#define BOUNCE_SIZE	(64 * 1024)

static TEE_Result take_lock(struct fs *fs)
{
	uint32_t *lock = &fs->storage.lock;
	TEE_Result res = TEE_SUCCESS;
	uint32_t n = 0;

	for (n = 0; n < LOCK_TRIES; n++) {
		/* Not shared: it cannot be open twice */
		res = object_open(fs, LOCK_ID, LOCK_FLAGS, lock);
		if (res == TEE_ERROR_ITEM_NOT_FOUND)
			res = object_create(fs, LOCK_ID, LOCK_FLAGS, NULL, 0,
					    lock);
		if (res != TEE_ERROR_ACCESS_CONFLICT)
			return res;
		res = TEE_Wait(LOCK_WAIT_MS);
		if (res != TEE_SUCCESS)
			return res;
	}

	return TEE_ERROR_ACCESS_CONFLICT;
}

/* Whether there was an index at some time: the lock is marked then */
static TEE_Result read_mark(struct fs *fs)
{
	struct utee_object_info info = { };
	TEE_Result res = _utee_cryp_obj_get_info(fs->storage.lock, &info);

	fs->storage.used = info.data_size;
	return res;
}

/* To be called when there is an index. Without the mark, files are there too */
static void write_mark(struct fs *fs)
{
	if (!fs->storage.used &&
	    _utee_storage_obj_write(fs->storage.lock, USED_MARK,
				    strlen(USED_MARK)) == TEE_SUCCESS)
		fs->storage.used = true;
}

uint32_t secure_mount(struct fs *fs)
{
	const struct manifest *owner = fs->storage.owner;
	TEE_Result res = TEE_SUCCESS;

	if (fs->storage.lock || fs->storage.error)
		return fs->storage.error;

	if (!owner->storage) {
		trouble_is(&fs->storage.trouble, "the program's manifest allows it nothing in /secure");
		fs->storage.error = WASI_EACCES;
		return fs->storage.error;
	}
	/* What is stored is read, however much it is */
	fs->storage.room = UINT64_MAX;
	res = take_lock(fs);
	if (res != TEE_SUCCESS)
		fs->storage.lock = 0;
	else
		res = read_mark(fs);
	fs->storage.error = fs_trouble(fs, res, THE_LOCK);
	if (fs->storage.error)
		return fs->storage.error;

	fs->storage.error = secure_index_read(fs);
	fs->storage.room = owner->storage;
	/* A tree that is not whole must not replace the one that is stored */
	fs->storage.changed = false;
	return fs->storage.error;
}

void secure_unmount(struct fs *fs)
{
	if (fs->storage.lock)
		_utee_cryp_obj_close(fs->storage.lock);
	fs->storage.lock = 0;
}

static uint32_t trouble_of_file(struct fs *fs, TEE_Result res,
				const struct fs_node *file)
{
	if (res == TEE_SUCCESS)
		return WASI_ESUCCESS;

	return fs_trouble(fs, res, fs_path_of(fs, file).text);
}

/* Reads all of what is stored of a file; @keep: into memory */
static uint32_t read_file(struct fs *fs, struct fs_node *file, bool keep)
{
	TEE_Result res = TEE_SUCCESS;
	uint64_t at = 0;
	char id[OBJECT_ID_SIZE] = { };
	uint32_t object = 0;
	uint32_t err = WASI_ESUCCESS;
	void *bounce = pool_block(&fs->pool);

	if (!bounce)
		return fs_trouble(fs, TEE_ERROR_OUT_OF_MEMORY, "/secure");

	object_name(id, file->object);
	res = object_open(fs, id, TEE_DATA_FLAG_ACCESS_READ, &object);
	/* The index has it */
	if (res == TEE_ERROR_ITEM_NOT_FOUND)
		res = TEE_ERROR_CORRUPT_OBJECT;
	err = trouble_of_file(fs, res, file);
	if (err) {
		pool_free_block(&fs->pool, bounce);
		return err;
	}

	while (!err && at < file->size) {
		size_t part = MIN(file->size - at, (uint64_t)POOL_BLOCK);

		err = trouble_of_file(fs, object_read(object, bounce, part), file);
		if (!err && keep && blocks_write(&file->u.file, &fs->pool, at,
						 bounce, part) < part)
			err = fs_no_room(fs, FS_SECURE);
		at += part;
	}
	_utee_cryp_obj_close(object);
	pool_free_block(&fs->pool, bounce);
	return err;
}

uint32_t secure_load(struct fs *fs, struct fs_node *file)
{
	uint32_t err = read_file(fs, file, true);

	/* All of it is here, or none */
	if (err)
		blocks_free(&file->u.file, &fs->pool);
	file->absent = err;
	return err;
}

uint32_t secure_check(struct fs *fs, struct fs_node *file)
{
	return file->absent ? read_file(fs, file, false) : WASI_ESUCCESS;
}

/* Stores the contents of a file under a new number */
static uint32_t store_file(struct fs *fs, struct fs_node *file, void *bounce)
{
	uint32_t number = fs->storage.last_object + 1;
	char id[OBJECT_ID_SIZE] = { };
	uint32_t object = 0;
	uint64_t at = 0;
	uint32_t err = WASI_ESUCCESS;

	object_name(id, number);
	err = trouble_of_file(fs, object_create(fs, id,
						TEE_DATA_FLAG_ACCESS_WRITE |
						TEE_DATA_FLAG_OVERWRITE, NULL,
						0, &object), file);
	if (err)
		return err;

	while (!err && at < file->size) {
		size_t part = MIN(file->size - at, (uint64_t)BOUNCE_SIZE);

		blocks_read(&file->u.file, at, bounce, part);
		err = trouble_of_file(fs, _utee_storage_obj_write(object,
								  bounce, part),
				      file);
		at += part;
	}
	_utee_cryp_obj_close(object);

	fs->storage.last_object = number;
	if (err) {
		fs->storage.garbage = true;
		return err;
	}
	if (file->object)
		fs->storage.garbage = true;
	file->object = number;
	file->stored = true;
	return WASI_ESUCCESS;
}

static uint32_t store_files(struct fs *fs, const struct fs_list *list)
{
	void *bounce = tee_map_zi(BOUNCE_SIZE, 0);
	uint32_t err = WASI_ESUCCESS;
	uint32_t n = 0;

	if (!bounce)
		return fs_trouble(fs, TEE_ERROR_OUT_OF_MEMORY, "/secure");

	for (n = 0; n < list->count && !err; n++) {
		struct fs_node *node = list->items[n].entry->node;

		node->record = 0;
		if (node->type == WASI_FILETYPE_REGULAR_FILE && !node->stored)
			err = store_file(fs, node, bounce);
	}
	tee_unmap(bounce, BOUNCE_SIZE);
	return err;
}

uint32_t secure_store(struct fs *fs)
{
	struct fs_list list = { };
	uint32_t err = WASI_ESUCCESS;

	if (!fs->storage.lock || fs->storage.error || !fs->storage.changed)
		return WASI_ESUCCESS;

	/* What kept an earlier try from storing may be over */
	if (fs->storage.unstored)
		fs->storage.trouble = (struct trouble){ };

	err = fs_list(fs, fs->secure, &list);
	if (err)
		fs_trouble(fs, TEE_ERROR_OUT_OF_MEMORY, "/secure");
	if (!err)
		err = store_files(fs, &list);
	if (!err)
		err = secure_index_write(fs, &list);
	fs->storage.unstored = err;
	if (!err) {
		write_mark(fs);
		fs->storage.changed = false;
		if (fs->storage.garbage)
			object_delete_unused(fs, &list);
		fs->storage.garbage = false;
	}
	fs_free_list(&list);
	return err;
}
