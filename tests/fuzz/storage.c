// SPDX-License-Identifier: Apache-2.0
/*
 * Secure storage in memory, as far as the TA uses it: few objects, little room.
 */
#include <stdlib.h>
#include <string.h>
#include <tee_api_defines.h>
#include <utee_syscalls.h>
#include <util.h>

#include "shim.h"

#define OBJECTS		48
#define HANDLES		4
#define ROOM		(1024 * 1024)

struct object {
	char id[TEE_OBJECT_ID_MAX_LEN];
	size_t id_size;		/* 0: no object */
	uint8_t *data;
	size_t size;
	bool open;
};

static struct object objects[OBJECTS];
/* Handle n + 1 is of */
static struct {
	struct object *object;
	size_t at;
} handles[HANDLES];
static size_t used;
static size_t enumerated;

uint32_t storage_fail;

static bool fails(void)
{
	return storage_fail && !--storage_fail;
}

static struct object *find(const void *id, size_t size)
{
	size_t n = 0;

	for (n = 0; n < OBJECTS; n++)
		if (objects[n].id_size == size &&
		    !memcmp(objects[n].id, id, size))
			return &objects[n];
	return NULL;
}

static struct object *add(const void *id, size_t size)
{
	size_t n = 0;

	if (!size || size > TEE_OBJECT_ID_MAX_LEN)
		abort();
	for (n = 0; n < OBJECTS; n++) {
		if (objects[n].id_size)
			continue;
		memcpy(objects[n].id, id, size);
		objects[n].id_size = size;
		return &objects[n];
	}
	return NULL;
}

static void discard(struct object *object)
{
	used -= object->size;
	free(object->data);
	*object = (struct object){ };
}

static TEE_Result append(struct object *object, const void *data, size_t size)
{
	uint8_t *grown = NULL;

	if (!size)
		return TEE_SUCCESS;
	if (size > ROOM - used)
		return TEE_ERROR_STORAGE_NO_SPACE;

	/* Of its own, not a byte longer */
	grown = malloc(object->size + size);
	if (object->size)
		memcpy(grown, object->data, object->size);
	memcpy(grown + object->size, data, size);
	free(object->data);
	object->data = grown;
	object->size += size;
	used += size;
	return TEE_SUCCESS;
}

static TEE_Result open(struct object *object, uint32_t *handle)
{
	size_t n = 0;

	for (n = 0; n < HANDLES; n++) {
		if (handles[n].object)
			continue;
		handles[n].object = object;
		handles[n].at = 0;
		object->open = true;
		*handle = n + 1;
		return TEE_SUCCESS;
	}
	return TEE_ERROR_OUT_OF_MEMORY;
}

/* A TA that uses another number than its own panics */
static struct object *of(unsigned long handle)
{
	if (!handle || handle > HANDLES || !handles[handle - 1].object)
		abort();
	return handles[handle - 1].object;
}

void storage_reset(void)
{
	size_t n = 0;

	if (!storage_is_closed())
		abort();
	for (n = 0; n < OBJECTS; n++)
		discard(&objects[n]);
	storage_fail = 0;
}

void storage_add(const char *id, const void *data, size_t size)
{
	append(add(id, strlen(id)), data, size);
}

bool storage_is_closed(void)
{
	size_t n = 0;

	for (n = 0; n < HANDLES; n++)
		if (handles[n].object)
			return false;
	return true;
}

TEE_Result _utee_storage_obj_open(unsigned long storage_id __unused,
				  const void *object_id, size_t object_id_len,
				  unsigned long flags __unused, uint32_t *obj)
{
	struct object *object = find(object_id, object_id_len);

	if (fails())
		return TEE_ERROR_CORRUPT_OBJECT;
	if (!object)
		return TEE_ERROR_ITEM_NOT_FOUND;
	return object->open ? TEE_ERROR_ACCESS_CONFLICT : open(object, obj);
}

TEE_Result _utee_storage_obj_create(unsigned long storage_id __unused,
				    const void *object_id, size_t object_id_len,
				    unsigned long flags,
				    unsigned long attr __unused,
				    const void *data, size_t len, uint32_t *obj)
{
	struct object *object = find(object_id, object_id_len);
	TEE_Result res = TEE_SUCCESS;

	if (fails() || len > ROOM - used)
		return TEE_ERROR_STORAGE_NO_SPACE;
	if (object && (object->open || !(flags & TEE_DATA_FLAG_OVERWRITE)))
		return TEE_ERROR_ACCESS_CONFLICT;

	if (object)
		discard(object);
	object = add(object_id, object_id_len);
	if (!object)
		return TEE_ERROR_STORAGE_NO_SPACE;
	res = append(object, data, len);
	return res == TEE_SUCCESS && obj ? open(object, obj) : res;
}

TEE_Result _utee_storage_obj_del(unsigned long obj)
{
	struct object *object = of(obj);

	handles[obj - 1].object = NULL;
	discard(object);
	return TEE_SUCCESS;
}

TEE_Result _utee_storage_obj_read(unsigned long obj, void *data, size_t len,
				  uint64_t *count)
{
	struct object *object = of(obj);
	size_t at = handles[obj - 1].at;

	if (fails())
		return TEE_ERROR_CORRUPT_OBJECT;
	*count = MIN(len, object->size - at);
	if (*count)
		memcpy(data, object->data + at, *count);
	handles[obj - 1].at += *count;
	return TEE_SUCCESS;
}

TEE_Result _utee_storage_obj_write(unsigned long obj, const void *data,
				   size_t len)
{
	return fails() ? TEE_ERROR_STORAGE_NO_SPACE : append(of(obj), data, len);
}

TEE_Result _utee_storage_alloc_enum(uint32_t *obj_enum)
{
	*obj_enum = 1;
	return fails() ? TEE_ERROR_OUT_OF_MEMORY : TEE_SUCCESS;
}

TEE_Result _utee_storage_free_enum(unsigned long obj_enum __unused)
{
	return TEE_SUCCESS;
}

TEE_Result _utee_storage_start_enum(unsigned long obj_enum __unused,
				    unsigned long storage_id __unused)
{
	enumerated = 0;
	return TEE_SUCCESS;
}

TEE_Result _utee_storage_next_enum(unsigned long obj_enum __unused,
				   struct utee_object_info *info,
				   void *obj_id, uint64_t *len)
{
	while (enumerated < OBJECTS && !objects[enumerated].id_size)
		enumerated++;
	if (enumerated == OBJECTS || fails())
		return TEE_ERROR_ITEM_NOT_FOUND;

	memset(info, 0, sizeof(*info));
	*len = objects[enumerated].id_size;
	memcpy(obj_id, objects[enumerated++].id, *len);
	return TEE_SUCCESS;
}

TEE_Result _utee_cryp_obj_get_info(unsigned long obj,
				   struct utee_object_info *info)
{
	memset(info, 0, sizeof(*info));
	info->data_size = of(obj)->size;
	return TEE_SUCCESS;
}

TEE_Result _utee_cryp_obj_close(unsigned long obj)
{
	of(obj)->open = false;
	handles[obj - 1].object = NULL;
	return TEE_SUCCESS;
}
