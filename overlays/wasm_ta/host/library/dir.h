/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders of the host: packed for the TA before a run, and made to be what the
 * program left behind after it. See wasm_files.h.
 */
#ifndef DIR_H
#define DIR_H

#include <libwasm_tee.h>
#include <stdbool.h>
#include <stddef.h>

struct dir_set;

/*
 * Packs folders; @notice, if it is not NULL, is told what stays behind. Returns
 * NULL with @error filled in if it is not possible.
 */
struct dir_set *dir_pack(const struct wasm_tee_dir *dirs, size_t count,
			 wasm_tee_notice notice, struct wasm_tee_error *error);

/* What was packed */
const void *dir_bytes(const struct dir_set *set, size_t *size);

/* Takes what comes back; false: it is more than can be */
bool dir_take(struct dir_set *set, const void *bytes, size_t length);

/*
 * Writes what came back into the writable folders, and never out of them.
 * Nothing is touched unless all of it is well-formed.
 */
bool dir_write_back(struct dir_set *set, struct wasm_tee_error *error);

void dir_free(struct dir_set *set);

#endif /* DIR_H */
