// SPDX-License-Identifier: Apache-2.0
/*
 * WASI: what can be asked of a descriptor, and changed about it.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "fs/fs_file.h"
#include "fs/secure.h"
#include "wasi/wasi_calls.h"

uint32_t wasi_fd_advise(wasm_exec_env_t env __unused, uint32_t number,
			uint64_t offset, uint64_t length, uint32_t advice)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get_file(&wasi->fds, number, WASI_RIGHT_FD_ADVISE,
				   WASI_ESPIPE, &fd);

	if (err)
		return err;
	if (advice > WASI_ADVICE_LAST || offset > INT64_MAX ||
	    length > INT64_MAX)
		return WASI_EINVAL;

	/* All of it is in memory */
	return WASI_ESUCCESS;
}

uint32_t wasi_fd_allocate(wasm_exec_env_t env __unused, uint32_t number,
			  uint64_t offset, uint64_t length)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get_file(&wasi->fds, number, WASI_RIGHT_FD_ALLOCATE,
				   WASI_ESPIPE, &fd);

	return err ? err : fs_allocate(&wasi->fs, fd->node, offset, length);
}

uint32_t wasi_fd_close(wasm_exec_env_t env __unused, uint32_t number)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, 0, &fd);

	if (!err)
		fd_close(&wasi->fds, fd);
	return err;
}

static uint32_t sync_node(uint32_t number, uint64_t right)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, 0, &fd);

	if (err)
		return err;
	if (!fd->node)
		return WASI_EINVAL;
	err = fd_get(&wasi->fds, number, right, &fd);
	if (err)
		return err;

	return fd->node->device == FS_SECURE ? secure_store(&wasi->fs) :
					       WASI_ESUCCESS;
}

uint32_t wasi_fd_sync(wasm_exec_env_t env __unused, uint32_t number)
{
	return sync_node(number, WASI_RIGHT_FD_SYNC);
}

uint32_t wasi_fd_datasync(wasm_exec_env_t env __unused, uint32_t number)
{
	return sync_node(number, WASI_RIGHT_FD_DATASYNC);
}

uint32_t wasi_fd_fdstat_get(wasm_exec_env_t env, uint32_t number, uint32_t at)
{
	struct wasi_fdstat stat = { };
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, 0, &fd);

	if (err)
		return err;

	stat.filetype = fd->node ? fd->node->type : fd->filetype;
	stat.flags = fd->flags;
	stat.rights_base = fd->base;
	stat.rights_inheriting = fd->inheriting;
	return wasi_put(env, at, &stat, sizeof(stat));
}

uint32_t wasi_fd_fdstat_set_flags(wasm_exec_env_t env __unused,
				  uint32_t number, uint32_t flags)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number,
			      WASI_RIGHT_FD_FDSTAT_SET_FLAGS, &fd);

	if (err)
		return err;
	if (flags & ~(uint32_t)WASI_FDFLAGS_ALL)
		return WASI_EINVAL;

	fd->flags = flags;
	return WASI_ESUCCESS;
}

uint32_t wasi_fd_fdstat_set_rights(wasm_exec_env_t env __unused,
				   uint32_t number, uint64_t base,
				   uint64_t inheriting)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, 0, &fd);

	if (err)
		return err;
	if (base & ~fd->base || inheriting & ~fd->inheriting)
		return WASI_ENOTCAPABLE;

	fd->base = base;
	fd->inheriting = inheriting;
	return WASI_ESUCCESS;
}

struct wasi_filestat wasi_filestat_of(const struct fs_node *node)
{
	return (struct wasi_filestat){
		.dev = node->device,
		.ino = node->ino,
		.filetype = node->type,
		.nlink = node->nlink,
		.size = node->size,
		.atim = node->atim,
		.mtim = node->mtim,
		.ctim = node->ctim,
	};
}

uint32_t wasi_put_filestat(wasm_exec_env_t env, uint32_t at,
			   const struct wasi_filestat *stat, bool unstable)
{
	struct wasi_unstable_filestat old = {
		.dev = stat->dev,
		.ino = stat->ino,
		.filetype = stat->filetype,
		.nlink = stat->nlink,
		.size = stat->size,
		.atim = stat->atim,
		.mtim = stat->mtim,
		.ctim = stat->ctim,
	};

	return unstable ? wasi_put(env, at, &old, sizeof(old)) :
			  wasi_put(env, at, stat, sizeof(*stat));
}

