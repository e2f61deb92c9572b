/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of regular files. What is in secure storage alone is read first.
 *
 * Functions return a number of enum wasi_errno.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "fs/fs.h"

/* @done: bytes, less than @length at the end */
uint32_t fs_read(struct fs *fs, struct fs_node *file, uint64_t offset,
		 void *bytes, size_t length, size_t *done);
uint32_t fs_write(struct fs *fs, struct fs_node *file, uint64_t offset,
		  const void *bytes, size_t length, size_t *done);
uint32_t fs_resize(struct fs *fs, struct fs_node *file, uint64_t size);
/* Has memory ready for @length bytes at @offset, and the file that long */
uint32_t fs_allocate(struct fs *fs, struct fs_node *file, uint64_t offset,
		     uint64_t length);

#endif /* FS_FILE_H */
