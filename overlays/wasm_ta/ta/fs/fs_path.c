// SPDX-License-Identifier: Apache-2.0
/*
 * Paths are put together from their end, which is what matters of long ones.
 */
#include "fs/fs_path.h"

#include <stdio.h>
#include <string.h>

#include "base/wasi_abi.h"

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

struct fs_path fs_path_of(struct fs *fs, const struct fs_node *file)
{
	struct fs_path path = { };
	size_t at = FS_PATH_TOLD;
	struct fs_list list = { };
	uint32_t n = 0;

	if (fs_list(fs, fs->secure, &list) != WASI_ESUCCESS ||
	    find(&list, file) == list.count) {
		fs_free_list(&list);
		snprintf(path.text, sizeof(path.text), "a file in /secure");
		return path;
	}
	for (n = find(&list, file) + 1; n; n = list.items[n - 1].parent) {
		const struct fs_entry *entry = list.items[n - 1].entry;

		at = put_before(path.text, at, entry->name, entry->length);
		at = put_before(path.text, at, "/", 1);
	}
	at = put_before(path.text, at, "/secure", strlen("/secure"));
	fs_free_list(&list);
	memmove(path.text, path.text + at, sizeof(path.text) - at);
	return path;
}
