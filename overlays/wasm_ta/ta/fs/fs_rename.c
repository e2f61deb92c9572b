// SPDX-License-Identifier: Apache-2.0
/*
 * Renaming: all of it, or nothing.
 */
#include "fs/fs_rename.h"

#include "base/wasi_abi.h"
#include "fs/secure.h"

static bool is_below(const struct fs_node *node, const struct fs_node *top)
{
	for (; node; node = node->u.dir.parent)
		if (node == top)
			return true;

	return false;
}

/* What keeps @to from being replaced by @node */
static uint32_t check_target(const struct fs_node *node,
			     const struct fs_walk *to)
{
	bool is_dir = node->type == WASI_FILETYPE_DIRECTORY;

	if (to->slash && !is_dir)
		return WASI_ENOTDIR;
	if (is_dir && is_below(to->dir, node))
		return WASI_EINVAL;
	if (!to->node)
		return WASI_ESUCCESS;

	if (to->node->type != WASI_FILETYPE_DIRECTORY)
		return is_dir ? WASI_ENOTDIR : WASI_ESUCCESS;
	if (!is_dir)
		return WASI_EISDIR;
	return to->node->u.dir.first ? WASI_ENOTEMPTY : WASI_ESUCCESS;
}

uint32_t fs_rename(struct fs *fs, const struct fs_walk *from,
		   const struct fs_walk *to)
{
	struct fs_node *node = from->node;
	uint32_t err = 0;

	if (!node)
		return WASI_ENOENT;
	if (!from->name || !to->name)
		return WASI_EBUSY;
	if (node->device != to->dir->device)
		return WASI_EXDEV;
	if (node == to->node)
		return WASI_ESUCCESS;
	if (node->mount || (to->node && to->node->mount))
		return WASI_EBUSY;

	err = check_target(node, to);
	if (!err && to->node)
		err = secure_check(fs, to->node);
	if (err)
		return err;

	/* Added first: without memory for it, all stays as it was */
	err = fs_add(fs, to->dir, to->name, to->length, node);
	if (err)
		return err;
	if (to->entry)
		fs_remove(fs, to->dir, to->entry);
	fs_remove(fs, from->dir, from->entry);
	if (node->type == WASI_FILETYPE_DIRECTORY) {
		node->u.dir.parent = to->dir;
		fs->moved = true;
	}
	return WASI_ESUCCESS;
}
