// SPDX-License-Identifier: Apache-2.0
/*
 * Nodes, directories and names of the filesystem in memory.
 */
#include "fs/fs.h"

#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

#include "base/wasi_abi.h"

#define NANOS_PER_MILLI		1000000ULL
#define NANOS_PER_SECOND	1000000000ULL

/* What a name takes in the index of /secure, beside its own bytes */
#define NAME_COST		64

/* Cookies below are those of "." and ".." */
#define FIRST_COOKIE		3

static uint64_t nanos(const TEE_Time *time)
{
	return time->seconds * NANOS_PER_SECOND +
	       time->millis * NANOS_PER_MILLI;
}

uint64_t fs_now(struct fs *fs)
{
	TEE_Time now = { };
	TEE_Time real = { };

	TEE_GetSystemTime(&now);
	if (!fs->clock_base) {
		TEE_GetREETime(&real);
		fs->clock_base = nanos(&real) - nanos(&now);
	}

	return fs->clock_base + nanos(&now);
}

uint32_t fs_open(struct fs *fs)
{
	uint32_t err = 0;

	err = fs_make(fs, WASI_FILETYPE_DIRECTORY, FS_MEMORY, &fs->root);
	if (!err)
		err = fs_make(fs, WASI_FILETYPE_DIRECTORY, FS_SECURE,
			      &fs->secure);
	if (err)
		return err;

	/* They have no name in a directory, but stay */
	fs->root->nlink = 1;
	fs->secure->nlink = 1;
	return WASI_ESUCCESS;
}

uint32_t fs_make_temporary(struct fs *fs)
{
	static const char name[] = "tmp";
	uint32_t err = 0;

	/* A folder that is all of the tree is left as the host has it */
	if (fs->root->mount || fs_find(fs->root, name, sizeof(name) - 1))
		return WASI_ESUCCESS;
	err = fs_make(fs, WASI_FILETYPE_DIRECTORY, FS_MEMORY, &fs->temporary);
	if (!err)
		err = fs_add(fs, fs->root, name, sizeof(name) - 1,
			     fs->temporary);
	return err;
}

void fs_close(struct fs *fs)
{
	pool_release(&fs->pool);
	*fs = (struct fs){ };
}

uint32_t fs_take_room(struct fs *fs, uint8_t device, uint64_t bytes)
{
	if (device != FS_SECURE || !bytes)
		return WASI_ESUCCESS;
	if (fs->storage.taken > fs->storage.room ||
	    bytes > fs->storage.room - fs->storage.taken)
		return trouble_quota(&fs->storage.trouble,
				     fs->storage.room);

	fs->storage.taken += bytes;
	return WASI_ESUCCESS;
}

void fs_give_room(struct fs *fs, uint8_t device, uint64_t bytes)
{
	if (device == FS_SECURE)
		fs->storage.taken -= bytes;
}

uint32_t fs_no_room(struct fs *fs, uint8_t device)
{
	if (device == FS_SECURE)
		return trouble_no_room(&fs->storage.trouble);
	return WASI_ENOSPC;
}

uint32_t fs_trouble(struct fs *fs, TEE_Result res, const char *what)
{
	return trouble_with(&fs->storage.trouble, res, what);
}

uint32_t fs_make(struct fs *fs, uint8_t type, uint8_t device,
		 struct fs_node **node)
{
	struct fs_node *made = pool_get(&fs->pool, sizeof(*made));

	if (!made)
		return fs_no_room(fs, device);

	made->ino = ++fs->last_ino;
	made->type = type;
	made->device = device;
	if (type == WASI_FILETYPE_DIRECTORY)
		made->u.dir.cookie = FIRST_COOKIE;
	*node = made;
	return WASI_ESUCCESS;
}

uint32_t fs_make_link(struct fs *fs, uint8_t device, const void *target,
		      uint32_t length, struct fs_node **node)
{
	uint32_t err = 0;

	if (!length || length >= FS_PATH_MAX)
		return length ? WASI_ENAMETOOLONG : WASI_ENOENT;

	err = fs_make(fs, WASI_FILETYPE_SYMBOLIC_LINK, device, node);
	if (err)
		return err;

	(*node)->u.target = pool_get(&fs->pool, length);
	err = (*node)->u.target ? fs_take_room(fs, device, length) :
				  fs_no_room(fs, device);
	if (err) {
		pool_put(&fs->pool, (*node)->u.target, length);
		pool_put(&fs->pool, *node, sizeof(**node));
		return err;
	}
	memcpy((*node)->u.target, target, length);
	(*node)->size = length;
	return WASI_ESUCCESS;
}

