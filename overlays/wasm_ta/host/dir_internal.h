/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packing and writing back have in common.
 */
#ifndef DIR_INTERNAL_H
#define DIR_INTERNAL_H

#include <stdint.h>
#include <wasm_files.h>

#include "dir.h"

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

#endif /* DIR_INTERNAL_H */
