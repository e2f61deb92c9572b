/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong with /secure, in words: a program gets an errno and may ignore
 * it, so the host app tells the user the first trouble of each run.
 */
#ifndef TROUBLE_H
#define TROUBLE_H

#include <stdbool.h>
#include <tee_api_types.h>

#include "fs/fs.h"

/* What is in trouble: "the index of /secure" and the like. Returns an errno */
uint32_t trouble(struct fs *fs, TEE_Result res, const char *what);

/* The same for the contents of a file, which is told by its path */
uint32_t trouble_of_file(struct fs *fs, TEE_Result res,
			 const struct fs_node *file);

/* In words of the caller's own; always WASI_EIO */
uint32_t trouble_is(struct fs *fs, const char *words);

/* There is no memory for something on a device, which may be FS_SECURE */
uint32_t trouble_no_room(struct fs *fs, uint8_t device);

/* The program has used up what it may have in /secure; always WASI_EDQUOT */
uint32_t trouble_quota(struct fs *fs);

#endif /* TROUBLE_H */
