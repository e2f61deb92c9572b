// SPDX-License-Identifier: Apache-2.0
/*
 * Modules that stay loaded, and calls of their functions by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library/tee_internal.h"

struct wasm_tee_module {
	struct wasm_tee *tee;
	uint32_t handle;
};

/* A module that the TA refused: no error of the TEE, but one of the caller's */
static void refused(struct wasm_tee_error *error,
		    const struct wasm_ta_result *result)
{
	error->code = TEEC_SUCCESS;
	error->origin = TEEC_ORIGIN_TRUSTED_APP;
	snprintf(error->text, sizeof(error->text), "the TA refused the module: %.160s",
		 result->message);
	error->hint = wasm_tee_hint(result);
}

struct wasm_tee_module *wasm_tee_load(struct wasm_tee *tee, const void *module,
				      size_t size,
				      struct wasm_ta_result *result,
				      struct wasm_tee_error *error)
{
	struct wasm_tee_module *loaded = calloc(1, sizeof(*loaded));
	struct wasm_ta_result unused = { };
	TEEC_SharedMemory file = { };
	TEEC_SharedMemory shared = { };
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_WHOLE,
					       TEEC_VALUE_OUTPUT,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE),
	};
	const struct tee_flow nothing = { };
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_ERROR_OUT_OF_MEMORY;

	result = result ? result : &unused;
	memset(result, 0, sizeof(*result));
	if (loaded)
		res = tee_make_module(tee, &file, module, size);
	if (res == TEEC_SUCCESS)
		res = tee_allocate(tee, &shared, sizeof(*result), TEEC_MEM_OUTPUT);
	if (res == TEEC_SUCCESS) {
		operation.params[0].memref.parent = &file;
		operation.params[3].memref.parent = &shared;
		res = tee_invoke(tee, WASM_TA_CMD_LOAD, &operation, &nothing,
				 &origin);
	}
	if (res == TEEC_SUCCESS) {
		memcpy(result, shared.buffer, sizeof(*result));
		res = tee_take_result(tee, result, &origin);
	}
	tee_release(&shared);
	tee_release(&file);

	if (res == TEEC_SUCCESS && result->outcome == WASM_TA_LOADED) {
		loaded->tee = tee;
		loaded->handle = operation.params[1].value.a;
		tee->modules++;
		return loaded;
	}

	if (res == TEEC_SUCCESS)
		refused(error, result);
	else
		tee_fail_session(tee, error, "the TEE did not load the module", res,
			     origin);
	free(loaded);
	return NULL;
}

bool wasm_tee_run_loaded(struct wasm_tee_module *module,
			 const struct wasm_tee_program *program,
			 struct wasm_ta_result *result,
			 struct wasm_tee_error *error)
{
	return tee_run(module->tee, NULL, module->handle, program, result,
		       error);
}

static TEEC_Result make_calls(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			      const struct wasm_tee_call *calls, size_t count)
{
	struct wasm_ta_call *request = NULL;
	TEEC_Result res = TEEC_ERROR_EXCESS_DATA;
	size_t n = 0;

	for (n = 0; n < count; n++)
		if (calls[n].argc > WASM_TA_CALL_VALUES ||
		    strlen(calls[n].name) >= sizeof(request->name))
			return res;

	res = tee_allocate(tee, memory, count * sizeof(*request), TEEC_MEM_INPUT);
	if (res != TEEC_SUCCESS)
		return res;

	request = memory->buffer;
	memset(request, 0, count * sizeof(*request));
	for (n = 0; n < count; n++, request++, calls++) {
		request->version = WASM_TA_VERSION;
		request->flags = calls->keep ? WASM_TA_CALL_KEEP : 0;
		request->argc = calls->argc;
		strcpy(request->name, calls->name);
		if (calls->argc)
			memcpy(request->args, calls->args,
			       calls->argc * sizeof(*calls->args));
	}
	return TEEC_SUCCESS;
}

/* Copies what the TA made of each call */
static TEEC_Result take_returned(struct wasm_tee *tee,
				 struct wasm_ta_returned *returned,
				 size_t count, const TEEC_SharedMemory *memory,
				 uint32_t *origin)
{
	TEEC_Result res = TEEC_SUCCESS;
	size_t n = 0;

	memcpy(returned, memory->buffer, count * sizeof(*returned));
	for (n = 0; n < count && res == TEEC_SUCCESS; n++) {
		res = tee_take_result(tee, &returned[n].result, origin);
		if (returned[n].count > WASM_TA_CALL_VALUES)
			res = TEEC_ERROR_BAD_FORMAT;
	}
	return res;
}

bool wasm_tee_call_all(struct wasm_tee_module *module,
		       const struct wasm_tee_call *calls, size_t count,
		       struct wasm_ta_returned *returned,
		       struct wasm_tee_error *error)
{
	struct wasm_tee *tee = module->tee;
	struct tee_flow flow = { };
	TEEC_SharedMemory request = { };
	TEEC_SharedMemory shared = { };
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE),
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_ERROR_EXCESS_DATA;

	if (count && count <= WASM_TA_CALLS_MAX) {
		memset(returned, 0, count * sizeof(*returned));
		flow.output = calls->output;
		flow.context = calls->context;
		res = make_calls(tee, &request, calls, count);
	}
	if (res == TEEC_SUCCESS)
		res = tee_allocate(tee, &shared, count * sizeof(*returned),
			       TEEC_MEM_OUTPUT);
	if (res == TEEC_SUCCESS) {
		operation.params[0].value.a = module->handle;
		operation.params[1].memref.parent = &request;
		operation.params[3].memref.parent = &shared;
		res = tee_invoke(tee, WASM_TA_CMD_CALL, &operation, &flow,
			     &origin);
	}
	if (res == TEEC_SUCCESS)
		res = take_returned(tee, returned, count, &shared, &origin);
	tee_release(&shared);
	tee_release(&request);
	if (res == TEEC_SUCCESS)
		return true;

	return tee_fail_session(tee, error, "the TEE did not call the function",
			    res, origin);
}

bool wasm_tee_call(struct wasm_tee_module *module,
		   const struct wasm_tee_call *call,
		   struct wasm_ta_returned *returned,
		   struct wasm_tee_error *error)
{
	return wasm_tee_call_all(module, call, 1, returned, error);
}

void wasm_tee_unload(struct wasm_tee_module *module)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_NONE,
					       TEEC_NONE, TEEC_NONE),
	};

	if (!module)
		return;

	operation.params[0].value.a = module->handle;
	TEEC_InvokeCommand(&module->tee->session, WASM_TA_CMD_UNLOAD,
			   &operation, NULL);
	module->tee->modules--;
	free(module);
}
