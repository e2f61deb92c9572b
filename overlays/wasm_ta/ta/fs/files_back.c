// SPDX-License-Identifier: Apache-2.0
/*
 * Folders of the host go back, without any memory for it: a program may have
 * used up all there is.
 */
#include <string.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/files.h"
#include "fs/fs_file.h"

struct sending {
	const struct files *files;
	struct fs *fs;
	struct output *output;
	size_t length;			/* of files->path, without a NUL */
	uint64_t records;
};

static TEE_Result put(struct sending *s, const void *bytes, size_t size)
{
	return output_write(s->output, WASM_CHANNEL_FILES, bytes, size);
}

static TEE_Result send_record(struct sending *s,
			      const struct wasm_files_record *record,
			      const char *path)
{
	TEE_Result res = put(s, record, sizeof(*record));

	s->records++;
	if (res == TEE_SUCCESS)
		res = put(s, path, record->path_size);
	return res;
}

static TEE_Result send_contents(struct sending *s, struct fs_node *node)
{
	uint64_t at = 0;
	TEE_Result res = TEE_SUCCESS;

	if (node->type == WASI_FILETYPE_SYMBOLIC_LINK)
		return put(s, node->u.target, node->size);

	while (res == TEE_SUCCESS && at < node->size) {
		size_t done = 0;

		res = files_result(fs_read(s->fs, node, at, s->files->bounce, POOL_BLOCK,
					&done));
		if (res == TEE_SUCCESS)
			res = put(s, s->files->bounce, done);
		at += done;
	}

	return res;
}

/* What comes back of @node, whose path is in s->files->path */
static TEE_Result send_node(struct sending *s, struct fs_node *node)
{
	struct wasm_files_record record = {
		.mtime = node->mtim,
		.path_size = s->length,
	};
	TEE_Result res = TEE_SUCCESS;

	if (node->type == WASI_FILETYPE_DIRECTORY) {
		record.kind = WASM_FILES_FOLDER;
	} else if (node->type == WASI_FILETYPE_SYMBOLIC_LINK) {
		record.kind = WASM_FILES_LINK;
		record.size = node->size;
	} else if (node->same && !s->fs->moved) {
		record.kind = WASM_FILES_SAME;
	} else {
		record.kind = WASM_FILES_FILE;
		record.size = node->size;
	}

	res = send_record(s, &record, s->files->path);
	if (res == TEE_SUCCESS && record.size)
		res = send_contents(s, node);
	return res;
}

/* What is lent from another folder, or is nobody's, does not go into this one */
static bool is_elsewhere(const struct sending *s, const struct fs_node *node)
{
	uint32_t n = 0;

	for (n = 0; n < s->files->count; n++)
		if (s->files->mounts[n].node == node)
			return true;
	return node == s->fs->temporary;
}

/* Adds a name to the path; false: a program made it longer than it could use */
static bool enter(struct sending *s, const struct fs_entry *entry)
{
	size_t slash = s->length ? 1 : 0;

	if (s->length + slash + entry->length > WASM_FILES_PATH_MAX)
		return false;
	if (slash)
		s->files->path[s->length++] = '/';
	memcpy(s->files->path + s->length, entry->name, entry->length);
	s->length += entry->length;
	return true;
}

static void leave(struct sending *s)
{
	while (s->length && s->files->path[--s->length] != '/')
		;
}

/* The entry after that of @node in the directory that it is in */
static const struct fs_entry *after(const struct fs_node *node)
{
	const struct fs_entry *entry = node->u.dir.parent->u.dir.first;

	while (entry->node != node)
		entry = entry->next;
	return entry->next;
}

/* All that is below a directory, each before what is in it */
static TEE_Result send_tree(struct sending *s, const struct fs_node *top)
{
	const struct fs_entry *entry = top->u.dir.first;
	const struct fs_node *dir = top;
	TEE_Result res = TEE_SUCCESS;

	while (entry || dir != top) {
		if (!entry) {
			entry = after(dir);
			dir = dir->u.dir.parent;
			leave(s);
			continue;
		}
		if (is_elsewhere(s, entry->node)) {
			entry = entry->next;
			continue;
		}
		if (!enter(s, entry))
			return TEE_ERROR_OVERFLOW;
		res = send_node(s, entry->node);
		if (res != TEE_SUCCESS)
			return res;
		if (entry->node->type == WASI_FILETYPE_DIRECTORY) {
			dir = entry->node;
			entry = dir->u.dir.first;
		} else {
			entry = entry->next;
			leave(s);
		}
	}

	return TEE_SUCCESS;
}

static TEE_Result send_mount(struct sending *s, uint32_t n)
{
	const struct wasm_files_record record = {
		.kind = WASM_FILES_MOUNT,
		.mount = n,
	};
	TEE_Result res = send_record(s, &record, "");

	s->length = 0;
	return res == TEE_SUCCESS ?
	       send_tree(s, s->files->mounts[n].node) : res;
}

TEE_Result files_send(const struct files *files, struct fs *fs,
		      struct output *output)
{
	struct sending sending = {
		.files = files,
		.fs = fs,
		.output = output,
	};
	struct wasm_files_record end = { .kind = WASM_FILES_END };
	TEE_Result res = TEE_SUCCESS;
	uint32_t n = 0;

	/* None, or there was no memory to take them in */
	if (!files->count || !files->path || !files->bounce)
		return TEE_SUCCESS;

	for (n = 0; n < files->count && res == TEE_SUCCESS; n++)
		if (files->mounts[n].flags & WASM_FILES_WRITABLE)
			res = send_mount(&sending, n);

	end.size = sending.records;
	return res == TEE_SUCCESS ? put(&sending, &end, sizeof(end)) : res;
}
