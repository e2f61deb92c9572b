// SPDX-License-Identifier: Apache-2.0
/*
 * Words for what goes wrong with /secure. Hints are the host app's: each of
 * these sentences has a part that words.def knows.
 */
#include "fs/trouble.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tee_api_defines.h>
#include <trace.h>

#include "base/wasi_abi.h"

/* Bytes of a path that are told: the last ones */
#define PATH_TOLD	96

static uint32_t errno_of(TEE_Result res)
{
	switch (res) {
	case TEE_SUCCESS:
		return WASI_ESUCCESS;
	case TEE_ERROR_OUT_OF_MEMORY:
		return WASI_ENOMEM;
	case TEE_ERROR_STORAGE_NO_SPACE:
		return WASI_ENOSPC;
	case TEE_ERROR_ACCESS_CONFLICT:
		return WASI_EBUSY;
	default:
		return WASI_EIO;
	}
}

static const char *words_for(TEE_Result res)
{
	switch (res) {
	case TEE_ERROR_CORRUPT_OBJECT:
		return "is damaged: its object in the secure storage was changed, cut off or removed";
	case TEE_ERROR_STORAGE_NOT_AVAILABLE:
		return "cannot be had: the directory of the secure storage (dirf.db) is damaged or missing";
	case TEE_ERROR_STORAGE_NO_SPACE:
		return "cannot be stored: there is no space left where the normal world keeps it";
	case TEE_ERROR_OUT_OF_MEMORY:
		return "cannot be had: the TEE has no memory for it";
	case TEE_ERROR_ACCESS_CONFLICT:
		return "is in use by another run";
	default:
		return "cannot be read or written: where the normal world keeps it fails or is read-only";
	}
}

uint32_t trouble(struct fs *fs, TEE_Result res, const char *what)
{
	if (res == TEE_SUCCESS)
		return WASI_ESUCCESS;

	EMSG("%s: %#"PRIx32, what, res);
	if (!*fs->storage.trouble)
		snprintf(fs->storage.trouble, sizeof(fs->storage.trouble),
			 "%s %s (0x%08"PRIx32")", what, words_for(res), res);
	return errno_of(res);
}

uint32_t trouble_is(struct fs *fs, const char *words)
{
	EMSG("%s", words);
	if (!*fs->storage.trouble)
		snprintf(fs->storage.trouble, sizeof(fs->storage.trouble), "%s",
			 words);
	return WASI_EIO;
}

/* Puts a name in front of what begins at @at; returns where it begins now */
static size_t put_before(char *buffer, size_t at, const char *name,
			 size_t length)
{
	size_t part = length < at ? length : at;

	memcpy(buffer + at - part, name + length - part, part);
	return at - part;
}

/* Where one of the names of @file is in a list; its length if nowhere */
static uint32_t find(const struct fs_list *list, const struct fs_node *file)
{
	uint32_t n = 0;

	while (n < list->count && list->items[n].entry->node != file)
		n++;
	return n;
}

uint32_t trouble_of_file(struct fs *fs, TEE_Result res,
			 const struct fs_node *file)
{
	char path[PATH_TOLD + 1] = { };
	size_t at = PATH_TOLD;
	struct fs_list list = { };
	uint32_t n = 0;

	if (res == TEE_SUCCESS)
		return WASI_ESUCCESS;

	if (fs_list(fs, fs->secure, &list) != WASI_ESUCCESS ||
	    find(&list, file) == list.count) {
		fs_free_list(&list);
		return trouble(fs, res, "a file in /secure");
	}
	for (n = find(&list, file) + 1; n; n = list.items[n - 1].parent) {
		const struct fs_entry *entry = list.items[n - 1].entry;

		at = put_before(path, at, entry->name, entry->length);
		at = put_before(path, at, "/", 1);
	}
	at = put_before(path, at, "/secure", strlen("/secure"));
	fs_free_list(&list);
	return trouble(fs, res, path + at);
}

uint32_t trouble_no_room(struct fs *fs, uint8_t device)
{
	if (device == FS_SECURE)
		trouble_is(fs, "a write to /secure failed: there is no memory for more files");
	return WASI_ENOSPC;
}

uint32_t trouble_quota(struct fs *fs)
{
	char words[FS_TROUBLE_SIZE] = { };

	snprintf(words, sizeof(words),
		 "a write to /secure failed: the program's manifest allows it %"PRIu64" bytes there",
		 fs->storage.room);
	trouble_is(fs, words);
	return WASI_EDQUOT;
}
