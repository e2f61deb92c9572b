/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's output, streamed to the host app while the program runs.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>
#include <wasm_ring.h>

/* A host app that gives no sign of life for so long is taken for dead */
#define OUTPUT_DEADLINE_MS	20000

struct output {
	struct wasm_streams *streams;	/* shared: the host app may write it */
	uint8_t *data;			/* shared, size bytes */
	uint32_t size;
	uint32_t head;
	uint32_t heartbeat;		/* the last one seen ... */
	TEE_Time alive;			/* ... and when it was new */
};

/* Checks the area that the host app shares and starts the out ring */
TEE_Result output_open(struct output *output, void *shared, size_t size);

/* Tells the host app that no more will come */
void output_close(struct output *output);

/*
 * output_write() - append to the stream of @channel
 *
 * Waits while the ring is full. Returns TEE_SUCCESS when all is in the ring,
 * TEE_ERROR_CANCEL: the host app asks for the run to end,
 * TEE_ERROR_TARGET_DEAD: the host app is gone,
 * TEE_ERROR_CORRUPT_OBJECT: its index is not within the ring.
 */
TEE_Result output_write(struct output *output, uint16_t channel,
			const void *bytes, size_t length);

/* Sleeps for @millis, or less: fails as output_write() does */
TEE_Result output_wait(struct output *output, uint32_t millis);

#endif /* OUTPUT_H */
