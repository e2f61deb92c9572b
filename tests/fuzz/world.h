/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world around a program that fuzz_wasi.c runs: a host app that sends what
 * the input says and reads until it stops, and what is in secure storage.
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "cursor.h"
#include "fs/fs.h"
#include "stream/input.h"
#include "stream/output.h"
#include "wasi/fd.h"

struct world {
	struct wasm_streams *streams;
	struct output output;
	struct input input;
	bool storage_filled;	/* by the input, not by the TA */
	bool storage_failed;	/* in this run */
};

/* Connects the streams: false if the TA does not take them */
bool world_open(struct world *world, struct cursor *c);
void world_close(struct world *world);

/* The host app does something that it should not */
void world_disturb(struct world *world, struct cursor *c);

/* Something or other to find in secure storage */
void world_fill_storage(struct world *world, struct cursor *c);

/* Aborts unless names, counts and parents of the filesystem fit together */
void world_check_tree(const struct world *world, struct fs *fs);
/* ... or unless what is open is there, also without a name */
void world_check_descriptors(struct fd_table *fds);

#endif /* WORLD_H */
