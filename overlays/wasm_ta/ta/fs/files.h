/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders of the host: into the filesystem before a run, and back after it.
 */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>
#include <wasm_files.h>

#include "fs/fs.h"
#include "stream/input.h"
#include "stream/output.h"

struct files {
	uint32_t count;			/* of mounts */
	struct {
		struct fs_node *node;
		uint32_t flags;
	} mounts[WASM_FILES_MOUNTS_MAX];
	char *path;			/* a block, kept from the beginning ... */
	void *bounce;			/* ... and another one */
};

/* What an error of the filesystem is for whoever moves files */
TEE_Result files_result(uint32_t err);

/*
 * files_receive() - take what the host app sends, if anything
 *
 * Returns TEE_ERROR_OUT_OF_MEMORY: there is no room for it,
 * TEE_ERROR_BAD_FORMAT: it is not well-formed; or fails as output_write().
 */
TEE_Result files_receive(struct files *files, struct fs *fs,
			 struct input *input);

/* Sends the writable mounts back. Fails as output_write(), or a path is too long */
TEE_Result files_send(const struct files *files, struct fs *fs,
		      struct output *output);

#endif /* FILES_H */
