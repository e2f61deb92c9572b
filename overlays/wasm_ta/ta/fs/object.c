// SPDX-License-Identifier: Apache-2.0
/*
 * Ids begin with the name space of the program, which follows from signer and
 * name: no program finds, or waits for, what another one has. The core has it so
 * for code that asks it without this file, see seal.h.
 *
 * System calls instead of the TEE_ functions: those panic when the normal world
 * fails to store something, or is out of memory.
 */
#include "fs/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tee_internal_api.h>
#include <utee_syscalls.h>

#include "trust/manifest.h"

/* In storage: name space, id */
#define FULL_ID_SIZE	(MANIFEST_SPACE_SIZE + OBJECT_ID_SIZE)

/* What is deleted in one go, beside looking for more */
#define GARBAGE_MAX	32

struct full_id {
	char text[FULL_ID_SIZE];
};

static struct full_id full_id(const struct fs *fs, const char *id)
{
	struct full_id full = { };

	snprintf(full.text, sizeof(full.text), "%s%s",
		 fs->storage.owner->space, id);
	return full;
}

static TEE_Result open_as(const char *id, uint32_t flags, uint32_t *object)
{
	return _utee_storage_obj_open(TEE_STORAGE_PRIVATE, id, strlen(id), flags,
				      object);
}

TEE_Result object_open(const struct fs *fs, const char *id, uint32_t flags,
		       uint32_t *object)
{
	return open_as(full_id(fs, id).text, flags, object);
}

TEE_Result object_create(const struct fs *fs, const char *id, uint32_t flags,
			 const void *data, size_t size, uint32_t *object)
{
	struct full_id full = full_id(fs, id);

	return _utee_storage_obj_create(TEE_STORAGE_PRIVATE, full.text,
					strlen(full.text), flags, 0, data, size,
					object);
}

void object_name(char id[OBJECT_ID_SIZE], uint32_t number)
{
	snprintf(id, OBJECT_ID_SIZE, "f%08"PRIx32, number);
}

TEE_Result object_read(uint32_t object, void *data, size_t size)
{
	uint64_t count = size;
	TEE_Result res = _utee_storage_obj_read(object, data, size, &count);

	if (res == TEE_SUCCESS && count != size)
		res = TEE_ERROR_CORRUPT_OBJECT;
	return res;
}

/* @id: as it is in storage */
static bool is_used(const struct fs *fs, const struct fs_list *list,
		    const char *id)
{
	struct full_id first = full_id(fs, "f");
	char used[OBJECT_ID_SIZE] = { };
	uint32_t n = 0;

	/* Contents of a file of this program, or none of our business */
	if (strncmp(id, first.text, strlen(first.text)))
		return true;
	for (n = 0; n < list->count; n++) {
		object_name(used, list->items[n].entry->node->object);
		if (!strcmp(full_id(fs, used).text, id))
			return true;
	}

	return false;
}

/* Finds objects that nothing refers to: how many */
static uint32_t find_garbage(const struct fs *fs, const struct fs_list *list,
			     struct full_id ids[GARBAGE_MAX])
{
	struct utee_object_info info = { };
	uint32_t enumerator = 0;
	uint32_t damaged = 0;
	uint32_t count = 0;

	if (_utee_storage_alloc_enum(&enumerator) != TEE_SUCCESS)
		return 0;

	if (_utee_storage_start_enum(enumerator, TEE_STORAGE_PRIVATE) ==
	    TEE_SUCCESS) {
		while (count < GARBAGE_MAX) {
			char id[TEE_OBJECT_ID_MAX_LEN + 1] = { };
			uint64_t length = TEE_OBJECT_ID_MAX_LEN;

			TEE_Result res = _utee_storage_next_enum(enumerator,
								 &info, id,
								 &length);

			/* A damaged one stays where it is */
			if (res == TEE_ERROR_CORRUPT_OBJECT &&
			    damaged++ < GARBAGE_MAX)
				continue;
			if (res != TEE_SUCCESS)
				break;
			if (length < FULL_ID_SIZE && !is_used(fs, list, id))
				memcpy(ids[count++].text, id, FULL_ID_SIZE);
		}
	}
	_utee_storage_free_enum(enumerator);
	return count;
}

void object_delete_unused(const struct fs *fs, const struct fs_list *list)
{
	struct full_id ids[GARBAGE_MAX] = { };
	uint32_t count = 0;
	uint32_t n = 0;

	do {
		count = find_garbage(fs, list, ids);
		for (n = 0; n < count; n++) {
			uint32_t object = 0;

			if (open_as(ids[n].text, TEE_DATA_FLAG_ACCESS_WRITE_META,
				    &object) != TEE_SUCCESS ||
			    _utee_storage_obj_del(object) != TEE_SUCCESS)
				return;
		}
	} while (count == GARBAGE_MAX);
}