static uint32_t filestat_get(wasm_exec_env_t env, uint32_t number, uint32_t at,
			     bool unstable)
{
	struct wasi_filestat stat = {
		.ino = number,
		.nlink = 1,
	};
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, WASI_RIGHT_FD_FILESTAT_GET,
			      &fd);

	if (err)
		return err;
	if (fd->node) {
		stat = wasi_filestat_of(fd->node);
	} else {
		stat.filetype = fd->filetype;
		stat.size = fd->offset;
	}
	return wasi_put_filestat(env, at, &stat, unstable);
}

uint32_t wasi_fd_filestat_get(wasm_exec_env_t env, uint32_t number, uint32_t at)
{
	return filestat_get(env, number, at, false);
}

uint32_t wasi_unstable_fd_filestat_get(wasm_exec_env_t env, uint32_t number,
				       uint32_t at)
{
	return filestat_get(env, number, at, true);
}

uint32_t wasi_fd_filestat_set_size(wasm_exec_env_t env __unused,
				   uint32_t number, uint64_t size)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get_file(&wasi->fds, number,
				   WASI_RIGHT_FD_FILESTAT_SET_SIZE, WASI_EINVAL,
				   &fd);

	return err ? err : fs_resize(&wasi->fs, fd->node, size);
}

uint32_t wasi_set_times(struct fs_node *node, uint64_t atim, uint64_t mtim,
			uint32_t flags)
{
	const uint32_t both_a = WASI_FSTFLAG_ATIM | WASI_FSTFLAG_ATIM_NOW;
	const uint32_t both_m = WASI_FSTFLAG_MTIM | WASI_FSTFLAG_MTIM_NOW;
	uint64_t now = fs_now(&wasi->fs);

	if (flags & ~(uint32_t)WASI_FSTFLAGS_ALL ||
	    (flags & both_a) == both_a || (flags & both_m) == both_m)
		return WASI_EINVAL;

	if (flags & both_a)
		node->atim = flags & WASI_FSTFLAG_ATIM ? atim : now;
	if (flags & both_m)
		node->mtim = flags & WASI_FSTFLAG_MTIM ? mtim : now;
	node->ctim = now;
	fs_changed(&wasi->fs, node);
	return WASI_ESUCCESS;
}

uint32_t wasi_fd_filestat_set_times(wasm_exec_env_t env __unused,
				    uint32_t number, uint64_t atim,
				    uint64_t mtim, uint32_t flags)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, 0, &fd);

	if (err)
		return err;
	if (!fd->node)
		return WASI_ENOTSUP;
	err = fd_get(&wasi->fds, number, WASI_RIGHT_FD_FILESTAT_SET_TIMES, &fd);
	return err ? err : wasi_set_times(fd->node, atim, mtim, flags);
}

static uint32_t get_preopen(uint32_t number, struct fd **fd)
{
	uint32_t err = fd_get(&wasi->fds, number, 0, fd);

	if (!err && !(*fd)->preopen)
		err = WASI_EBADF;
	return err;
}

uint32_t wasi_fd_prestat_get(wasm_exec_env_t env, uint32_t number, uint32_t at)
{
	struct wasi_prestat stat = { };
	struct fd *fd = NULL;
	uint32_t err = get_preopen(number, &fd);

	if (err)
		return err;

	stat.name_length = strlen(fd->preopen);
	return wasi_put(env, at, &stat, sizeof(stat));
}

uint32_t wasi_fd_prestat_dir_name(wasm_exec_env_t env, uint32_t number,
				  uint32_t at, uint32_t length)
{
	struct fd *fd = NULL;
	uint32_t err = get_preopen(number, &fd);

	if (err)
		return err;
	if (length < strlen(fd->preopen))
		return WASI_ENAMETOOLONG;
	return wasi_put(env, at, fd->preopen, strlen(fd->preopen));
}

/* Where a listing is written to: the last entry may be cut */
struct listing {
	uint8_t *next;
	uint32_t room;
};

