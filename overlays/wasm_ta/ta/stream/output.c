// SPDX-License-Identifier: Apache-2.0
/*
 * Producer of the out ring. The host app is not trusted: of the shared area
 * only out_tail, heartbeat and stop are ever read after output_open(), each
 * once per look, and a tail outside the ring ends the run.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "stream/output.h"

/* The scheduler of the normal world does not sleep for less than its tick */
#define FULL_WAIT_MS	1

static uint32_t load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

TEE_Result output_open(struct output *output, void *shared, size_t size)
{
	struct wasm_streams *streams = shared;
	uint32_t out_size = 0;

	*output = (struct output){ };
	if (size < sizeof(*streams) || !IS_ALIGNED_WITH_TYPE(shared, uint64_t))
		return TEE_ERROR_BAD_PARAMETERS;

	if (load(&streams->magic) != WASM_STREAMS_MAGIC ||
	    load(&streams->version) != WASM_STREAMS_VERSION)
		return TEE_ERROR_BAD_PARAMETERS;

	out_size = load(&streams->out_size);
	if (!IS_POWER_OF_TWO(out_size) || out_size < WASM_RING_MIN ||
	    out_size > WASM_RING_MAX || out_size > size - sizeof(*streams))
		return TEE_ERROR_BAD_PARAMETERS;

	output->streams = streams;
	output->data = (uint8_t *)(streams + 1);
	output->size = out_size;
	output->heartbeat = load(&streams->heartbeat);
	TEE_GetSystemTime(&output->alive);
	store(&streams->out_head.index, 0);
	store(&streams->out_head.closed, 0);
	return TEE_SUCCESS;
}

void output_close(struct output *output)
{
	if (output->streams)
		store(&output->streams->out_head.closed, 1);
	*output = (struct output){ };
}

static TEE_Result check_host(struct output *output)
{
	uint32_t heartbeat = load(&output->streams->heartbeat);
	TEE_Time now = { };

	if (load(&output->streams->stop))
		return TEE_ERROR_CANCEL;

	TEE_GetSystemTime(&now);
	if (heartbeat != output->heartbeat) {
		output->heartbeat = heartbeat;
		output->alive = now;
		return TEE_SUCCESS;
	}

	if ((int64_t)(now.seconds - output->alive.seconds) * 1000 +
	    (int64_t)now.millis - output->alive.millis > OUTPUT_DEADLINE_MS)
		return TEE_ERROR_TARGET_DEAD;

	return TEE_SUCCESS;
}

TEE_Result output_wait(struct output *output, uint32_t millis)
{
	TEE_Result res = check_host(output);

	if (res != TEE_SUCCESS || !millis)
		return res;

	if (TEE_Wait(millis) == TEE_ERROR_CANCEL)
		return TEE_ERROR_CANCEL;

	return TEE_SUCCESS;
}

/* Puts bytes at the head, which the caller knows to be free */
static void put(struct output *output, const void *bytes, uint32_t length)
{
	uint32_t offset = output->head & (output->size - 1);
	uint32_t first = MIN(length, output->size - offset);

	memcpy(output->data + offset, bytes, first);
	memcpy(output->data, (const uint8_t *)bytes + first, length - first);
	output->head += length;
}

static TEE_Result wait_for_space(struct output *output, uint32_t space)
{
	TEE_Result res = TEE_SUCCESS;

	while (true) {
		uint32_t used = output->head -
				load(&output->streams->out_tail.index);

		if (used > output->size)
			return TEE_ERROR_CORRUPT_OBJECT;
		if (output->size - used >= space)
			return TEE_SUCCESS;

		res = output_wait(output, FULL_WAIT_MS);
		if (res != TEE_SUCCESS)
			return res;
	}
}

static TEE_Result put_frame(struct output *output, uint16_t channel,
			    const uint8_t *bytes, uint32_t length)
{
	struct wasm_frame frame = { .channel = channel, .length = length };
	uint32_t space = WASM_FRAME_SPACE(length);
	uint32_t begin = output->head;
	TEE_Result res = TEE_SUCCESS;

	res = wait_for_space(output, space);
	if (res != TEE_SUCCESS)
		return res;

	put(output, &frame, sizeof(frame));
	put(output, bytes, length);
	output->head = begin + space;
	store(&output->streams->out_head.index, output->head);
	return TEE_SUCCESS;
}

TEE_Result output_write(struct output *output, uint16_t channel,
			const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	TEE_Result res = TEE_SUCCESS;

	if (load(&output->streams->stop))
		return TEE_ERROR_CANCEL;

	while (length) {
		/* Frames of a quarter keep both sides busy */
		uint32_t part = MIN(length, (size_t)output->size / 4);

		res = put_frame(output, channel, next, part);
		if (res != TEE_SUCCESS)
			return res;
		next += part;
		length -= part;
	}

	return TEE_SUCCESS;
}
