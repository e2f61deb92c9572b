/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be known of an AOT file before the runtime gets to see it.
 */
#ifndef AOT_H
#define AOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aot_info {
	uint64_t memory_size;	/* bytes of linear memory at the start */
	uint64_t heap_needed;	/* estimate of the smallest heap to start with */
	uint32_t wasi;		/* what it imports: WASM_SIGNED_WASI_* */
	bool has_start;		/* exports a function _start of type () -> () */
	bool has_start_section;	/* runs a function when it is instantiated */
};

/*
 * aot_check() - read an AOT file's headers, and refuse what cannot run
 * @file: private copy of the file, 8 byte aligned
 * @info: filled in on success
 * @message: on refusal, one sentence that says why
 *
 * Reads no byte outside the file, whatever it contains. A file that passes is
 * well-formed up to its imports and exports, and imports nothing but functions
 * that the TA offers, in the type that they have.
 */
bool aot_check(const uint8_t *file, size_t size, struct aot_info *info,
	       char *message, size_t message_size);

#endif /* AOT_H */
