// SPDX-License-Identifier: Apache-2.0
/*
 * WASI: what is done to files by their paths, below a directory that is open.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "fs/fs_file.h"
#include "fs/fs_rename.h"
#include "wasi/wasi_calls.h"

/* Buffers of fs_walk() */
#define FIRST	0
#define SECOND	1

/* A path below descriptor @number, which must have @rights */
static uint32_t walk_to(wasm_exec_env_t env, uint32_t number, uint64_t rights,
			uint32_t path, uint32_t length, bool follow,
			unsigned int which, struct fs_walk *walk)
{
	const char *text = NULL;
	struct fd *fd = NULL;
	uint32_t err = fd_get_dir(&wasi->fds, number, rights, &fd);

	if (err)
		return err;
	text = wasi_app(env, path, length);
	if (!text)
		return WASI_EINVAL;

	return fs_walk(&wasi->fs, fd->node, text, length, follow, which, walk);
}

/* The same, for something that must exist */
static uint32_t walk_to_node(wasm_exec_env_t env, uint32_t number,
			     uint64_t rights, uint32_t path, uint32_t length,
			     bool follow, struct fs_walk *walk)
{
	uint32_t err = walk_to(env, number, rights, path, length, follow, FIRST,
			       walk);

	if (!err && !walk->node)
		err = WASI_ENOENT;
	return err;
}

/* Gives a new node the name that a walk ended with */
static uint32_t name(const struct fs_walk *walk, struct fs_node *node)
{
	uint32_t err = fs_add(&wasi->fs, walk->dir, walk->name, walk->length,
			      node);

	if (err) {
		fs_drop(&wasi->fs, node);
		return err;
	}
	node->atim = node->ctim;
	node->mtim = node->ctim;
	return WASI_ESUCCESS;
}

uint32_t wasi_path_create_directory(wasm_exec_env_t env, uint32_t number,
				    uint32_t path, uint32_t length)
{
	struct fs_node *node = NULL;
	struct fs_walk walk = { };
	uint32_t err = walk_to(env, number, WASI_RIGHT_PATH_CREATE_DIRECTORY,
			       path, length, false, FIRST, &walk);

	if (err)
		return err;
	if (walk.node)
		return WASI_EEXIST;

	err = fs_make(&wasi->fs, WASI_FILETYPE_DIRECTORY, walk.dir->device,
		      &node);
	return err ? err : name(&walk, node);
}

static uint32_t filestat_get(wasm_exec_env_t env, uint32_t number,
			     uint32_t flags, uint32_t path, uint32_t length,
			     uint32_t at, bool unstable)
{
	struct wasi_filestat stat = { };
	struct fs_walk walk = { };
	uint32_t err = walk_to_node(env, number, WASI_RIGHT_PATH_FILESTAT_GET,
				    path, length,
				    flags & WASI_LOOKUP_SYMLINK_FOLLOW, &walk);

	if (err)
		return err;

	stat = wasi_filestat_of(walk.node);
	return wasi_put_filestat(env, at, &stat, unstable);
}

uint32_t wasi_path_filestat_get(wasm_exec_env_t env, uint32_t number,
				uint32_t flags, uint32_t path, uint32_t length,
				uint32_t at)
{
	return filestat_get(env, number, flags, path, length, at, false);
}

uint32_t wasi_unstable_path_filestat_get(wasm_exec_env_t env, uint32_t number,
					 uint32_t flags, uint32_t path,
					 uint32_t length, uint32_t at)
{
	return filestat_get(env, number, flags, path, length, at, true);
}

uint32_t wasi_path_filestat_set_times(wasm_exec_env_t env, uint32_t number,
				      uint32_t flags, uint32_t path,
				      uint32_t length, uint64_t atim,
				      uint64_t mtim, uint32_t fst_flags)
{
	struct fs_walk walk = { };
	uint32_t err = walk_to_node(env, number,
				    WASI_RIGHT_PATH_FILESTAT_SET_TIMES, path,
				    length, flags & WASI_LOOKUP_SYMLINK_FOLLOW,
				    &walk);

	return err ? err : wasi_set_times(walk.node, atim, mtim, fst_flags);
}

