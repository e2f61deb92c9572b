/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a file in /secure is, for messages.
 */
#ifndef FS_PATH_H
#define FS_PATH_H

#include "fs/fs.h"

/* Bytes of a path that are told: the last ones */
#define FS_PATH_TOLD	96

struct fs_path {
	char text[FS_PATH_TOLD + 1];
};

/* One of its paths, or the end of it; "a file in /secure" if it has none */
struct fs_path fs_path_of(struct fs *fs, const struct fs_node *file);

#endif /* FS_PATH_H */
