/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packing and writing back have in common.
 */
#ifndef DIR_INTERNAL_H
#define DIR_INTERNAL_H

#include <stdint.h>
#include <wasm_files.h>

#include "library/dir.h"

/* Neither the TEE nor this process should have to hold more */
#define DIR_BYTES_MAX	(512ul * 1024 * 1024)

struct dir_buffer {
	uint8_t *bytes;
	size_t size;
	size_t room;
};

/* What was there when a folder was packed */
struct dir_entry {
	char *path;		/* relative to its folder */
	uint32_t mount;
	uint8_t kind;		/* enum wasm_files_kind */
	uint32_t mode;		/* permission bits */
	bool seen;		/* it came back, as the same kind */
};

struct dir_set {
	const struct wasm_tee_dir *dirs;
	size_t count;
	wasm_tee_notice notice;
	struct dir_entry *entries;
	size_t entry_count;
	size_t entry_room;
	uint64_t records;
	struct dir_buffer out;
	struct dir_buffer back;
};

bool dir_append(struct dir_buffer *buffer, const void *bytes, size_t length);

/* Fills in @error from errno; always false, for the caller to return */
bool dir_fail(struct wasm_tee_error *error, const char *folder,
	      const char *path, const char *hint);

bool dir_is_utf8(const char *text);

/* Tells the user about what is at @path; bytes that are no text as \xNN */
void dir_notice(const struct dir_set *set, uint32_t mount, const char *path,
		const char *why);
/* ... that the program is not given it; true, for the rest to be packed */
bool dir_leave(const struct dir_set *set, uint32_t mount, const char *path,
	       const char *why);

/*
 * Whether a symbolic link at @path of a folder, to @target, leads to something
 * in that folder whatever other links there are that this is true of
 */
bool dir_stays_inside(const char *path, const char *target, size_t size);
/* ... and the one at @path, now that it is there, passes none that does not */
bool dir_leads_inside(int root, const char *path);

#endif /* DIR_INTERNAL_H */
