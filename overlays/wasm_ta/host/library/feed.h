/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producer of the in ring: folders first, then the program's standard input.
 */
#ifndef FEED_H
#define FEED_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_ring.h>

struct feed;

struct feed_source {
	const void *files;	/* see wasm_files.h */
	size_t files_size;	/* 0: none */
	int input;		/* descriptor to read from; -1: end of file */
};

/*
 * Starts the thread, after drain_start() has initialised @streams. The ring of
 * @size bytes follows that of out. Returns NULL on failure.
 */
struct feed *feed_start(struct wasm_streams *streams, uint32_t size,
			const struct feed_source *source);

/* Ends the thread, whatever is left, after the TA returned */
void feed_finish(struct feed *feed);

#endif /* FEED_H */
