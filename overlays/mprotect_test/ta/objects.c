// SPDX-License-Identifier: Apache-2.0
/*
 * What a sealed instance can do with persistent objects, whose IDs begin as the
 * seal has it and otherwise. System calls: the functions of libutee panic when
 * they are refused.
 */
#include "objects.h"

#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <tee_syscall_numbers.h>
#include <utee_syscalls.h>
#include <util.h>

#define OURS		"ours."
#define OUR_FIRST	OURS "1"
#define OUR_SECOND	OURS "2"
#define OTHER		"other.1"
#define LONGEST		64

#define META		(TEE_DATA_FLAG_ACCESS_READ | \
			 TEE_DATA_FLAG_ACCESS_WRITE_META)

static const uint8_t keep[] = {
	TEE_SCN_INVOKE_TA_COMMAND, TEE_SCN_CHECK_ACCESS_RIGHTS,
	TEE_SCN_CRYP_OBJ_CLOSE, TEE_SCN_STORAGE_OBJ_OPEN,
	TEE_SCN_STORAGE_OBJ_CREATE, TEE_SCN_STORAGE_OBJ_DEL,
	TEE_SCN_STORAGE_OBJ_RENAME, TEE_SCN_STORAGE_ENUM_ALLOC,
	TEE_SCN_STORAGE_ENUM_FREE, TEE_SCN_STORAGE_ENUM_START,
	TEE_SCN_STORAGE_ENUM_NEXT,
};

static TEE_Result seal_for(const char *prefix)
{
	return tee_seal(keep, ARRAY_SIZE(keep), prefix, strlen(prefix));
}

static TEE_Result open(const char *id, uint32_t *object)
{
	return _utee_storage_obj_open(TEE_STORAGE_PRIVATE, id, strlen(id), META,
				      object);
}

static TEE_Result create(const char *id, uint32_t *object)
{
	return _utee_storage_obj_create(TEE_STORAGE_PRIVATE, id, strlen(id),
					META | TEE_DATA_FLAG_OVERWRITE, 0, "1",
					1, object);
}

static TEE_Result make(const char *id)
{
	uint32_t object = 0;
	TEE_Result res = create(id, &object);

	return res ? res : _utee_cryp_obj_close(object);
}

/* How many objects are enumerated, and which are not ours */
static uint32_t count(uint32_t *others)
{
	struct utee_object_info info = { };
	char id[LONGEST] = { };
	uint64_t length = 0;
	uint32_t enumerator = 0;
	uint32_t found = 0;

	if (_utee_storage_alloc_enum(&enumerator) ||
	    _utee_storage_start_enum(enumerator, TEE_STORAGE_PRIVATE))
		return 0;
	while (!_utee_storage_next_enum(enumerator, &info, id, &length)) {
		found++;
		*others += length < strlen(OURS) ||
			   memcmp(id, OURS, strlen(OURS));
	}
	_utee_storage_free_enum(enumerator);
	return found;
}

static bool is_denied(TEE_Result res)
{
	return res == TEE_ERROR_ACCESS_DENIED;
}

uint32_t seal_objects(void)
{
	uint32_t object = 0;
	uint32_t others = 0;
	uint32_t wrong = 0;

	if (make(OUR_FIRST) || make(OTHER) || count(&others) < 2 || !others ||
	    seal_for(OURS))
		return TEE_ERROR_GENERIC;

	wrong += !is_denied(open(OTHER, &object));
	wrong += !is_denied(create(OTHER, &object));
	/* The same without its end, and nothing at all */
	wrong += !is_denied(create("ours", &object));
	wrong += !is_denied(open("", &object));
	/* From the beginning of a page that is not there */
	wrong += !_utee_storage_obj_open(TEE_STORAGE_PRIVATE, (void *)64, 8,
					 META, &object);

	wrong += open(OUR_FIRST, &object) != TEE_SUCCESS;
	wrong += !is_denied(_utee_storage_obj_rename(object, OTHER,
						     strlen(OTHER)));
	wrong += !is_denied(_utee_storage_obj_rename(object, "other.2", 7));
	wrong += _utee_storage_obj_rename(object, OUR_SECOND,
					  strlen(OUR_SECOND)) != TEE_SUCCESS;
	wrong += _utee_cryp_obj_close(object) != TEE_SUCCESS;
	wrong += make(OUR_FIRST) != TEE_SUCCESS;

	others = 0;
	wrong += count(&others) != 2;
	return wrong + others;
}

uint32_t seal_with_object(void)
{
	uint32_t object = 0;
	uint32_t refused = 0;

	if (create(OTHER, &object))
		return TEE_ERROR_GENERIC;
	refused = seal_for(OURS);
	/* Nothing was given up: it can be closed, and then it works */
	if (_utee_cryp_obj_close(object) || create(OUR_FIRST, &object) ||
	    seal_for(OURS))
		return TEE_ERROR_GENERIC;
	return refused;
}

uint32_t seal_for_more(void)
{
	uint32_t object = 0;

	/* Fewer may be left by a second one, not more, nor others */
	if (seal_for("o") || seal_for(OURS) || !is_denied(seal_for("o")) ||
	    !is_denied(seal_for("")) || !is_denied(open(OTHER, &object)))
		return TEE_ERROR_GENERIC;
	return seal_for("other.");
}

uint32_t seal_for_too_long(void)
{
	char prefix[LONGEST + 2] = { };
	uint32_t res = TEE_SUCCESS;

	memset(prefix, 'o', LONGEST + 1);
	res = seal_for(prefix);
	prefix[LONGEST] = '\0';
	return seal_for(prefix) ? TEE_ERROR_GENERIC : res;
}

uint32_t delete_objects(void)
{
	const char *const ids[] = { OUR_FIRST, OUR_SECOND, OTHER };
	TEE_Result res = TEE_SUCCESS;
	uint32_t object = 0;
	uint32_t others = 0;
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(ids) && !res; n++) {
		res = open(ids[n], &object);
		if (!res)
			res = _utee_storage_obj_del(object);
	}
	return res ? res : count(&others);
}
