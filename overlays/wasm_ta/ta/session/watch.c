// SPDX-License-Identifier: Apache-2.0
/*
 * PTA_SYSTEM_WATCH: the OP-TEE core continues a looping program in longjmp().
 */
#include "session/watch.h"

#include <assert.h>
#include <inttypes.h>
#include <pta_system.h>
#include <setjmp.h>
#include <stddef.h>
#include <tee_internal_api_extensions.h>
#include <trace.h>

/* A native may wait for the host app, a mutated program may do anything */
#define GRACE_MS	2000

static_assert(offsetof(struct wasm_streams, stop) ==
	      offsetof(struct wasm_streams, heartbeat) +
	      offsetof(struct pta_system_watch_words, stop));

/* AOT code executes within watch_call(), which has filled it in */
static jmp_buf end;

void watch_begin(void)
{
	static bool begun;
	struct pta_system_watch watch = {
		.param = WATCH_PARAM,
		.offs = offsetof(struct wasm_streams, heartbeat),
		.handler = (vaddr_t)longjmp,
		.argument = (vaddr_t)end,
		.alive_ms = OUTPUT_DEADLINE_MS,
		.grace_ms = GRACE_MS,
	};
	TEE_Result res = TEE_SUCCESS;

	if (begun)
		return;

	/* Refused by another core than ours: programs run all the same */
	res = tee_watch(&watch);
	begun = res == TEE_SUCCESS;
	if (!begun)
		EMSG("a program that loops cannot be ended: %#"PRIx32, res);
}

TEE_Result watch_call(struct output *output, void (*function)(void *argument),
		      void *argument)
{
	TEE_Result res = TEE_SUCCESS;

	if (!setjmp(end)) {
		function(argument);
		return TEE_SUCCESS;
	}

	/* Either it asks for the end, or the core found it dead */
	res = output_wait(output, 0);
	return res == TEE_SUCCESS ? TEE_ERROR_TARGET_DEAD : res;
}
