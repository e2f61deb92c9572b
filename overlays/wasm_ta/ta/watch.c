// SPDX-License-Identifier: Apache-2.0
/*
 * PTA_SYSTEM_WATCH: the OP-TEE core continues a looping program in longjmp().
 */
#include "watch.h"

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

static void watch(const struct output *output, struct pta_system_watch *watch)
{
	TEE_Result res = TEE_SUCCESS;

	watch->words = (vaddr_t)&output->streams->heartbeat;
	watch->alive_ms = OUTPUT_DEADLINE_MS;
	watch->grace_ms = GRACE_MS;

	/* Refused by another core than ours: programs run all the same */
	res = tee_watch(watch);
	if (res != TEE_SUCCESS)
		EMSG("a program that loops cannot be ended: %#"PRIx32, res);
}

void watch_run(const struct output *output)
{
	struct pta_system_watch whole = { };

	watch(output, &whole);
}

TEE_Result watch_call(struct output *output, const struct watch_code *code,
		      void (*function)(void *argument), void *argument)
{
	struct pta_system_watch leave = {
		.code = code->begin,
		.code_size = code->size,
		.handler = (vaddr_t)longjmp,
	};
	TEE_Result res = TEE_SUCCESS;
	jmp_buf end = { };

	leave.argument = (vaddr_t)end;
	if (!setjmp(end)) {
		watch(output, &leave);
		function(argument);
		watch_run(output);
		return TEE_SUCCESS;
	}

	watch_run(output);
	/* Either it asks for the end, or the core found it dead */
	res = output_wait(output, 0);
	return res == TEE_SUCCESS ? TEE_ERROR_TARGET_DEAD : res;
}
