/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors of a program, and what each of them may be used for.
 */
#ifndef FD_H
#define FD_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/fs.h"
#include "stream/input.h"

#define FD_PAGES	16

enum fd_kind {
	FD_FREE = 0,
	FD_STDIN,
	FD_STDOUT,
	FD_STDERR,
	FD_NODE,		/* a file or a directory */
};

struct fd {
	uint8_t kind;			/* enum fd_kind */
	uint8_t filetype;		/* of a stream: enum wasi_filetype */
	uint16_t flags;			/* WASI_FDFLAG_... */
	const char *preopen;		/* its name, if it is one */
	struct fs_node *node;		/* of FD_NODE */
	uint64_t base;			/* rights: of itself ... */
	uint64_t inheriting;		/* ... and of what is opened below it */
	uint64_t offset;		/* of a stream that is a file: its size */
};

struct fd_table {
	struct fs *fs;
	struct fd *pages[FD_PAGES];	/* each a block of the filesystem's pool */
};

/* The standard streams, as @input tells of them, "/" and "/secure" */
uint32_t fd_open_table(struct fd_table *table, struct fs *fs,
		       const struct input *input);

/*
 * fd_get() - a descriptor that has all of @rights
 *
 * Returns WASI_EBADF or WASI_ENOTCAPABLE, or what keeps /secure from being
 * read.
 */
uint32_t fd_get(struct fd_table *table, uint32_t number, uint64_t rights,
		struct fd **fd);
/* The same, if it is a directory: else WASI_ENOTDIR */
uint32_t fd_get_dir(struct fd_table *table, uint32_t number, uint64_t rights,
		    struct fd **fd);
/* The same, if it is a regular file: else @other, or WASI_EISDIR */
uint32_t fd_get_file(struct fd_table *table, uint32_t number, uint64_t rights,
		     uint32_t other, struct fd **fd);

/* Opens @node under the lowest number that is free */
uint32_t fd_open(struct fd_table *table, struct fs_node *node, uint64_t base,
		 uint64_t inheriting, uint16_t flags, uint32_t *number);
void fd_close(struct fd_table *table, struct fd *fd);

/* Those of @rights that mean something for a node of this type */
uint64_t fd_rights_of(const struct fs_node *node, uint64_t rights);

#endif /* FD_H */
