/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI preview 1 of the runtime TA.
 */
#ifndef WASI_H
#define WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasi/wasi_state.h"

/* Makes the filesystem and the descriptors; false: no memory for them */
bool wasi_open(struct wasi *wasi);
/* Releases them; to be called also when they were never made */
void wasi_close(struct wasi *wasi);

/* Makes the functions known to the runtime, which has just started */
bool wasi_register(void);

/* Whose functions they are from now on: a TA runs one program at a time */
void wasi_select(struct wasi *wasi);

/*
 * wasi_signature() - the type of a function in WAMR's notation
 *
 * Names need not be NUL terminated. Returns NULL if there is no such function.
 */
const char *wasi_signature(const char *module, size_t module_length,
			   const char *name, size_t name_length);

/* What of WASI a function belongs to: a bit of WASM_SIGNED_WASI_*, or 0 */
uint32_t wasi_group(const char *name, size_t length);

#endif /* WASI_H */
