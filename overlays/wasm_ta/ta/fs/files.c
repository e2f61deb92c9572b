// SPDX-License-Identifier: Apache-2.0
/*
 * Folders of the host come in, as a stream of records: see wasm_files.h.
 */
#include "fs/files.h"

#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/fs_file.h"

struct receiving {
	struct files *files;
	struct fs *fs;
	struct input *input;
	char *path;			/* a block */
	void *bounce;			/* a block */
	struct fs_node *mount;
	uint64_t records;
};

TEE_Result files_result(uint32_t err)
{
	switch (err) {
	case WASI_ESUCCESS:
		return TEE_SUCCESS;
	case WASI_ENOSPC:
	case WASI_ENOMEM:
	case WASI_EFBIG:
		return TEE_ERROR_OUT_OF_MEMORY;
	default:
		return TEE_ERROR_BAD_FORMAT;
	}
}

static TEE_Result get(struct input *input, void *bytes, size_t size)
{
	uint8_t *next = bytes;

	while (size) {
		uint32_t done = 0;
		TEE_Result res = input_read(input, next, size, &done);

		if (res != TEE_SUCCESS)
			return res;
		if (!done)
			return TEE_ERROR_BAD_FORMAT;
		next += done;
		size -= done;
	}

	return TEE_SUCCESS;
}

static bool is_name(const char *name, size_t length)
{
	return length && length <= WASM_FILES_NAME_MAX &&
	       !memchr(name, '\0', length) &&
	       !(length == 1 && name[0] == '.') &&
	       !(length == 2 && name[0] == '.' && name[1] == '.');
}

/* The directory that @path ends in, and its last component */
static struct fs_node *find_dir(struct fs_node *dir, const char *path,
				size_t size, const char **name, size_t *length)
{
	const char *end = path + size;

	while (true) {
		const char *slash = memchr(path, '/', end - path);
		struct fs_entry *entry = NULL;

		*name = path;
		*length = (slash ? slash : end) - path;
		if (!is_name(path, *length))
			return NULL;
		if (!slash)
			return dir;
		entry = fs_find(dir, path, *length);
		if (!entry || entry->node->type != WASI_FILETYPE_DIRECTORY)
			return NULL;
		dir = entry->node;
		path = slash + 1;
	}
}

static TEE_Result add_folder(struct fs *fs, struct fs_node *dir,
			     const char *name, size_t length,
			     struct fs_node **node)
{
	uint32_t err = fs_make(fs, WASI_FILETYPE_DIRECTORY, FS_MEMORY, node);

	if (!err)
		err = fs_add(fs, dir, name, length, *node);
	return files_result(err);
}

/* A mount makes the folders above it; "" is the root */
static TEE_Result add_mount(struct receiving *r,
			    const struct wasm_files_record *record)
{
	const char *path = r->path;
	const char *end = path + record->path_size;
	struct fs_node *node = r->fs->root;
	TEE_Result res = TEE_SUCCESS;

	if (record->size || r->files->count == WASM_FILES_MOUNTS_MAX ||
	    record->mount != r->files->count)
		return TEE_ERROR_BAD_FORMAT;

	while (path < end) {
		const char *slash = memchr(path, '/', end - path);
		size_t length = (slash ? slash : end) - path;
		struct fs_entry *entry = NULL;

		if (!is_name(path, length) || (slash && slash + 1 == end))
			return TEE_ERROR_BAD_FORMAT;
		entry = fs_find(node, path, length);
		if (!entry)
			res = add_folder(r->fs, node, path, length, &node);
		else if (entry->node->type == WASI_FILETYPE_DIRECTORY)
			node = entry->node;
		else
			res = TEE_ERROR_BAD_FORMAT;
		if (res != TEE_SUCCESS)
			return res;
		path = slash ? slash + 1 : end;
	}

	node->mount = true;
	r->mount = node;
	r->files->mounts[r->files->count].node = node;
	r->files->mounts[r->files->count].flags = record->flags;
	r->files->count++;
	return TEE_SUCCESS;
}

static TEE_Result add_file(struct receiving *r, struct fs_node *dir,
			   const char *name, size_t length, uint64_t size,
			   struct fs_node **node)
{
	uint64_t at = 0;
	TEE_Result res = TEE_SUCCESS;

	if (size > FS_FILE_MAX)
		return TEE_ERROR_OUT_OF_MEMORY;
	res = files_result(fs_make(r->fs, WASI_FILETYPE_REGULAR_FILE, FS_MEMORY,
				node));
	if (res == TEE_SUCCESS)
		res = files_result(fs_add(r->fs, dir, name, length, *node));

