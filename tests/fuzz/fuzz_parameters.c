// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments and streams, which the normal world passes in memory that it shares:
 * any bytes there, and other ones in the ring whenever the TA has looked.
 */
#include <stdlib.h>
#include <string.h>
#include <wasm_ta.h>

#include "stream/output.h"
#include "wasi/args.h"

static void take_args(const uint8_t *data, size_t size)
{
	struct args args = { };
	uint32_t n = 0;
	const char *text = NULL;
	size_t total = 0;

	if (args_copy(&args, data, size) == TEE_SUCCESS) {
		for (n = 0, text = args.argv; n < args.argc; n++)
			text += strlen(text) + 1;
		for (n = 0; n < args.envc; n++)
			text += strlen(text) + 1;
		total = text - args.argv;
		if (total != (size_t)args.argv_size + args.environ_size)
			abort();
	}
	args_free(&args);
}

static void write_output(uint8_t *area, size_t size, const uint8_t *data,
			 size_t length)
{
	struct wasm_streams *streams = (struct wasm_streams *)area;
	static const uint8_t bytes[8192];
	struct output output = { };
	size_t n = 0;

	if (output_open(&output, area, size) != TEE_SUCCESS)
		return;

	for (n = 0; n + 4 <= length; n += 4) {
		uint32_t word = 0;

		memcpy(&word, data + n, sizeof(word));
		/* The host app moves its index, or anything else, as it likes */
		if (word & 1)
			streams->out_tail.index = output.head - (word >> 1) %
						  (2 * output.size);
		else
			memcpy(area + (word >> 1) % (size - 4), &word, 4);
		if (output_write(&output, 1, bytes, word % sizeof(bytes)) !=
		    TEE_SUCCESS)
			break;
	}
	output_close(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t area_size = sizeof(struct wasm_streams) + WASM_RING_MIN;
	struct wasm_streams *streams = NULL;
	uint8_t *area = NULL;

	if (size < 4)
		return 0;
	if (data[0] & 1) {
		area = malloc(size - 1);
		memcpy(area, data + 1, size - 1);
		take_args(area, size - 1);
		free(area);
		return 0;
	}

	area = aligned_alloc(64, area_size);
	memset(area, 0, area_size);
	if (data[0] & 2) {
		memcpy(area, data + 4, size - 4 < area_size ? size - 4 :
							      area_size);
	} else {
		streams = (struct wasm_streams *)area;
		streams->magic = WASM_STREAMS_MAGIC;
		streams->version = WASM_STREAMS_VERSION;
		streams->out_size = WASM_RING_MIN;
	}
	write_output(area, area_size, data + 4, size - 4);
	free(area);
	return 0;
}
