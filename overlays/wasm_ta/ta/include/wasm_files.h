/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders on their way into the TA and back: a stream of records, in the in
 * ring before the program's standard input, and in the out ring on a channel of
 * its own.
 *
 *	mount, (folder | file | link)*, mount, ..., end
 *
 * A path is relative to the mount before it, in which a folder comes before
 * what is in it; no component is empty, "." or "..". After a record come the
 * bytes of its path, and then those of its contents.
 *
 * Back come the writable mounts alone, with "same" for each file that still is
 * what the host app sent under that name. Both sides check every byte.
 */
#ifndef WASM_FILES_H
#define WASM_FILES_H

#include <stdint.h>

enum wasm_files_kind {
	WASM_FILES_END = 1,	/* size: the number of records before it */
	WASM_FILES_MOUNT = 2,	/* path: in the program's tree, from its root */
	WASM_FILES_FOLDER = 3,
	WASM_FILES_FILE = 4,
	WASM_FILES_LINK = 5,	/* symbolic; contents: its target */
	WASM_FILES_SAME = 6,	/* to the host app only */
};

/* Bits of wasm_files_record.flags */
#define WASM_FILES_WRITABLE	0x1	/* mount: comes back after the run */

#define WASM_FILES_PATH_MAX	4095
#define WASM_FILES_NAME_MAX	255
#define WASM_FILES_MOUNTS_MAX	16

struct wasm_files_record {
	uint8_t kind;		/* enum wasm_files_kind */
	uint8_t flags;
	uint16_t path_size;	/* of the path, which has no NUL */
	uint32_t mount;		/* its number, from 0 */
	uint64_t size;		/* of the contents */
	uint64_t mtime;		/* ns since 1970 */
};

#endif /* WASM_FILES_H */
