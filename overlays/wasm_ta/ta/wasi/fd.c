// SPDX-License-Identifier: Apache-2.0
/*
 * The table of descriptors: numbers, rights, and how they are checked.
 */
#include "wasi/fd.h"

#include <tee_internal_api.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/secure.h"

#define PER_PAGE	(POOL_BLOCK / sizeof(struct fd))

#define RIGHTS_STREAM	(WASI_RIGHT_FD_FILESTAT_GET | \
			 WASI_RIGHT_FD_FDSTAT_SET_FLAGS | \
			 WASI_RIGHT_POLL_FD_READWRITE)
#define RIGHTS_DIR	(WASI_RIGHT_PATH_CREATE_DIRECTORY | \
			 WASI_RIGHT_PATH_CREATE_FILE | \
			 WASI_RIGHT_PATH_LINK_SOURCE | \
			 WASI_RIGHT_PATH_LINK_TARGET | \
			 WASI_RIGHT_PATH_OPEN | \
			 WASI_RIGHT_FD_READDIR | \
			 WASI_RIGHT_PATH_READLINK | \
			 WASI_RIGHT_PATH_RENAME_SOURCE | \
			 WASI_RIGHT_PATH_RENAME_TARGET | \
			 WASI_RIGHT_PATH_FILESTAT_GET | \
			 WASI_RIGHT_PATH_FILESTAT_SET_SIZE | \
			 WASI_RIGHT_PATH_FILESTAT_SET_TIMES | \
			 WASI_RIGHT_FD_FILESTAT_GET | \
			 WASI_RIGHT_FD_FILESTAT_SET_TIMES | \
			 WASI_RIGHT_FD_FDSTAT_SET_FLAGS | \
			 WASI_RIGHT_FD_SYNC | \
			 WASI_RIGHT_FD_DATASYNC | \
			 WASI_RIGHT_PATH_SYMLINK | \
			 WASI_RIGHT_PATH_REMOVE_DIRECTORY | \
			 WASI_RIGHT_PATH_UNLINK_FILE)
#define RIGHTS_FILE	(WASI_RIGHT_FD_DATASYNC | \
			 WASI_RIGHT_FD_READ | \
			 WASI_RIGHT_FD_SEEK | \
			 WASI_RIGHT_FD_FDSTAT_SET_FLAGS | \
			 WASI_RIGHT_FD_SYNC | \
			 WASI_RIGHT_FD_TELL | \
			 WASI_RIGHT_FD_WRITE | \
			 WASI_RIGHT_FD_ADVISE | \
			 WASI_RIGHT_FD_ALLOCATE | \
			 WASI_RIGHT_FD_FILESTAT_GET | \
			 WASI_RIGHT_FD_FILESTAT_SET_SIZE | \
			 WASI_RIGHT_FD_FILESTAT_SET_TIMES | \
			 WASI_RIGHT_POLL_FD_READWRITE)

uint64_t fd_rights_of(const struct fs_node *node, uint64_t rights)
{
	return rights & (node->type == WASI_FILETYPE_DIRECTORY ? RIGHTS_DIR :
								 RIGHTS_FILE);
}

/* The place of @number; NULL: beyond the table, or no memory */
static struct fd *place(struct fd_table *table, uint32_t number, bool make)
{
	uint32_t page = number / PER_PAGE;

	if (page >= FD_PAGES)
		return NULL;
	if (!table->pages[page] && make)
		table->pages[page] = pool_block(&table->fs->pool);
	if (!table->pages[page])
		return NULL;

	return &table->pages[page][number % PER_PAGE];
}

static uint32_t find_free(struct fd_table *table, struct fd **fd,
			  uint32_t *number)
{
	uint32_t n = 0;

	for (n = 0; n < FD_PAGES * PER_PAGE; n++) {
		*fd = place(table, n, true);
		if (!*fd)
			return WASI_ENOMEM;
		if ((*fd)->kind == FD_FREE) {
			*number = n;
			return WASI_ESUCCESS;
		}
	}

	return WASI_EMFILE;
}