	while (res == TEE_SUCCESS && at < size) {
		size_t part = MIN(size - at, (uint64_t)POOL_BLOCK);
		size_t done = 0;

		res = get(r->input, r->bounce, part);
		if (res == TEE_SUCCESS)
			res = files_result(fs_write(r->fs, *node, at, r->bounce,
						 part, &done));
		if (res == TEE_SUCCESS && done < part)
			res = TEE_ERROR_OUT_OF_MEMORY;
		at += part;
	}

	return res;
}

static TEE_Result add_link(struct receiving *r, struct fs_node *dir,
			   const char *name, size_t length, uint64_t size,
			   struct fs_node **node)
{
	TEE_Result res = TEE_ERROR_BAD_FORMAT;
	uint32_t err = WASI_ESUCCESS;

	if (!size || size >= FS_PATH_MAX)
		return res;
	res = get(r->input, r->bounce, size);
	if (res != TEE_SUCCESS)
		return res;
	if (memchr(r->bounce, '\0', size))
		return TEE_ERROR_BAD_FORMAT;

	err = fs_make_link(r->fs, FS_MEMORY, r->bounce, size, node);
	if (!err)
		err = fs_add(r->fs, dir, name, length, *node);
	return files_result(err);
}

static TEE_Result add_node(struct receiving *r,
			   const struct wasm_files_record *record)
{
	struct fs_node *node = NULL;
	struct fs_node *dir = NULL;
	struct fs_entry *entry = NULL;
	const char *name = NULL;
	size_t length = 0;
	TEE_Result res = TEE_ERROR_BAD_FORMAT;

	if (!r->mount)
		return res;
	dir = find_dir(r->mount, r->path, record->path_size, &name, &length);
	if (!dir)
		return res;

	/* Folders of two mounts may be one; nothing else may be there twice */
	entry = fs_find(dir, name, length);
	if (entry) {
		if (record->kind != WASM_FILES_FOLDER || record->size ||
		    entry->node->type != WASI_FILETYPE_DIRECTORY)
			return res;
		return TEE_SUCCESS;
	}

	switch (record->kind) {
	case WASM_FILES_FOLDER:
		if (!record->size)
			res = add_folder(r->fs, dir, name, length, &node);
		break;
	case WASM_FILES_FILE:
		res = add_file(r, dir, name, length, record->size, &node);
		break;
	case WASM_FILES_LINK:
		res = add_link(r, dir, name, length, record->size, &node);
		break;
	default:
		break;
	}
	if (res != TEE_SUCCESS)
		return res;

	node->atim = record->mtime;
	node->mtim = record->mtime;
	node->ctim = record->mtime;
	node->same = true;
	return TEE_SUCCESS;
}

static TEE_Result receive_record(struct receiving *r, bool *ended)
{
	struct wasm_files_record record = { };
	TEE_Result res = get(r->input, &record, sizeof(record));

	if (res != TEE_SUCCESS)
		return res;
	if (record.kind == WASM_FILES_END) {
		*ended = true;
		return record.size == r->records && !record.path_size ?
		       TEE_SUCCESS : TEE_ERROR_BAD_FORMAT;
	}

	r->records++;
	if (record.path_size > WASM_FILES_PATH_MAX)
		return TEE_ERROR_BAD_FORMAT;
	res = get(r->input, r->path, record.path_size);
	if (res != TEE_SUCCESS)
		return res;

	return record.kind == WASM_FILES_MOUNT ? add_mount(r, &record) :
						 add_node(r, &record);
}

TEE_Result files_receive(struct files *files, struct fs *fs,
			 struct input *input)
{
	struct receiving receiving = {
		.files = files,
		.fs = fs,
		.input = input,
	};
	TEE_Result res = TEE_SUCCESS;
	bool ended = false;

	*files = (struct files){ };
	if (!input_has_files(input))
		return TEE_SUCCESS;

	/* Kept for the way back: by then a program may have used up all there is */
	files->path = pool_block(&fs->pool);
	files->bounce = pool_block(&fs->pool);
	receiving.path = files->path;
	receiving.bounce = files->bounce;
	if (!receiving.path || !receiving.bounce)
		res = TEE_ERROR_OUT_OF_MEMORY;
	while (res == TEE_SUCCESS && !ended)
		res = receive_record(&receiving, &ended);

	/* The renames are those of the program */
	fs->moved = false;
	return res;
}
