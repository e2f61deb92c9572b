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

#include "aot.h"
#include "manifest.h"
#include "outcome.h"
#include "watch.h"

struct module {
	wasm_module_t wamr;
	struct manifest manifest;
	struct aot_info info;
	struct watch_code code;
	uint8_t sha256[WASM_TA_SHA256_SIZE];
};

/*
 * module_load() - copy, measure, check and load a signed AOT file
 * @module: filled in
 * @shared: the parameter, which may change at any time
 *
 * Signature, manifest and measurement come before a byte of the AOT is read.
 *
 * On failure there is nothing to unload, and @outcome says why.
 */
bool module_load(struct module *module, struct outcome *outcome,
		 const void *shared, size_t size);

void module_unload(struct module *module);

/* Whether an error of the runtime means that its heap is too small */
bool module_is_out_of_memory(const char *error);

#endif /* MODULE_H */
