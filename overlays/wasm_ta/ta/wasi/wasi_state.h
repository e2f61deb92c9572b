/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program has of the world outside.
 */
#ifndef WASI_STATE_H
#define WASI_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <tee_api_types.h>

#include "fs/fs.h"
#include "stream/input.h"
#include "stream/output.h"
#include "wasi/args.h"
#include "wasi/fd.h"

struct wasi {
	const struct args *args;
	struct output *output;
	struct input *input;
	struct fs fs;
	struct fd_table fds;
	bool exited;		/* the program called proc_exit ... */
	uint32_t exit_code;	/* ... with this */
	TEE_Result failure;	/* why the TA ended the run, if it did */
};

#endif /* WASI_STATE_H */
