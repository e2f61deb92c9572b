/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module in private memory: measured, checked, relocated, executable.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasm_export.h>

#include "aot/aot_info.h"
#include "base/outcome.h"
#include "trust/manifest.h"

struct module {
	wasm_module_t wamr;	/* NULL: none was loaded yet */
	struct manifest manifest;
	struct aot_info info;
	uint8_t sha256[WASM_TA_SHA256_SIZE];	/* of the AOT */
	size_t aot_size;
	size_t size;				/* with the trailer */
	uint8_t trailer[sizeof(struct wasm_signed)];
};

/*
 * module_take() - copy and measure a signed AOT file; check and load it, if it is
 * the first one that loads, and else find that it is that one
 * @module: none yet, or the one that was loaded
 * @shared: the parameter, which may change at any time
 *
 * Signature, manifest and measurement come before a byte of the AOT is read.
 *
 * On failure @module is as it was, and @outcome says why.
 */
bool module_take(struct module *module, struct outcome *outcome,
		 const void *shared, size_t size);

/* To be called at the end: another one cannot be loaded after it */
void module_unload(struct module *module);

/* Whether an error of the runtime means that its heap is too small */
bool module_is_out_of_memory(const char *error);

#endif /* MODULE_H */