static bool list(struct listing *listing, uint64_t next,
		 const struct fs_node *node, const char *name, uint32_t length)
{
	const struct wasi_dirent head = {
		.next = next,
		.ino = node->ino,
		.name_length = length,
		.type = node->type,
	};
	uint32_t part = MIN(listing->room, (uint32_t)sizeof(head));

	memcpy(listing->next, &head, part);
	listing->next += part;
	listing->room -= part;

	part = MIN(listing->room, length);
	memcpy(listing->next, name, part);
	listing->next += part;
	listing->room -= part;
	return listing->room;
}

uint32_t wasi_fd_readdir(wasm_exec_env_t env, uint32_t number, uint32_t buf,
			 uint32_t length, uint64_t cookie, uint32_t used_at)
{
	struct listing listing = { .room = length };
	const struct fs_entry *entry = NULL;
	const struct fs_node *dir = NULL;
	const struct fs_node *parent = NULL;
	struct fd *fd = NULL;
	uint32_t err = fd_get_dir(&wasi->fds, number, WASI_RIGHT_FD_READDIR,
				  &fd);
	bool room = length;

	if (err)
		return err;
	listing.next = wasi_app(env, buf, length);
	if (!listing.next)
		return WASI_EINVAL;

	dir = fd->node;
	parent = dir->u.dir.parent ? dir->u.dir.parent : dir;
	if (room && cookie < 1)
		room = list(&listing, 1, dir, ".", 1);
	if (room && cookie < 2)
		room = list(&listing, 2, parent, "..", 2);
	for (entry = dir->u.dir.first; room && entry; entry = entry->next)
		if (entry->cookie > cookie)
			room = list(&listing, entry->cookie, entry->node,
				    entry->name, entry->length);

	return wasi_put_u32(env, used_at, length - listing.room);
}

uint32_t wasi_fd_renumber(wasm_exec_env_t env __unused, uint32_t from,
			  uint32_t to)
{
	struct fd *source = NULL;
	struct fd *target = NULL;
	uint32_t err = fd_get(&wasi->fds, from, 0, &source);

	if (!err)
		err = fd_get(&wasi->fds, to, 0, &target);
	if (err || source == target)
		return err;

	fd_close(&wasi->fds, target);
	*target = *source;
	*source = (struct fd){ };
	return WASI_ESUCCESS;
}

static uint32_t seek(wasm_exec_env_t env, uint32_t number, int64_t offset,
		     uint32_t whence, uint32_t at)
{
	bool tells = whence == WASI_WHENCE_CUR && !offset;
	struct fd *fd = NULL;
	uint32_t err = fd_get_file(&wasi->fds, number,
				   tells ? 0 : WASI_RIGHT_FD_SEEK, WASI_ESPIPE,
				   &fd);
	int64_t base = 0;

	if (err)
		return err;
	if (!(fd->base & (WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL)))
		return WASI_ENOTCAPABLE;

	switch (whence) {
	case WASI_WHENCE_SET:
		break;
	case WASI_WHENCE_CUR:
		base = fd->offset;
		break;
	case WASI_WHENCE_END:
		base = fd->node->size;
		break;
	default:
		return WASI_EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &base))
		return WASI_EOVERFLOW;
	if (base < 0)
		return WASI_EINVAL;

	fd->offset = base;
	return wasi_put_u64(env, at, base);
}

uint32_t wasi_fd_seek(wasm_exec_env_t env, uint32_t number, int64_t offset,
		      uint32_t whence, uint32_t at)
{
	return seek(env, number, offset, whence, at);
}

uint32_t wasi_unstable_fd_seek(wasm_exec_env_t env, uint32_t number,
			       int64_t offset, uint32_t whence, uint32_t at)
{
	static const uint32_t same[] = {
		[WASI_UNSTABLE_WHENCE_CUR] = WASI_WHENCE_CUR,
		[WASI_UNSTABLE_WHENCE_END] = WASI_WHENCE_END,
		[WASI_UNSTABLE_WHENCE_SET] = WASI_WHENCE_SET,
	};

	return seek(env, number, offset,
		    whence < ARRAY_SIZE(same) ? same[whence] : whence, at);
}

uint32_t wasi_fd_tell(wasm_exec_env_t env, uint32_t number, uint32_t at)
{
	return seek(env, number, 0, WASI_WHENCE_CUR, at);
}
