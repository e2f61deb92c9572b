// SPDX-License-Identifier: Apache-2.0
/*
 * /secure in OP-TEE's secure storage: one object for the contents of each file,
 * under a number that is never used again, and one, the index, for names, times
 * and numbers. The index is replaced in one step after all that it refers to is
 * there, so that whatever interrupts it, the old tree or the new one is found.
 *
 * Ids begin with the name space of the program, which follows from signer and
 * name: no program finds, or waits for, what another one has.
 *
 * System calls instead of the TEE_ functions: those panic when the normal world
 * fails to store something, or is out of memory.
 */
#include "fs/secure.h"

#include <stdio.h>
#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <utee_syscalls.h>
#include <util.h>

#include "base/wasi_abi.h"
#include "fs/fs_path.h"
#include "trust/manifest.h"

#define LOCK_ID		"lock"
#define INDEX_ID	"index"
#define THE_LOCK	"the lock of /secure"
#define THE_INDEX	"the index of /secure"
#define ID_SIZE		16
/* ... in storage: name space, a dot, id */
#define FULL_ID_SIZE	(MANIFEST_SPACE_SIZE + ID_SIZE)

#define LOCK_FLAGS	(TEE_DATA_FLAG_ACCESS_READ | TEE_DATA_FLAG_ACCESS_WRITE)
#define LOCK_TRIES	100
#define LOCK_WAIT_MS	100

/* What the lock has in it once there is an index: then it must not be missing */
#define USED_MARK	"used"

#define INDEX_MAGIC	0x63657377	/* "wsec" */
#define INDEX_VERSION	2
#define INDEX_MAX	(16 * 1024 * 1024)

/* Each write goes to the disk: few large ones */
#define BOUNCE_SIZE	(64 * 1024)

/* What is deleted in one go, beside looking for more */
#define GARBAGE_MAX	32

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

struct full_id {
	char text[FULL_ID_SIZE];
};

static struct full_id full_id(const struct fs *fs, const char *id)
{
	struct full_id full = { };

	snprintf(full.text, sizeof(full.text), "%s.%s",
		 fs->storage.owner->space, id);
	return full;
}

static uint32_t trouble(struct fs *fs, TEE_Result res, const char *what)
{
	return trouble_with(&fs->storage.trouble, res, what);
}

static TEE_Result open_as(const char *id, uint32_t flags, uint32_t *object)
{
	return _utee_storage_obj_open(TEE_STORAGE_PRIVATE, id, strlen(id), flags,
				      object);
}

static TEE_Result open_object(const struct fs *fs, const char *id,
			      uint32_t flags, uint32_t *object)
{
	return open_as(full_id(fs, id).text, flags, object);
}

/* @object: NULL if it need not stay open */
static TEE_Result create_object(const struct fs *fs, const char *id,
				uint32_t flags, const void *data, size_t size,
				uint32_t *object)
{
	struct full_id full = full_id(fs, id);

	return _utee_storage_obj_create(TEE_STORAGE_PRIVATE, full.text,
					strlen(full.text), flags, 0, data, size,
					object);
}

static void name_object(char id[ID_SIZE], uint32_t number)
{
	snprintf(id, ID_SIZE, "f%08"PRIx32, number);
}

/* Reads @size bytes of an object that has at least as many */
static TEE_Result read_all(uint32_t object, void *data, size_t size)
{
	uint64_t count = size;
	TEE_Result res = _utee_storage_obj_read(object, data, size, &count);

	if (res == TEE_SUCCESS && count != size)
		res = TEE_ERROR_CORRUPT_OBJECT;
	return res;
}

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

/* Of the time when all programs shared one /secure: what is left belongs to none */
static void tell_of_shared(struct fs *fs)
{
	uint32_t object = 0;

	if (open_as(INDEX_ID, TEE_DATA_FLAG_ACCESS_READ, &object) !=
	    TEE_SUCCESS)
		return;

	_utee_cryp_obj_close(object);
	trouble_is(&fs->storage.trouble, "what was stored when all programs shared one /secure is kept, but none has it: each has a /secure of its own now");
}

