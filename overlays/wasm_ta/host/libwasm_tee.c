// SPDX-License-Identifier: Apache-2.0
/*
 * The session with the runtime TA, and the shared memory of a run.
 */
#include "libwasm_tee.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

#include "drain.h"
#include "explain.h"

/* Large enough to hide the time that either side sleeps */
#define OUT_RING_SIZE	(256 * 1024)

struct wasm_tee {
	TEEC_Context context;
	TEEC_Session session;
	bool has_context;
	bool has_session;
	/* Of the current run, for wasm_tee_stop() */
	struct wasm_streams *streams;
};

struct run_memory {
	TEEC_SharedMemory module;
	TEEC_SharedMemory args;
	TEEC_SharedMemory streams;
	TEEC_SharedMemory result;
};

static bool fail(struct wasm_tee_error *error, const char *what,
		 TEEC_Result code, uint32_t origin)
{
	error->code = code;
	error->origin = origin;
	snprintf(error->text, sizeof(error->text), "%s: %s (0x%08" PRIx32 ", from %s)",
		 what, explain_code(code), code, explain_origin(origin));
	error->hint = explain_hint(code, origin);
	return false;
}

struct wasm_tee *wasm_tee_open(struct wasm_tee_error *error)
{
	const TEEC_UUID uuid = WASM_TA_UUID;
	uint32_t origin = TEEC_ORIGIN_API;
	struct wasm_tee *tee = calloc(1, sizeof(*tee));
	TEEC_Result res = TEEC_ERROR_OUT_OF_MEMORY;

	if (!tee) {
		fail(error, "cannot open a session", res, origin);
		return NULL;
	}

	res = TEEC_InitializeContext(NULL, &tee->context);
	if (res != TEEC_SUCCESS) {
		fail(error, "cannot reach the TEE", res, origin);
		goto err;
	}
	tee->has_context = true;

	res = TEEC_OpenSession(&tee->context, &tee->session, &uuid,
			       TEEC_LOGIN_PUBLIC, NULL, NULL, &origin);
	if (res != TEEC_SUCCESS) {
		fail(error, "cannot open a session with the runtime TA", res,
		     origin);
		goto err;
	}
	tee->has_session = true;

	return tee;
err:
	wasm_tee_close(tee);
	return NULL;
}

void wasm_tee_close(struct wasm_tee *tee)
{
	if (!tee)
		return;

	if (tee->has_session)
		TEEC_CloseSession(&tee->session);
	if (tee->has_context)
		TEEC_FinalizeContext(&tee->context);
	free(tee);
}

bool wasm_tee_configure_heap(struct wasm_tee *tee, uint64_t size,
			     struct wasm_tee_error *error)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_NONE,
					       TEEC_NONE, TEEC_NONE),
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_ERROR_BAD_PARAMETERS;

	if (size >= WASM_TA_HEAP_MIN && size <= WASM_TA_HEAP_MAX) {
		operation.params[0].value.a = size;
		res = TEEC_InvokeCommand(&tee->session,
					 WASM_TA_CMD_CONFIGURE_HEAP,
					 &operation, &origin);
	}
	if (res == TEEC_SUCCESS)
		return true;

	fail(error, "cannot configure the heap", res, origin);
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
		__atomic_load_n(&tee->streams, __ATOMIC_ACQUIRE);

	if (streams)
		__atomic_store_n(&streams->stop, 1, __ATOMIC_RELEASE);
}

static TEEC_Result allocate(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			    size_t size, uint32_t flags)
{
	memory->size = size;
	memory->flags = flags;
	return TEEC_AllocateSharedMemory(&tee->context, memory);
}

/* The strings of a NULL terminated list: how many, and their size with NULs */
static size_t measure_strings(const char *const *strings, uint32_t *count)
{
	size_t size = 0;

	for (*count = 0; strings && strings[*count]; (*count)++)
		size += strlen(strings[*count]) + 1;

	return size;
}

static char *append_strings(char *target, const char *const *strings)
{
	for (; strings && *strings; strings++)
		target = stpcpy(target, *strings) + 1;

	return target;
}

