// SPDX-License-Identifier: Apache-2.0
/*
 * Following paths: from a directory that the program has, to what is below it.
 */
#include "fs/fs_walk.h"

#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "base/wasi_abi.h"

#define LINKS_MAX	32

/* What is left of a path, at the end of its buffer: links grow to its front */
struct rest {
	char *buffer;
	uint32_t at;
};

/* Bytes of the UTF-8 sequence that begins with @first; 0: none does */
static uint32_t sequence(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

static bool is_utf8(const char *text, uint32_t length)
{
	uint32_t n = 0;

	while (n < length) {
		uint32_t size = sequence(text[n]);
		uint32_t m = 0;

		if (!size || size > length - n)
			return false;
		for (m = 1; m < size; m++)
			if (((uint8_t)text[n + m] & 0xc0) != 0x80)
				return false;
		n += size;
	}

	return true;
}

static uint32_t check_path(const char *path, uint32_t length)
{
	if (!length)
		return WASI_ENOENT;
	if (length >= FS_PATH_MAX)
		return WASI_ENAMETOOLONG;
	if (memchr(path, '\0', length))
		return WASI_EINVAL;
	if (!is_utf8(path, length))
		return WASI_EILSEQ;
	if (path[0] == '/')
		return WASI_ENOTCAPABLE;
	return WASI_ESUCCESS;
}

static void skip_slashes(struct rest *rest)
{
	while (rest->at < FS_PATH_MAX && rest->buffer[rest->at] == '/')
		rest->at++;
}

/* Puts the target of a link where its name was */
static uint32_t expand(struct rest *rest, const struct fs_node *link)
{
	if (link->u.target[0] == '/')
		return WASI_ENOTCAPABLE;
	if (link->size >= rest->at)
		return WASI_ENAMETOOLONG;

	rest->at -= link->size;
	memcpy(rest->buffer + rest->at, link->u.target, link->size);
	return WASI_ESUCCESS;
}

/* One component that is not a name: true if it was "." or ".." */
static bool step_dots(const struct fs_node *base, struct fs_walk *walk,
		      uint32_t *err)
{
	if (walk->length == 1 && walk->name[0] == '.')
		return true;
	if (walk->length != 2 || memcmp(walk->name, "..", 2))
		return false;

	if (walk->dir == base || !walk->dir->u.dir.parent)
		*err = WASI_ENOTCAPABLE;
	else
		walk->dir = walk->dir->u.dir.parent;
	return true;
}

static void end_at_dir(struct fs_walk *walk)
{
	walk->node = walk->dir;
	walk->name = NULL;
	walk->length = 0;
	walk->entry = NULL;
}

uint32_t fs_walk(struct fs *fs, struct fs_node *base, const char *path,
		 uint32_t length, bool follow, unsigned int which,
		 struct fs_walk *walk)
{
	struct rest rest = { .at = FS_PATH_MAX - length };
	uint32_t links = 0;
	uint32_t err = check_path(path, length);

	*walk = (struct fs_walk){ .dir = base };
	if (err)
		return err;
	if (base->type != WASI_FILETYPE_DIRECTORY)
		return WASI_ENOTDIR;

	if (!fs->paths[which])
		fs->paths[which] = pool_block(&fs->pool);
	rest.buffer = fs->paths[which];
	if (!rest.buffer)
		return WASI_ENOMEM;
	memcpy(rest.buffer + rest.at, path, length);

	while (true) {
		uint32_t end = rest.at;
		bool last = false;

		while (end < FS_PATH_MAX && rest.buffer[end] != '/')
			end++;
		walk->name = rest.buffer + rest.at;
		walk->length = end - rest.at;
		rest.at = end;
		skip_slashes(&rest);
		last = rest.at == FS_PATH_MAX;
		walk->slash = last && end != FS_PATH_MAX;

		if (walk->length > FS_NAME_MAX)
			return WASI_ENAMETOOLONG;
		if (!walk->length || step_dots(base, walk, &err)) {
			if (err)
				return err;
			if (last) {
				end_at_dir(walk);
				return WASI_ESUCCESS;
			}
			continue;
		}

		walk->entry = fs_find(walk->dir, walk->name, walk->length);
		walk->node = walk->entry ? walk->entry->node : NULL;
		if (!walk->node)
			return last ? WASI_ESUCCESS : WASI_ENOENT;

		if (walk->node->type == WASI_FILETYPE_SYMBOLIC_LINK &&
		    (!last || follow || walk->slash)) {
			if (++links > LINKS_MAX)
				return WASI_ELOOP;
			/* The slashes after it belong to the path again */
			rest.at = end;
			err = expand(&rest, walk->node);
			if (err)
				return err;
			continue;
		}

		if (walk->node->type != WASI_FILETYPE_DIRECTORY &&
		    (!last || walk->slash))
			return WASI_ENOTDIR;
		if (last)
			return WASI_ESUCCESS;
		walk->dir = walk->node;
	}
}