static uint32_t load_index(struct fs *fs)
{
	struct utee_object_info info = { };
	struct reading reading = { };
	uint32_t object = 0;
	uint32_t err = WASI_EIO;
	void *data = NULL;
	TEE_Result res = open_object(fs, INDEX_ID, TEE_DATA_FLAG_ACCESS_READ,
				     &object);

	if (res == TEE_ERROR_ITEM_NOT_FOUND && fs->storage.used)
		return trouble_is(&fs->storage.trouble, THE_INDEX " is missing, though files were stored in it");
	/* The first time: nothing is stored */
	if (res == TEE_ERROR_ITEM_NOT_FOUND) {
		tell_of_shared(fs);
		return WASI_ESUCCESS;
	}
	if (res != TEE_SUCCESS)
		return trouble(fs, res, THE_INDEX);

	res = _utee_cryp_obj_get_info(object, &info);
	if (res == TEE_SUCCESS &&
	    (!info.data_size || info.data_size > INDEX_MAX))
		res = TEE_ERROR_CORRUPT_OBJECT;
	if (res == TEE_SUCCESS) {
		data = tee_map_zi(info.data_size, 0);
		res = data ? read_all(object, data, info.data_size) :
			     TEE_ERROR_OUT_OF_MEMORY;
	}
	err = trouble(fs, res, THE_INDEX);
	if (err)
		goto out;
	reading.data = data;
	reading.size = info.data_size;
	err = read_index(fs, &reading);
	if (err == WASI_EIO)
		trouble_is(&fs->storage.trouble, THE_INDEX " is damaged, or of another version of the runtime TA");
	else if (err)
		trouble(fs, TEE_ERROR_OUT_OF_MEMORY, THE_INDEX);
out:
	if (data)
		tee_unmap(data, info.data_size);
	_utee_cryp_obj_close(object);
	return err;
}

static TEE_Result take_lock(struct fs *fs)
{
	uint32_t *lock = &fs->storage.lock;
	TEE_Result res = TEE_SUCCESS;
	uint32_t n = 0;

	for (n = 0; n < LOCK_TRIES; n++) {
		/* Not shared: it cannot be open twice */
		res = open_object(fs, LOCK_ID, LOCK_FLAGS, lock);
		if (res == TEE_ERROR_ITEM_NOT_FOUND)
			res = create_object(fs, LOCK_ID, LOCK_FLAGS, NULL, 0,
					    lock);
		if (res != TEE_ERROR_ACCESS_CONFLICT)
			return res;
		res = TEE_Wait(LOCK_WAIT_MS);
		if (res != TEE_SUCCESS)
			return res;
	}

	return TEE_ERROR_ACCESS_CONFLICT;
}

/* Whether there was an index at some time: the lock is marked then */
static TEE_Result read_mark(struct fs *fs)
{
	struct utee_object_info info = { };
	TEE_Result res = _utee_cryp_obj_get_info(fs->storage.lock, &info);

	fs->storage.used = info.data_size;
	return res;
}

/* To be called when there is an index. Without the mark, files are there too */
static void write_mark(struct fs *fs)
{
	if (!fs->storage.used &&
	    _utee_storage_obj_write(fs->storage.lock, USED_MARK,
				    strlen(USED_MARK)) == TEE_SUCCESS)
		fs->storage.used = true;
}

uint32_t secure_mount(struct fs *fs)
{
	const struct manifest *owner = fs->storage.owner;
	TEE_Result res = TEE_SUCCESS;

	if (fs->storage.lock || fs->storage.error)
		return fs->storage.error;

	if (!owner->storage) {
		trouble_is(&fs->storage.trouble, "the program's manifest allows it nothing in /secure");
		fs->storage.error = WASI_EACCES;
		return fs->storage.error;
	}
	/* What is stored is read, however much it is */
	fs->storage.room = UINT64_MAX;
	res = take_lock(fs);
	if (res != TEE_SUCCESS)
		fs->storage.lock = 0;
	else
		res = read_mark(fs);
	fs->storage.error = trouble(fs, res, THE_LOCK);
	if (fs->storage.error)
		return fs->storage.error;

	fs->storage.error = load_index(fs);
	fs->storage.room = owner->storage;
	/* A tree that is not whole must not replace the one that is stored */
	fs->storage.changed = false;
	return fs->storage.error;
}

void secure_unmount(struct fs *fs)
{
	if (fs->storage.lock)
		_utee_cryp_obj_close(fs->storage.lock);
	fs->storage.lock = 0;
}

static uint32_t trouble_of_file(struct fs *fs, TEE_Result res,
				const struct fs_node *file)
{
	if (res == TEE_SUCCESS)
		return WASI_ESUCCESS;

	return trouble(fs, res, fs_path_of(fs, file).text);
}

/* Reads all of what is stored of a file; @keep: into memory */
static uint32_t read_file(struct fs *fs, struct fs_node *file, bool keep)
{
	TEE_Result res = TEE_SUCCESS;
	uint64_t at = 0;
	char id[ID_SIZE] = { };
	uint32_t object = 0;
	uint32_t err = WASI_ESUCCESS;
	void *bounce = pool_block(&fs->pool);

	if (!bounce)
		return trouble(fs, TEE_ERROR_OUT_OF_MEMORY, "/secure");

	name_object(id, file->object);
	res = open_object(fs, id, TEE_DATA_FLAG_ACCESS_READ, &object);
	/* The index has it */
	if (res == TEE_ERROR_ITEM_NOT_FOUND)
		res = TEE_ERROR_CORRUPT_OBJECT;
	err = trouble_of_file(fs, res, file);
	if (err) {
		pool_free_block(&fs->pool, bounce);
		return err;
	}

	while (!err && at < file->size) {
		size_t part = MIN(file->size - at, (uint64_t)POOL_BLOCK);

		err = trouble_of_file(fs, read_all(object, bounce, part), file);
		if (!err && keep && blocks_write(&file->u.file, &fs->pool, at,
						 bounce, part) < part)
			err = fs_no_room(fs, FS_SECURE);
		at += part;
	}
	_utee_cryp_obj_close(object);
	pool_free_block(&fs->pool, bounce);
	return err;
}

