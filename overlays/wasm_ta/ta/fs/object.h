/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in OP-TEE's secure storage, which each program has for itself: ids are
 * those of fs->storage.owner. Open ones are closed by _utee_cryp_obj_close().
 */
#ifndef OBJECT_H
#define OBJECT_H

#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>

#include "fs/fs.h"

#define OBJECT_ID_SIZE	16

/* The id of the contents of a file */
void object_name(char id[OBJECT_ID_SIZE], uint32_t number);

TEE_Result object_open(const struct fs *fs, const char *id, uint32_t flags,
		       uint32_t *object);
/* @object: NULL if it need not stay open */
TEE_Result object_create(const struct fs *fs, const char *id, uint32_t flags,
			 const void *data, size_t size, uint32_t *object);
/* Reads @size bytes of an object that has at least as many */
TEE_Result object_read(uint32_t object, void *data, size_t size);

/*
 * Deletes contents that no file of @list has. What is left over for whatever
 * reason takes room, but does no harm.
 */
void object_delete_unused(const struct fs *fs, const struct fs_list *list);

#endif /* OBJECT_H */
