// SPDX-License-Identifier: Apache-2.0
/*
 * The index is read whole, and written whole.
 */
#include "fs/secure_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <utee_syscalls.h>

#include "base/wasi_abi.h"
#include "fs/object.h"
#include "trust/manifest.h"

#define INDEX_ID	"index"
#define THE_INDEX	"the index of /secure"

#define INDEX_MAGIC	0x63657377	/* "wsec" */
#define INDEX_VERSION	2
#define INDEX_MAX	(16 * 1024 * 1024)

struct index_head {
	uint32_t magic;
	uint32_t version;
	uint32_t count;
	uint32_t last_object;
	uint32_t program;	/* version of the one that has stored it */
	uint32_t pad;
};

/* Followed by the name, and for a symbolic link by its target */
struct index_record {
	uint8_t type;		/* enum wasi_filetype; 0: one more name */
	uint8_t pad;
	uint16_t name_length;
	uint32_t parent;	/* number of a record before, from 1; 0: root */
	uint32_t object;	/* of a file; or the record of the first name */
	uint32_t pad1;
	uint64_t size;
	uint64_t atim;
	uint64_t mtim;
	uint64_t ctim;
};

/* The index, in reading */
struct reading {
	const uint8_t *data;
	size_t size;
	size_t at;
	struct fs_node **nodes;		/* by record number */
};

static const void *take(struct reading *reading, size_t size)
{
	const void *data = reading->data + reading->at;

	if (size > reading->size - reading->at)
		return NULL;
	reading->at += size;
	return data;
}

/* The node of record @number, of which @count have been read */
static struct fs_node *node_of(struct fs *fs, const struct reading *reading,
			       uint32_t number, uint32_t count)
{
	if (!number)
		return fs->secure;
	return number <= count ? reading->nodes[number] : NULL;
}

static uint32_t make_node(struct fs *fs, const struct reading *reading,
			  const struct index_record *record, const void *target,
			  uint32_t count, struct fs_node **node)
{
	uint32_t err = WASI_EIO;

	switch (record->type) {
	case 0:
		*node = node_of(fs, reading, record->object, count);
		return *node && (*node)->type != WASI_FILETYPE_DIRECTORY ?
		       WASI_ESUCCESS : err;
	case WASI_FILETYPE_SYMBOLIC_LINK:
		return fs_make_link(fs, FS_SECURE, target, record->size, node);
	case WASI_FILETYPE_DIRECTORY:
		return fs_make(fs, record->type, FS_SECURE, node);
	case WASI_FILETYPE_REGULAR_FILE:
		if (record->size > FS_FILE_MAX)
			return err;
		err = fs_make(fs, record->type, FS_SECURE, node);
		if (err)
			return err;
		err = fs_take_room(fs, FS_SECURE, record->size);
		if (err) {
			fs_drop(fs, *node);
			return err;
		}
		(*node)->size = record->size;
		(*node)->object = record->object;
		(*node)->stored = true;
		(*node)->absent = record->size;
		return WASI_ESUCCESS;
	default:
		return err;
	}
}

static uint32_t read_record(struct fs *fs, struct reading *reading, uint32_t n)
{
	const void *bytes = take(reading, sizeof(struct index_record));
	struct index_record record = { };
	struct fs_node *parent = NULL;
	struct fs_node *node = NULL;
	const char *name = NULL;
	const void *target = NULL;
	uint32_t err = WASI_EIO;

	if (!bytes)
		return err;
	memcpy(&record, bytes, sizeof(record));
	name = take(reading, record.name_length);
	if (record.type == WASI_FILETYPE_SYMBOLIC_LINK)
		target = take(reading, record.size);
	parent = node_of(fs, reading, record.parent, n - 1);
	if (!name || !parent || parent->type != WASI_FILETYPE_DIRECTORY ||
	    (record.type == WASI_FILETYPE_SYMBOLIC_LINK && !target))
		return err;

	err = make_node(fs, reading, &record, target, n - 1, &node);
	if (err)
		return err;
	reading->nodes[n] = node;
	err = fs_add(fs, parent, name, record.name_length, node);
	if (record.type) {
		node->atim = record.atim;
		node->mtim = record.mtim;
		node->ctim = record.ctim;
	}
	return err;
}

/* What a version has stored is not for the ones before it */
static uint32_t is_older(struct fs *fs, uint32_t program)
{
	char words[TROUBLE_SIZE] = { };

	snprintf(words, sizeof(words),
		 "version %"PRIu32" of %s is older than version %"PRIu32", which has stored what is in /secure",
		 fs->storage.owner->version, fs->storage.owner->name, program);
	trouble_is(&fs->storage.trouble, words);
	fs->storage.newer = true;
	return WASI_EACCES;
}