uint32_t wasi_path_link(wasm_exec_env_t env, uint32_t number, uint32_t flags,
			uint32_t path, uint32_t length, uint32_t new_number,
			uint32_t new_path, uint32_t new_length)
{
	struct fs_walk from = { };
	struct fs_walk to = { };
	uint32_t err = WASI_EINVAL;

	if (flags & WASI_LOOKUP_SYMLINK_FOLLOW)
		return err;
	err = walk_to_node(env, number, WASI_RIGHT_PATH_LINK_SOURCE, path,
			   length, false, &from);
	if (!err)
		err = walk_to(env, new_number, WASI_RIGHT_PATH_LINK_TARGET,
			      new_path, new_length, false, SECOND, &to);
	if (err)
		return err;

	if (to.node)
		return WASI_EEXIST;
	if (from.node->type == WASI_FILETYPE_DIRECTORY)
		return WASI_EPERM;
	if (to.slash)
		return WASI_ENOENT;
	if (from.node->device != to.dir->device)
		return WASI_EXDEV;
	return fs_add(&wasi->fs, to.dir, to.name, to.length, from.node);
}

/* What path_open is asked for, beside the path */
struct opening {
	uint32_t oflags;
	uint32_t fdflags;
	uint64_t base;
	uint64_t inheriting;
};

static uint32_t make_file(const struct fs_walk *walk,
			  const struct opening *opening, struct fs_node **node)
{
	uint32_t err = WASI_ESUCCESS;

	if (!(opening->oflags & WASI_OFLAG_CREAT))
		return WASI_ENOENT;
	if (walk->slash)
		return WASI_EISDIR;

	err = fs_make(&wasi->fs, WASI_FILETYPE_REGULAR_FILE, walk->dir->device,
		      node);
	return err ? err : name(walk, *node);
}

static uint32_t check_existing(const struct fs_node *node,
			       const struct opening *opening)
{
	if (opening->oflags & WASI_OFLAG_EXCL &&
	    opening->oflags & WASI_OFLAG_CREAT)
		return WASI_EEXIST;
	if (node->type == WASI_FILETYPE_SYMBOLIC_LINK)
		return WASI_ELOOP;
	if (node->type == WASI_FILETYPE_DIRECTORY)
		return opening->base & WASI_RIGHT_FD_WRITE ||
		       opening->oflags & (WASI_OFLAG_CREAT | WASI_OFLAG_TRUNC) ?
		       WASI_EISDIR : WASI_ESUCCESS;
	if (opening->oflags & WASI_OFLAG_DIRECTORY)
		return WASI_ENOTDIR;
	return WASI_ESUCCESS;
}

static uint32_t open_walk(wasm_exec_env_t env, const struct fs_walk *walk,
			  const struct opening *opening, uint32_t at)
{
	struct fs_node *node = walk->node;
	uint32_t number = 0;
	uint32_t err = WASI_ESUCCESS;

	err = node ? check_existing(node, opening) :
		     make_file(walk, opening, &node);
	if (!err && walk->node && opening->oflags & WASI_OFLAG_TRUNC)
		err = fs_resize(&wasi->fs, node, 0);
	if (!err)
		err = fd_open(&wasi->fds, node, opening->base,
			      opening->inheriting, opening->fdflags, &number);
	return err ? err : wasi_put_u32(env, at, number);
}

uint32_t wasi_path_open(wasm_exec_env_t env, uint32_t number, uint32_t dirflags,
			uint32_t path, uint32_t length, uint32_t oflags,
			uint64_t base, uint64_t inheriting, uint32_t fdflags,
			uint32_t at)
{
	const struct opening opening = {
		.oflags = oflags,
		.fdflags = fdflags,
		.base = base,
		.inheriting = inheriting,
	};
	bool exclusive = oflags & WASI_OFLAG_CREAT && oflags & WASI_OFLAG_EXCL;
	uint64_t rights = WASI_RIGHT_PATH_OPEN;
	struct fs_walk walk = { };
	struct fd *fd = NULL;
	uint32_t err = WASI_EINVAL;

	if (oflags & ~(uint32_t)WASI_OFLAGS_ALL ||
	    fdflags & ~(uint32_t)WASI_FDFLAGS_ALL ||
	    (oflags & WASI_OFLAG_CREAT && oflags & WASI_OFLAG_DIRECTORY))
		return err;
	if (!wasi_app(env, at, sizeof(uint32_t)))
		return err;

	if (oflags & WASI_OFLAG_CREAT)
		rights |= WASI_RIGHT_PATH_CREATE_FILE;
	if (oflags & WASI_OFLAG_TRUNC)
		rights |= WASI_RIGHT_PATH_FILESTAT_SET_SIZE;
	err = fd_get_dir(&wasi->fds, number, rights, &fd);
	if (err)
		return err;
	if ((base | inheriting) & ~fd->inheriting)
		return WASI_ENOTCAPABLE;

	err = walk_to(env, number, rights, path, length,
		      dirflags & WASI_LOOKUP_SYMLINK_FOLLOW && !exclusive,
		      FIRST, &walk);
	return err ? err : open_walk(env, &walk, &opening, at);
}

