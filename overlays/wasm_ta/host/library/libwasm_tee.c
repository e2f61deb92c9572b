// SPDX-License-Identifier: Apache-2.0
/*
 * The session with the runtime TA.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library/explain.h"
#include "library/keep.h"
#include "library/tee_internal.h"

bool tee_fail(struct wasm_tee_error *error, const char *what, TEEC_Result code,
	      uint32_t origin)
{
	error->code = code;
	error->origin = origin;
	snprintf(error->text, sizeof(error->text), "%s: %s (0x%08" PRIx32 ", from %s)",
		 what, explain_code(code), code, explain_origin(origin));
	error->hint = explain_hint(code, origin);
	return false;
}

bool tee_fail_session(struct wasm_tee *tee, struct wasm_tee_error *error,
		      const char *what, TEEC_Result code, uint32_t origin)
{
	tee->failed = true;
	return tee_fail(error, what, code, origin);
}

TEEC_Result tee_allocate(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			 size_t size, uint32_t flags)
{
	TEEC_Result res = TEEC_SUCCESS;

	memory->size = size;
	memory->flags = flags;
	res = TEEC_AllocateSharedMemory(&tee->context, memory);
	if (res != TEEC_SUCCESS)
		*memory = (TEEC_SharedMemory){ };
	return res;
}

/* libteec would close descriptor 0 for memory that is all zeroes */
void tee_release(TEEC_SharedMemory *memory)
{
	if (memory->buffer)
		TEEC_ReleaseSharedMemory(memory);
	*memory = (TEEC_SharedMemory){ };
}

static struct wasm_tee *open_context(struct wasm_tee_error *error)
{
	struct wasm_tee *tee = calloc(1, sizeof(*tee));
	TEEC_Result res = TEEC_ERROR_OUT_OF_MEMORY;

	if (!tee) {
		tee_fail(error, "cannot open a session", res, TEEC_ORIGIN_API);
		return NULL;
	}

	res = TEEC_InitializeContext(NULL, &tee->context);
	if (res != TEEC_SUCCESS) {
		tee_fail(error, "cannot reach the TEE", res, TEEC_ORIGIN_API);
		free(tee);
		return NULL;
	}

	tee->has_context = true;
	return tee;
}

static struct wasm_tee *opened(struct wasm_tee *tee, TEEC_Result res,
			       uint32_t origin, struct wasm_tee_error *error)
{
	if (res == TEEC_SUCCESS) {
		tee->has_session = true;
		return tee;
	}

	tee_fail(error, "cannot open a session with the runtime TA", res, origin);
	wasm_tee_close(tee);
	return NULL;
}

static struct wasm_tee *open_session(struct wasm_tee *tee,
				     struct wasm_tee_error *error)
{
	const TEEC_UUID uuid = WASM_TA_UUID;
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_OpenSession(&tee->context, &tee->session, &uuid,
					   TEEC_LOGIN_PUBLIC, NULL, NULL,
					   &origin);

	return opened(tee, res, origin, error);
}

struct wasm_tee *wasm_tee_open(struct wasm_tee_error *error)
{
	struct wasm_tee *tee = open_context(error);

	return tee ? open_session(tee, error) : NULL;
}

struct wasm_tee *wasm_tee_open_kept(unsigned int seconds, uint64_t key,
				    struct wasm_tee_error *error)
{
	struct wasm_tee *tee = open_context(error);
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_SUCCESS;

	if (!tee)
		return NULL;

	switch (keep_borrow(seconds, key, &tee->context, &tee->session,
			    &tee->lease, &res, &origin)) {
	case KEEP_BORROWED:
		tee->borrowed = true;
		tee->last = !seconds;
		return opened(tee, TEEC_SUCCESS, origin, error);
	case KEEP_FAILED:
		return opened(tee, res, origin, error);
	default:
		return open_session(tee, error);
	}
}

static uint64_t mix(uint64_t key, uint64_t word)
{
	key = (key ^ word) * 0x9e3779b97f4a7c15;
	return key ^ key >> 29;
}

uint64_t wasm_tee_key(const void *module, size_t size, uint64_t heap,
		      uint64_t stack)
{
	const uint8_t *bytes = module;
	uint64_t key = mix(mix(mix(0, size), heap), stack);
	uint64_t word = 0;
	size_t n = 0;

	for (n = 0; size - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, bytes + n, sizeof(word));
		key = mix(key, word);
	}
	word = 0;
	memcpy(&word, bytes + n, size - n);
	return mix(key, word) | 1;
}

void wasm_tee_close(struct wasm_tee *tee)
{
	if (!tee)
		return;

	tee_release(&tee->streams);
	if (tee->has_session && !tee->borrowed)
		TEEC_CloseSession(&tee->session);
	if (tee->has_context)
		TEEC_FinalizeContext(&tee->context);
	if (tee->borrowed)
		keep_return(tee->lease,
			    !tee->failed && !tee->modules && !tee->last);
	free(tee);
}

bool wasm_tee_configure_heap(struct wasm_tee *tee, uint64_t size,
			     struct wasm_tee_error *error)
{
	return wasm_tee_configure(tee, size, 0, error);
}

bool wasm_tee_configure(struct wasm_tee *tee, uint64_t size, uint64_t stack,
			struct wasm_tee_error *error)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_NONE,
					       TEEC_NONE, TEEC_NONE),
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_ERROR_BAD_PARAMETERS;

	if (stack && (stack < WASM_TA_STACK_MIN || stack > WASM_TA_STACK_MAX)) {
		tee_fail(error, "cannot configure the stack", res, origin);
		snprintf(error->text, sizeof(error->text),
			 "a stack of %" PRIu64 " bytes is not possible: it takes %d to %d",
			 stack, WASM_TA_STACK_MIN, WASM_TA_STACK_MAX);
		error->hint = "give another stack size, in bytes";
		return false;
	}
	if (size >= WASM_TA_HEAP_MIN && size <= WASM_TA_HEAP_MAX) {
		operation.params[0].value.a = size;
		operation.params[0].value.b = stack;
		res = TEEC_InvokeCommand(&tee->session,
					 WASM_TA_CMD_CONFIGURE_HEAP,
					 &operation, &origin);
	}
	if (res == TEEC_SUCCESS)
		return true;

	tee_fail(error, "cannot configure the heap", res, origin);
	if (res == TEEC_ERROR_BAD_PARAMETERS) {
		snprintf(error->text, sizeof(error->text),
			 "a heap of %" PRIu64 " bytes is not possible: it takes %d to %d",
			 size, WASM_TA_HEAP_MIN, WASM_TA_HEAP_MAX);
		error->hint = "give another heap size, in bytes";
	}
	return false;
}

void wasm_tee_stop(struct wasm_tee *tee)
{
	struct wasm_streams *streams =
		__atomic_load_n(&tee->running, __ATOMIC_ACQUIRE);

	if (streams)
		__atomic_store_n(&streams->stop, 1, __ATOMIC_RELEASE);
}
