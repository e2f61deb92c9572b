/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another name for a file or directory, which may replace another one.
 */
#ifndef FS_RENAME_H
#define FS_RENAME_H

#include "fs/fs_walk.h"

/* Returns a number of enum wasi_errno */
uint32_t fs_rename(struct fs *fs, const struct fs_walk *from,
		   const struct fs_walk *to);

#endif /* FS_RENAME_H */