uint32_t secure_load(struct fs *fs, struct fs_node *file)
{
	uint32_t err = read_file(fs, file, true);

	/* All of it is here, or none */
	if (err)
		blocks_free(&file->u.file, &fs->pool);
	file->absent = err;
	return err;
}

uint32_t secure_check(struct fs *fs, struct fs_node *file)
{
	return file->absent ? read_file(fs, file, false) : WASI_ESUCCESS;
}

/* Stores the contents of a file under a new number */
static uint32_t store_file(struct fs *fs, struct fs_node *file, void *bounce)
{
	uint32_t number = fs->storage.last_object + 1;
	char id[ID_SIZE] = { };
	uint32_t object = 0;
	uint64_t at = 0;
	uint32_t err = WASI_ESUCCESS;

	name_object(id, number);
	err = trouble_of_file(fs, create_object(fs, id,
						TEE_DATA_FLAG_ACCESS_WRITE |
						TEE_DATA_FLAG_OVERWRITE, NULL,
						0, &object), file);
	if (err)
		return err;

	while (!err && at < file->size) {
		size_t part = MIN(file->size - at, (uint64_t)BOUNCE_SIZE);

		blocks_read(&file->u.file, at, bounce, part);
		err = trouble_of_file(fs, _utee_storage_obj_write(object,
								  bounce, part),
				      file);
		at += part;
	}
	_utee_cryp_obj_close(object);

	fs->storage.last_object = number;
	if (err) {
		fs->storage.garbage = true;
		return err;
	}
	if (file->object)
		fs->storage.garbage = true;
	file->object = number;
	file->stored = true;
	return WASI_ESUCCESS;
}

static uint32_t store_files(struct fs *fs, const struct fs_list *list)
{
	void *bounce = tee_map_zi(BOUNCE_SIZE, 0);
	uint32_t err = WASI_ESUCCESS;
	uint32_t n = 0;

	if (!bounce)
		return trouble(fs, TEE_ERROR_OUT_OF_MEMORY, "/secure");

	for (n = 0; n < list->count && !err; n++) {
		struct fs_node *node = list->items[n].entry->node;

		node->record = 0;
		if (node->type == WASI_FILETYPE_REGULAR_FILE && !node->stored)
			err = store_file(fs, node, bounce);
	}
	tee_unmap(bounce, BOUNCE_SIZE);
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

static uint32_t store_index(struct fs *fs, const struct fs_list *list)
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
		return trouble(fs, TEE_ERROR_OUT_OF_MEMORY, THE_INDEX);

	next = put(data, &head, sizeof(head));
	for (n = 0; n < list->count; n++)
		next = put_record(next, list, n);
	err = trouble(fs, create_object(fs, INDEX_ID,
					TEE_DATA_FLAG_ACCESS_WRITE |
					TEE_DATA_FLAG_OVERWRITE, data,
					next - data, NULL), THE_INDEX);
	tee_unmap(data, mapped);
	return err;
}

/* @id: as it is in storage */
static bool is_used(const struct fs *fs, const struct fs_list *list,
		    const char *id)
{
	struct full_id first = full_id(fs, "f");
	char used[ID_SIZE] = { };
	uint32_t n = 0;

	/* Contents of a file of this program, or none of our business */
	if (strncmp(id, first.text, strlen(first.text)))
		return true;
	for (n = 0; n < list->count; n++) {
		name_object(used, list->items[n].entry->node->object);
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

/* What is left over for whatever reason takes room, but does no harm */
static void delete_garbage(const struct fs *fs, const struct fs_list *list)
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

uint32_t secure_store(struct fs *fs)
{
	struct fs_list list = { };
	uint32_t err = WASI_ESUCCESS;

	if (!fs->storage.lock || fs->storage.error || !fs->storage.changed)
		return WASI_ESUCCESS;

	/* What kept an earlier try from storing may be over */
	if (fs->storage.unstored)
		fs->storage.trouble = (struct trouble){ };

	err = fs_list(fs, fs->secure, &list);
	if (err)
		trouble(fs, TEE_ERROR_OUT_OF_MEMORY, "/secure");
	if (!err)
		err = store_files(fs, &list);
	if (!err)
		err = store_index(fs, &list);
	fs->storage.unstored = err;
	if (!err) {
		write_mark(fs);
		fs->storage.changed = false;
		if (fs->storage.garbage)
			delete_garbage(fs, &list);
		fs->storage.garbage = false;
	}
	fs_free_list(&list);
	return err;
}