uint32_t wasi_path_readlink(wasm_exec_env_t env, uint32_t number, uint32_t path,
			    uint32_t length, uint32_t buf, uint32_t size,
			    uint32_t used_at)
{
	struct fs_walk walk = { };
	uint32_t used = 0;
	uint32_t err = walk_to_node(env, number, WASI_RIGHT_PATH_READLINK, path,
				    length, false, &walk);

	if (err)
		return err;
	if (walk.node->type != WASI_FILETYPE_SYMBOLIC_LINK)
		return WASI_EINVAL;

	used = MIN((uint64_t)size, walk.node->size);
	err = wasi_put(env, buf, walk.node->u.target, used);
	return err ? err : wasi_put_u32(env, used_at, used);
}

uint32_t wasi_path_remove_directory(wasm_exec_env_t env, uint32_t number,
				    uint32_t path, uint32_t length)
{
	struct fs_walk walk = { };
	uint32_t err = walk_to_node(env, number,
				    WASI_RIGHT_PATH_REMOVE_DIRECTORY, path,
				    length, false, &walk);

	if (err)
		return err;
	if (walk.node->type != WASI_FILETYPE_DIRECTORY)
		return WASI_ENOTDIR;
	if (!walk.entry)
		return WASI_EINVAL;
	if (walk.node->mount)
		return WASI_EBUSY;
	if (walk.node->u.dir.first)
		return WASI_ENOTEMPTY;

	fs_remove(&wasi->fs, walk.dir, walk.entry);
	return WASI_ESUCCESS;
}

uint32_t wasi_path_rename(wasm_exec_env_t env, uint32_t number, uint32_t path,
			  uint32_t length, uint32_t new_number,
			  uint32_t new_path, uint32_t new_length)
{
	struct fs_walk from = { };
	struct fs_walk to = { };
	uint32_t err = walk_to_node(env, number, WASI_RIGHT_PATH_RENAME_SOURCE,
				    path, length, false, &from);

	if (!err)
		err = walk_to(env, new_number, WASI_RIGHT_PATH_RENAME_TARGET,
			      new_path, new_length, false, SECOND, &to);
	return err ? err : fs_rename(&wasi->fs, &from, &to);
}

uint32_t wasi_path_symlink(wasm_exec_env_t env, uint32_t target,
			   uint32_t target_length, uint32_t number,
			   uint32_t path, uint32_t length)
{
	struct fs_node *node = NULL;
	struct fs_walk walk = { };
	const char *text = NULL;
	uint32_t err = walk_to(env, number, WASI_RIGHT_PATH_SYMLINK, path,
			       length, false, FIRST, &walk);

	if (err)
		return err;
	if (walk.node)
		return WASI_EEXIST;
	if (walk.slash)
		return WASI_ENOENT;
	text = wasi_app(env, target, target_length);
	if (!text || memchr(text, '\0', target_length))
		return WASI_EINVAL;
	/* It could not be followed */
	if (target_length && text[0] == '/')
		return WASI_EPERM;

	err = fs_make_link(&wasi->fs, walk.dir->device, text, target_length,
			   &node);
	return err ? err : name(&walk, node);
}

uint32_t wasi_path_unlink_file(wasm_exec_env_t env, uint32_t number,
			       uint32_t path, uint32_t length)
{
	struct fs_walk walk = { };
	uint32_t err = walk_to_node(env, number, WASI_RIGHT_PATH_UNLINK_FILE,
				    path, length, false, &walk);

	if (err)
		return err;
	if (walk.node->type == WASI_FILETYPE_DIRECTORY)
		return WASI_EISDIR;

	fs_remove(&wasi->fs, walk.dir, walk.entry);
	return WASI_ESUCCESS;
}
