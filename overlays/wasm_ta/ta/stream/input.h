/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host app sends while the program runs: files, then standard input.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>
#include <wasm_ta.h>

#include "stream/output.h"

struct input {
	struct output *output;		/* for its way to wait */
	struct wasm_streams *streams;	/* shared: the host app may write it */
	const uint8_t *data;		/* shared, size bytes */
	uint32_t size;			/* 0: there is no input */
	uint32_t tail;
	uint32_t files_limit;
	bool has_files;
	uint8_t stdio_types[WASM_TA_STDIO_COUNT];	/* enum wasm_ta_stdio */
	uint64_t stdio_sizes[WASM_TA_STDIO_COUNT];
};

/* After output_open(), of the same area; @size: of the area */
TEE_Result input_open(struct input *input, struct output *output, size_t size);

/* Whether files come first */
bool input_has_files(const struct input *input);

/* Most bytes of memory that files may take; 0: what the TEE has */
size_t input_files_limit(const struct input *input);

/* Bytes that can be read at once; *@ended: and no more will come */
TEE_Result input_ready(struct input *input, uint32_t *bytes, bool *ended);

/*
 * input_read() - take up to @length bytes, at least one
 *
 * Waits for them. *@done is 0 at the end of the input. Fails as output_write().
 */
TEE_Result input_read(struct input *input, void *bytes, uint32_t length,
		      uint32_t *done);

#endif /* INPUT_H */