uint32_t fd_open(struct fd_table *table, struct fs_node *node, uint64_t base,
		 uint64_t inheriting, uint16_t flags, uint32_t *number)
{
	struct fd *fd = NULL;
	uint32_t err = find_free(table, &fd, number);

	if (err)
		return err;

	*fd = (struct fd){
		.kind = FD_NODE,
		.flags = flags,
		.node = node,
		.base = fd_rights_of(node, base),
		.inheriting = inheriting,
	};
	node->opens++;
	return WASI_ESUCCESS;
}

void fd_close(struct fd_table *table, struct fd *fd)
{
	struct fs_node *node = fd->node;

	*fd = (struct fd){ };
	if (node) {
		node->opens--;
		fs_drop(table->fs, node);
	}
}

static uint32_t open_preopen(struct fd_table *table, struct fs_node *node,
			     const char *name)
{
	uint32_t number = 0;
	uint32_t err = fd_open(table, node, WASI_RIGHTS_ALL, WASI_RIGHTS_ALL, 0,
			       &number);

	if (!err)
		place(table, number, false)->preopen = name;
	return err;
}

/*
 * A pipe has no type of its own in WASI: as a socket it is S_ISFIFO for
 * wasi-libc. A character device that can be sought is no terminal for it.
 */
static void describe(struct fd *fd, uint8_t type, uint64_t size)
{
	switch (type) {
	case WASM_TA_STDIO_FILE:
		fd->filetype = WASI_FILETYPE_REGULAR_FILE;
		fd->offset = size;
		break;
	case WASM_TA_STDIO_DEVICE:
		fd->base |= WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL;
		fd->filetype = WASI_FILETYPE_CHARACTER_DEVICE;
		break;
	case WASM_TA_STDIO_TERMINAL:
		fd->filetype = WASI_FILETYPE_CHARACTER_DEVICE;
		break;
	default:
		fd->filetype = WASI_FILETYPE_SOCKET_STREAM;
	}
}

uint32_t fd_open_table(struct fd_table *table, struct fs *fs,
		       const struct input *input)
{
	static const struct fd streams[] = {
		{ .kind = FD_STDIN, .base = RIGHTS_STREAM | WASI_RIGHT_FD_READ },
		{ .kind = FD_STDOUT, .base = RIGHTS_STREAM | WASI_RIGHT_FD_WRITE,
		  .flags = WASI_FDFLAG_APPEND },
		{ .kind = FD_STDERR, .base = RIGHTS_STREAM | WASI_RIGHT_FD_WRITE,
		  .flags = WASI_FDFLAG_APPEND },
	};
	uint32_t err = WASI_ESUCCESS;
	uint32_t n = 0;

	*table = (struct fd_table){ .fs = fs };
	for (n = 0; n < ARRAY_SIZE(streams); n++) {
		struct fd *fd = place(table, n, true);

		if (!fd)
			return WASI_ENOMEM;
		*fd = streams[n];
		describe(fd, input->stdio_types[n], input->stdio_sizes[n]);
	}

	err = open_preopen(table, fs->root, "/");
	if (!err)
		err = open_preopen(table, fs->secure, "/secure");
	return err;
}

uint32_t fd_get(struct fd_table *table, uint32_t number, uint64_t rights,
		struct fd **fd)
{
	*fd = place(table, number, false);
	if (!*fd || (*fd)->kind == FD_FREE)
		return WASI_EBADF;
	if (rights & ~(*fd)->base)
		return WASI_ENOTCAPABLE;
	if (rights && (*fd)->node && (*fd)->node->device == FS_SECURE)
		return secure_mount(table->fs);

	return WASI_ESUCCESS;
}

uint32_t fd_get_dir(struct fd_table *table, uint32_t number, uint64_t rights,
		    struct fd **fd)
{
	uint32_t err = fd_get(table, number, 0, fd);

	if (err)
		return err;
	if (!(*fd)->node || (*fd)->node->type != WASI_FILETYPE_DIRECTORY)
		return WASI_ENOTDIR;
	return fd_get(table, number, rights, fd);
}

uint32_t fd_get_file(struct fd_table *table, uint32_t number, uint64_t rights,
		     uint32_t other, struct fd **fd)
{
	uint32_t err = fd_get(table, number, 0, fd);

	if (err)
		return err;
	if (!(*fd)->node)
		return other;
	if ((*fd)->node->type != WASI_FILETYPE_REGULAR_FILE)
		return WASI_EISDIR;
	return fd_get(table, number, rights, fd);
}