static uint32_t read_index(struct fs *fs, struct reading *reading)
{
	const struct index_head *head = take(reading, sizeof(*head));
	size_t mapped = 0;
	uint32_t err = WASI_ESUCCESS;
	uint32_t n = 0;

	if (!head || head->magic != INDEX_MAGIC ||
	    head->version != INDEX_VERSION ||
	    head->count > reading->size / sizeof(struct index_record))
		return WASI_EIO;
	if (head->program > fs->storage.owner->version)
		return is_older(fs, head->program);

	fs->storage.last_object = head->last_object;
	mapped = (head->count + 1) * sizeof(*reading->nodes);
	reading->nodes = tee_map_zi(mapped, 0);
	if (!reading->nodes)
		return WASI_ENOMEM;

	for (n = 1; n <= head->count && !err; n++)
		err = read_record(fs, reading, n);
	tee_unmap(reading->nodes, mapped);
	return err;
}

uint32_t secure_index_read(struct fs *fs)
{
	struct utee_object_info info = { };
	struct reading reading = { };
	uint32_t object = 0;
	uint32_t err = WASI_EIO;
	void *data = NULL;
	TEE_Result res = object_open(fs, INDEX_ID, TEE_DATA_FLAG_ACCESS_READ,
				     &object);

	if (res == TEE_ERROR_ITEM_NOT_FOUND && fs->storage.used)
		return trouble_is(&fs->storage.trouble, THE_INDEX " is missing, though files were stored in it");
	/* The first time: nothing is stored */
	if (res == TEE_ERROR_ITEM_NOT_FOUND)
		return WASI_ESUCCESS;
	if (res != TEE_SUCCESS)
		return fs_trouble(fs, res, THE_INDEX);

	res = _utee_cryp_obj_get_info(object, &info);
	if (res == TEE_SUCCESS &&
	    (!info.data_size || info.data_size > INDEX_MAX))
		res = TEE_ERROR_CORRUPT_OBJECT;
	if (res == TEE_SUCCESS) {
		data = tee_map_zi(info.data_size, 0);
		res = data ? object_read(object, data, info.data_size) :
			     TEE_ERROR_OUT_OF_MEMORY;
	}
	err = fs_trouble(fs, res, THE_INDEX);
	if (err)
		goto out;
	reading.data = data;
	reading.size = info.data_size;
	err = read_index(fs, &reading);
	if (err == WASI_EIO)
		trouble_is(&fs->storage.trouble, THE_INDEX " is damaged, or of another version of the runtime TA");
	else if (err)
		fs_trouble(fs, TEE_ERROR_OUT_OF_MEMORY, THE_INDEX);
out:
	if (data)
		tee_unmap(data, info.data_size);
	_utee_cryp_obj_close(object);
	return err;
}

static size_t index_size(const struct fs_list *list)
{
	size_t size = sizeof(struct index_head);
	uint32_t n = 0;

	for (n = 0; n < list->count; n++) {
		const struct fs_entry *entry = list->items[n].entry;

		size += sizeof(struct index_record) + entry->length;
		if (entry->node->type == WASI_FILETYPE_SYMBOLIC_LINK)
			size += entry->node->size;
	}

	return size;
}

static uint8_t *put(uint8_t *target, const void *data, size_t size)
{
	memcpy(target, data, size);
	return target + size;
}

static uint8_t *put_record(uint8_t *target, const struct fs_list *list,
			   uint32_t n)
{
	const struct fs_entry *entry = list->items[n].entry;
	struct fs_node *node = entry->node;
	struct index_record record = {
		.type = node->record ? 0 : node->type,
		.name_length = entry->length,
		.parent = list->items[n].parent,
		.object = node->record ? node->record : node->object,
		.size = node->type == WASI_FILETYPE_DIRECTORY ? 0 : node->size,
		.atim = node->atim,
		.mtim = node->mtim,
		.ctim = node->ctim,
	};

	if (!node->record)
		node->record = n + 1;
	target = put(target, &record, sizeof(record));
	target = put(target, entry->name, entry->length);
	if (record.type == WASI_FILETYPE_SYMBOLIC_LINK)
		target = put(target, node->u.target, node->size);
	return target;
}

uint32_t secure_index_write(struct fs *fs, const struct fs_list *list)
{
	const struct index_head head = {
		.magic = INDEX_MAGIC,
		.version = INDEX_VERSION,
		.count = list->count,
		.last_object = fs->storage.last_object,
		.program = fs->storage.owner->version,
	};
	size_t mapped = index_size(list);
	uint8_t *data = NULL;
	uint8_t *next = NULL;
	uint32_t err = WASI_ESUCCESS;
	uint32_t n = 0;

	if (mapped > INDEX_MAX)
		return fs_no_room(fs, FS_SECURE);
	data = tee_map_zi(mapped, 0);
	if (!data)
		return fs_trouble(fs, TEE_ERROR_OUT_OF_MEMORY, THE_INDEX);

	next = put(data, &head, sizeof(head));
	for (n = 0; n < list->count; n++)
		next = put_record(next, list, n);
	err = fs_trouble(fs, object_create(fs, INDEX_ID,
					   TEE_DATA_FLAG_ACCESS_WRITE |
					   TEE_DATA_FLAG_OVERWRITE, data,
					   next - data, NULL), THE_INDEX);
	tee_unmap(data, mapped);
	return err;
}
