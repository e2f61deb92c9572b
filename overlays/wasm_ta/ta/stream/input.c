// SPDX-License-Identifier: Apache-2.0
/*
 * Consumer of the in ring. The host app is not trusted: of the shared area only
 * in_head is read after input_open(), and a head outside the ring ends the run.
 */
#include "stream/input.h"

#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

/* The scheduler of the normal world does not sleep for less than its tick */
#define EMPTY_WAIT_MS	1

static uint32_t load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

/* What a program is told of its streams: nothing depends on it being true */
static void take_stdio(struct input *input, const struct wasm_streams *streams)
{
	size_t n = 0;

	memcpy(input->stdio_types, streams->stdio_types,
	       sizeof(input->stdio_types));
	memcpy(input->stdio_sizes, streams->stdio_sizes,
	       sizeof(input->stdio_sizes));
	for (n = 0; n < WASM_TA_STDIO_COUNT; n++)
		if (input->stdio_types[n] > WASM_TA_STDIO_FILE)
			input->stdio_types[n] = WASM_TA_STDIO_PIPE;
}

TEE_Result input_open(struct input *input, struct output *output, size_t size)
{
	struct wasm_streams *streams = output->streams;
	uint32_t in_size = load(&streams->in_size);

	*input = (struct input){ .output = output, .streams = streams };
	input->files_limit = load(&streams->files_limit);
	take_stdio(input, streams);
	if (!in_size)
		return TEE_SUCCESS;

	if (!IS_POWER_OF_TWO(in_size) || in_size < WASM_RING_MIN ||
	    in_size > WASM_RING_MAX ||
	    in_size > size - sizeof(*streams) - output->size)
		return TEE_ERROR_BAD_PARAMETERS;

	input->data = output->data + output->size;
	input->size = in_size;
	input->has_files = load(&streams->files);
	return TEE_SUCCESS;
}

bool input_has_files(const struct input *input)
{
	return input->has_files;
}

size_t input_files_limit(const struct input *input)
{
	return input->files_limit;
}

TEE_Result input_ready(struct input *input, uint32_t *bytes, bool *ended)
{
	*bytes = 0;
	*ended = true;
	if (!input->size)
		return TEE_SUCCESS;

	/* In this order: what came before the end is seen */
	*ended = load(&input->streams->in_head.closed);
	*bytes = load(&input->streams->in_head.index) - input->tail;
	if (*bytes > input->size)
		return TEE_ERROR_CORRUPT_OBJECT;

	if (!*bytes && !*ended)
		store(&input->streams->in_tail.wanted, 1);
	return TEE_SUCCESS;
}

TEE_Result input_read(struct input *input, void *bytes, uint32_t length,
		      uint32_t *done)
{
	uint32_t offset = input->tail & (input->size - 1);
	TEE_Result res = TEE_SUCCESS;
	uint32_t ready = 0;
	uint32_t first = 0;
	bool ended = false;

	*done = 0;
	while (true) {
		res = input_ready(input, &ready, &ended);
		if (res != TEE_SUCCESS)
			return res;
		if (ready || ended || !length)
			break;
		res = output_wait(input->output, EMPTY_WAIT_MS);
		if (res != TEE_SUCCESS)
			return res;
	}

	*done = MIN(length, ready);
	if (!*done)
		return TEE_SUCCESS;

	first = MIN(*done, input->size - offset);
	memcpy(bytes, input->data + offset, first);
	memcpy((uint8_t *)bytes + first, input->data, *done - first);
	input->tail += *done;
	store(&input->streams->in_tail.index, input->tail);
	return TEE_SUCCESS;
}
