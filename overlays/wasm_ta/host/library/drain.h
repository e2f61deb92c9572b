/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer of the out ring: takes the program's output while the TA runs it.
 */
#ifndef DRAIN_H
#define DRAIN_H

#include <libwasm_tee.h>
#include <wasm_ring.h>

#include "library/dir.h"

struct drain;

/*
 * Initialises @streams, whose out ring of @size bytes follows it, and starts
 * the threads. @dirs takes the files that come back; it may be NULL. Returns
 * NULL on failure.
 */
struct drain *drain_start(struct wasm_streams *streams, uint32_t size,
			  wasm_tee_output output, void *context,
			  struct dir_set *dirs);

/* Takes what is left, after the TA returned, and ends the threads */
void drain_finish(struct drain *drain);

#endif /* DRAIN_H */
