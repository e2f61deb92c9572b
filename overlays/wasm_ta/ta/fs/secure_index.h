/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of /secure, an object that has names, times and the numbers of the
 * objects with contents. Functions return a number of enum wasi_errno; what goes
 * wrong is told by fs->storage.trouble.
 */
#ifndef SECURE_INDEX_H
#define SECURE_INDEX_H

#include <stdint.h>

#include "fs/fs.h"

/* Makes the tree that the index tells of; none, if nothing was stored yet */
uint32_t secure_index_read(struct fs *fs);

/* Replaces it in one step; @list: all that is below /secure */
uint32_t secure_index_write(struct fs *fs, const struct fs_list *list);

#endif /* SECURE_INDEX_H */