void fs_drop(struct fs *fs, struct fs_node *node)
{
	if (node->nlink || node->opens)
		return;

	if (node->object)
		fs->storage.garbage = true;
	if (node->type != WASI_FILETYPE_DIRECTORY)
		fs_give_room(fs, node->device, node->size);
	if (node->type == WASI_FILETYPE_REGULAR_FILE)
		blocks_free(&node->u.file, &fs->pool);
	else if (node->type == WASI_FILETYPE_SYMBOLIC_LINK)
		pool_put(&fs->pool, node->u.target, node->size);
	pool_put(&fs->pool, node, sizeof(*node));
}

/* FNV-1a: names are compared only where this agrees */
static uint32_t hash_of(const char *name, uint32_t length)
{
	uint32_t hash = 2166136261u;
	uint32_t n = 0;

	for (n = 0; n < length; n++)
		hash = (hash ^ (uint8_t)name[n]) * 16777619u;

	return hash;
}

struct fs_entry *fs_find(const struct fs_node *dir, const char *name,
			 uint32_t length)
{
	uint32_t hash = hash_of(name, length);
	struct fs_entry *entry = NULL;

	for (entry = dir->u.dir.first; entry; entry = entry->next)
		if (entry->hash == hash && entry->length == length &&
		    !memcmp(entry->name, name, length))
			return entry;

	return NULL;
}

void fs_changed(struct fs *fs, struct fs_node *node)
{
	node->same = false;
	if (node->device == FS_SECURE)
		fs->storage.changed = true;
}

static void touch(struct fs *fs, struct fs_node *node)
{
	node->mtim = fs_now(fs);
	node->ctim = node->mtim;
	fs_changed(fs, node);
}

uint32_t fs_add(struct fs *fs, struct fs_node *dir, const char *name,
		uint32_t length, struct fs_node *node)
{
	struct fs_entry *entry = NULL;
	uint32_t err = WASI_ESUCCESS;

	if (!length || length > FS_NAME_MAX)
		return length ? WASI_ENAMETOOLONG : WASI_ENOENT;
	/* It was removed while it was open */
	if (!dir->nlink)
		return WASI_ENOENT;

	err = fs_take_room(fs, node->device, NAME_COST + length);
	if (err)
		return err;
	entry = pool_get(&fs->pool, sizeof(*entry) + length);
	if (!entry) {
		fs_give_room(fs, node->device, NAME_COST + length);
		return fs_no_room(fs, node->device);
	}

	memcpy(entry->name, name, length);
	entry->length = length;
	entry->hash = hash_of(name, length);
	entry->cookie = dir->u.dir.cookie++;
	entry->node = node;
	entry->previous = dir->u.dir.last;
	if (entry->previous)
		entry->previous->next = entry;
	else
		dir->u.dir.first = entry;
	dir->u.dir.last = entry;

	node->nlink++;
	fs->names[node->device]++;
	node->ctim = fs_now(fs);
	if (node->type == WASI_FILETYPE_DIRECTORY)
		node->u.dir.parent = dir;
	fs_changed(fs, node);
	touch(fs, dir);
	return WASI_ESUCCESS;
}

void fs_remove(struct fs *fs, struct fs_node *dir, struct fs_entry *entry)
{
	struct fs_node *node = entry->node;

	if (entry->previous)
		entry->previous->next = entry->next;
	else
		dir->u.dir.first = entry->next;
	if (entry->next)
		entry->next->previous = entry->previous;
	else
		dir->u.dir.last = entry->previous;
	fs_give_room(fs, node->device, NAME_COST + entry->length);
	pool_put(&fs->pool, entry, sizeof(*entry) + entry->length);

	node->nlink--;
	fs->names[node->device]--;
	node->ctim = fs_now(fs);
	if (node->type == WASI_FILETYPE_DIRECTORY)
		node->u.dir.parent = NULL;
	fs_changed(fs, node);
	touch(fs, dir);
	fs_drop(fs, node);
}

static void append(struct fs_list *list, const struct fs_node *dir,
		   uint32_t parent)
{
	const struct fs_entry *entry = NULL;

	for (entry = dir->u.dir.first; entry; entry = entry->next)
		list->items[list->count++] = (struct fs_item){
			.entry = entry,
			.parent = parent,
		};
}

uint32_t fs_list(struct fs *fs, const struct fs_node *top, struct fs_list *list)
{
	uint32_t n = 0;

	*list = (struct fs_list){ };
	if (!fs->names[top->device])
		return WASI_ESUCCESS;

	list->mapped = fs->names[top->device] * sizeof(*list->items);
	list->items = tee_map_zi(list->mapped, 0);
	if (!list->items)
		return WASI_ENOMEM;

	append(list, top, 0);
	for (n = 0; n < list->count; n++)
		if (list->items[n].entry->node->type ==
		    WASI_FILETYPE_DIRECTORY)
			append(list, list->items[n].entry->node, n + 1);
	return WASI_ESUCCESS;
}

void fs_free_list(struct fs_list *list)
{
	if (list->items)
		tee_unmap(list->items, list->mapped);
	*list = (struct fs_list){ };
}
