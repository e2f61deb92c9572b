/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following paths. Functions return a number of enum wasi_errno.
 */
#ifndef FS_WALK_H
#define FS_WALK_H

#include "fs/fs.h"

/* What a path leads to, the last component not necessarily existing */
struct fs_walk {
	struct fs_node *dir;		/* where the last component is ... */
	const char *name;		/* ... and what it is called; NULL: "." */
	uint32_t length;
	struct fs_entry *entry;		/* NULL: there is none */
	struct fs_node *node;		/* NULL: there is none */
	bool slash;			/* the path ends with a slash */
};

/*
 * fs_walk() - follow a path from @base, and never out of it
 * @which: 0 or 1, the buffer that @walk refers to afterwards
 * @follow: also a symbolic link at the end
 */
uint32_t fs_walk(struct fs *fs, struct fs_node *base, const char *path,
		 uint32_t length, bool follow, unsigned int which,
		 struct fs_walk *walk);

#endif /* FS_WALK_H */