static TEEC_Result make_args(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			     const struct wasm_tee_program *program)
{
	struct wasm_ta_args *args = NULL;
	uint32_t argc = 0;
	uint32_t envc = 0;
	size_t size = measure_strings(program->argv, &argc) +
		      measure_strings(program->environ, &envc);
	TEEC_Result res = TEEC_SUCCESS;

	if (size > WASM_TA_ARGS_MAX - sizeof(*args))
		return TEEC_ERROR_EXCESS_DATA;

	res = allocate(tee, memory, sizeof(*args) + size, TEEC_MEM_INPUT);
	if (res != TEEC_SUCCESS)
		return res;

	args = memory->buffer;
	args->version = WASM_TA_VERSION;
	args->argc = argc;
	args->envc = envc;
	args->size = size;
	append_strings(append_strings(args->strings, program->argv),
		       program->environ);
	return TEEC_SUCCESS;
}

static TEEC_Result make_memory(struct wasm_tee *tee, struct run_memory *memory,
			       const struct wasm_tee_program *program)
{
	TEEC_Result res = TEEC_SUCCESS;

	res = allocate(tee, &memory->module, program->module_size,
		       TEEC_MEM_INPUT);
	if (res != TEEC_SUCCESS)
		return res;
	memcpy(memory->module.buffer, program->module, program->module_size);

	res = make_args(tee, &memory->args, program);
	if (res != TEEC_SUCCESS)
		return res;

	res = allocate(tee, &memory->streams,
		       sizeof(struct wasm_streams) + OUT_RING_SIZE,
		       TEEC_MEM_INPUT | TEEC_MEM_OUTPUT);
	if (res != TEEC_SUCCESS)
		return res;

	return allocate(tee, &memory->result, sizeof(struct wasm_ta_result),
			TEEC_MEM_OUTPUT);
}

static void release_memory(struct run_memory *memory)
{
	TEEC_ReleaseSharedMemory(&memory->result);
	TEEC_ReleaseSharedMemory(&memory->streams);
	TEEC_ReleaseSharedMemory(&memory->args);
	TEEC_ReleaseSharedMemory(&memory->module);
}

static TEEC_Result invoke(struct wasm_tee *tee, struct run_memory *memory,
			  uint32_t *origin)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE),
	};

	operation.params[0].memref.parent = &memory->module;
	operation.params[1].memref.parent = &memory->args;
	operation.params[2].memref.parent = &memory->streams;
	operation.params[3].memref.parent = &memory->result;
	return TEEC_InvokeCommand(&tee->session, WASM_TA_CMD_RUN, &operation,
				  origin);
}

bool wasm_tee_run(struct wasm_tee *tee, const struct wasm_tee_program *program,
		  struct wasm_ta_result *result, struct wasm_tee_error *error)
{
	const struct wasm_ta_result *shared = NULL;
	struct run_memory memory = { };
	struct drain *drain = NULL;
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_SUCCESS;

	memset(result, 0, sizeof(*result));
	res = make_memory(tee, &memory, program);
	if (res != TEEC_SUCCESS)
		goto out;

	drain = drain_start(memory.streams.buffer, OUT_RING_SIZE,
			    program->output, program->context);
	if (!drain) {
		res = TEEC_ERROR_OUT_OF_MEMORY;
		goto out;
	}
	__atomic_store_n(&tee->streams, memory.streams.buffer,
			 __ATOMIC_RELEASE);

	res = invoke(tee, &memory, &origin);

	__atomic_store_n(&tee->streams, NULL, __ATOMIC_RELEASE);
	drain_finish(drain);

	if (res == TEEC_SUCCESS) {
		shared = memory.result.buffer;
		*result = *shared;
		result->message[sizeof(result->message) - 1] = '\0';
		if (result->version != WASM_TA_VERSION) {
			res = TEEC_ERROR_BAD_FORMAT;
			origin = TEEC_ORIGIN_TRUSTED_APP;
		}
	}
out:
	release_memory(&memory);
	if (res == TEEC_SUCCESS)
		return true;

	return fail(error, "the TEE did not run the module", res, origin);
}
