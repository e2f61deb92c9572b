/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is below /secure: read from OP-TEE's secure storage when a program first
 * uses it, and stored there when it asks for it, or when the run ends.
 */
#ifndef SECURE_H
#define SECURE_H

#include <stdint.h>

#include "fs/fs.h"

/*
 * secure_mount() - have the tree in memory, if it is not
 *
 * It is the name space of fs->storage.owner, who has a quota of it. One run of a
 * program at a time has it: another one of the same waits for some seconds, and
 * then gets WASI_EBUSY. If a newer version of the program has stored what is
 * there, it is WASI_EACCES and fs->storage.newer.
 */
uint32_t secure_mount(struct fs *fs);

/* Reads the contents of a file that are in secure storage alone */
uint32_t secure_load(struct fs *fs, struct fs_node *file);

/* Whether contents that are about to be replaced are still what was stored */
uint32_t secure_check(struct fs *fs, struct fs_node *file);

/* Stores what has changed: all of it, or nothing */
uint32_t secure_store(struct fs *fs);

/*
 * What goes wrong is told in words by fs->storage.trouble, and nothing that is
 * damaged is removed or replaced.
 */

/* Gives it up, for the next run */
void secure_unmount(struct fs *fs);

#endif /* SECURE_H */
