/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an AOT file's headers tell.
 */
#ifndef AOT_INFO_H
#define AOT_INFO_H

#include <stdbool.h>
#include <stdint.h>

struct aot_info {
	uint64_t memory_size;	/* bytes of linear memory at the start */
	uint64_t heap_needed;	/* estimate of the smallest heap to start with */
	uint32_t wasi;		/* what it imports: WASM_SIGNED_WASI_* */
	bool has_start;		/* exports a function _start of type () -> () */
	bool has_start_section;	/* runs a function when it is instantiated */
};

#endif /* AOT_INFO_H */
