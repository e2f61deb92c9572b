// SPDX-License-Identifier: Apache-2.0
/*
 * The session with the runtime TA, and its commands.
 */
#include "libwasm_tee.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

#include "dir.h"
#include "drain.h"
#include "explain.h"
#include "feed.h"
#include "keep.h"

/* Large enough to hide the time that either side sleeps */
#define OUT_RING_SIZE	(256 * 1024)
#define IN_RING_SIZE	(256 * 1024)

struct wasm_tee {
	TEEC_Context context;
	TEEC_Session session;
	bool has_context;
	bool has_session;
	/* A session that is kept is borrowed, and returned if nothing failed */
	bool borrowed;
	bool last;			/* nobody is to borrow it after us */
	bool failed;
	int lease;
	uint32_t modules;		/* that are loaded */
	/* Made for the first run, and kept for those that follow */
	TEEC_SharedMemory streams;
	/* Of the current run, for wasm_tee_stop() */
	struct wasm_streams *running;
};

struct wasm_tee_module {
	struct wasm_tee *tee;
	uint32_t handle;
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

/* Nobody else is to get a session in which this happened */
static bool fail_session(struct wasm_tee *tee, struct wasm_tee_error *error,
			 const char *what, TEEC_Result code, uint32_t origin)
{
	tee->failed = true;
	return fail(error, what, code, origin);
}

static struct wasm_tee *open_context(struct wasm_tee_error *error)
{
	struct wasm_tee *tee = calloc(1, sizeof(*tee));
	TEEC_Result res = TEEC_ERROR_OUT_OF_MEMORY;

	if (!tee) {
		fail(error, "cannot open a session", res, TEEC_ORIGIN_API);
		return NULL;
	}

	res = TEEC_InitializeContext(NULL, &tee->context);
	if (res != TEEC_SUCCESS) {
		fail(error, "cannot reach the TEE", res, TEEC_ORIGIN_API);
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

	fail(error, "cannot open a session with the runtime TA", res, origin);
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

struct wasm_tee *wasm_tee_open_kept(unsigned int seconds,
				    struct wasm_tee_error *error)
{
	struct wasm_tee *tee = open_context(error);
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_SUCCESS;

	if (!tee)
		return NULL;

	switch (keep_borrow(seconds, &tee->context, &tee->session, &tee->lease,
			    &res, &origin)) {
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

void wasm_tee_close(struct wasm_tee *tee)
{
	if (!tee)
		return;

	if (tee->streams.buffer)
		TEEC_ReleaseSharedMemory(&tee->streams);
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
		__atomic_load_n(&tee->running, __ATOMIC_ACQUIRE);

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

static TEEC_Result make_module(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			       const void *module, size_t size)
{
	TEEC_Result res = TEEC_ERROR_BAD_PARAMETERS;

	if (!size || size > WASM_TA_MODULE_MAX)
		return res;

	res = allocate(tee, memory, size, TEEC_MEM_INPUT);
	if (res == TEEC_SUCCESS)
		memcpy(memory->buffer, module, size);
	return res;
}

static TEEC_Result have_streams(struct wasm_tee *tee)
{
	if (tee->streams.buffer)
		return TEEC_SUCCESS;

	return allocate(tee, &tee->streams,
			sizeof(struct wasm_streams) + OUT_RING_SIZE +
			IN_RING_SIZE,
			TEEC_MEM_INPUT | TEEC_MEM_OUTPUT);
}

/* What flows while a command is in the TEE */
struct flow {
	wasm_tee_output output;
	void *context;		/* of output */
	struct dir_set *dirs;	/* NULL: none */
	const int *input;	/* NULL: none */
	uint32_t files_limit;
};

static struct feed *start_feed(struct wasm_streams *streams,
			       const struct flow *flow)
{
	struct feed_source source = { .input = flow->input ? *flow->input : -1 };

	if (flow->dirs)
		source.files = dir_bytes(flow->dirs, &source.files_size);
	streams->files_limit = flow->files_limit;
	return feed_start(streams, IN_RING_SIZE, &source);
}

/* Invokes a command whose third parameter is the streams, which then flow */
static TEEC_Result invoke(struct wasm_tee *tee, uint32_t command,
			  TEEC_Operation *operation, const struct flow *flow,
			  uint32_t *origin)
{
	TEEC_Result res = have_streams(tee);
	struct drain *drain = NULL;
	struct feed *feed = NULL;

	if (res != TEEC_SUCCESS)
		return res;

	drain = drain_start(tee->streams.buffer, OUT_RING_SIZE, flow->output,
			    flow->context, flow->dirs);
	if (!drain)
		return TEEC_ERROR_OUT_OF_MEMORY;
	feed = start_feed(tee->streams.buffer, flow);
	if (!feed) {
		drain_finish(drain);
		return TEEC_ERROR_OUT_OF_MEMORY;
	}

	operation->params[2].memref.parent = &tee->streams;
	__atomic_store_n(&tee->running, tee->streams.buffer, __ATOMIC_RELEASE);
	res = TEEC_InvokeCommand(&tee->session, command, operation, origin);
	__atomic_store_n(&tee->running, NULL, __ATOMIC_RELEASE);
	feed_finish(feed);
	drain_finish(drain);

	return res;
}

/* Checks what the TA made, which is not to be trusted with its NUL either */
static TEEC_Result take_result(struct wasm_tee *tee,
			       struct wasm_ta_result *result, uint32_t *origin)
{
	tee->failed |= result->outcome == WASM_TA_FAILED;
	result->message[sizeof(result->message) - 1] = '\0';
	if (result->version == WASM_TA_VERSION)
		return TEEC_SUCCESS;

	*origin = TEEC_ORIGIN_TRUSTED_APP;
	return TEEC_ERROR_BAD_FORMAT;
}

/* Else there is no state of its files that it meant to leave behind */
static bool ended_by_itself(const struct wasm_ta_result *result)
{
	return result->outcome == WASM_TA_EXITED ||
	       result->outcome == WASM_TA_TRAPPED;
}

/* Both kinds of run: @first is the module's file, or NULL for a @handle */
static bool run(struct wasm_tee *tee, uint32_t command,
		TEEC_SharedMemory *first, uint32_t handle,
		const struct wasm_tee_program *program,
		struct wasm_ta_result *result, struct wasm_tee_error *error)
{
	struct flow flow = {
		.output = program->output,
		.context = program->context,
		.input = program->input,
		.files_limit = program->files_limit,
	};
	TEEC_SharedMemory shared = { };
	TEEC_SharedMemory args = { };
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(first ? TEEC_MEMREF_WHOLE :
						       TEEC_VALUE_INPUT,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE,
					       TEEC_MEMREF_WHOLE),
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_SUCCESS;
	bool good = false;

	memset(result, 0, sizeof(*result));
	if (program->dirs_count) {
		flow.dirs = dir_pack(program->dirs, program->dirs_count, error);
		if (!flow.dirs)
			return false;
	}
	res = make_args(tee, &args, program);
	if (res == TEEC_SUCCESS)
		res = allocate(tee, &shared, sizeof(*result), TEEC_MEM_OUTPUT);
	if (res == TEEC_SUCCESS) {
		if (first)
			operation.params[0].memref.parent = first;
		else
			operation.params[0].value.a = handle;
		operation.params[1].memref.parent = &args;
		operation.params[3].memref.parent = &shared;
		res = invoke(tee, command, &operation, &flow, &origin);
	}
	if (res == TEEC_SUCCESS) {
		memcpy(result, shared.buffer, sizeof(*result));
		res = take_result(tee, result, &origin);
	}
	TEEC_ReleaseSharedMemory(&shared);
	TEEC_ReleaseSharedMemory(&args);
	good = res == TEEC_SUCCESS ||
	       fail_session(tee, error, "the TEE did not run the module", res,
			    origin);
	if (good && flow.dirs && ended_by_itself(result))
		good = dir_write_back(flow.dirs, error);
	dir_free(flow.dirs);
	return good;
}

bool wasm_tee_run(struct wasm_tee *tee, const struct wasm_tee_program *program,
		  struct wasm_ta_result *result, struct wasm_tee_error *error)
{
	TEEC_SharedMemory module = { };
	TEEC_Result res = make_module(tee, &module, program->module,
				      program->module_size);
	bool good = false;

	if (res != TEEC_SUCCESS) {
		memset(result, 0, sizeof(*result));
		return fail(error, "the TEE did not run the module", res,
			    TEEC_ORIGIN_API);
	}

	good = run(tee, WASM_TA_CMD_RUN, &module, 0, program, result, error);
	TEEC_ReleaseSharedMemory(&module);
	return good;
}

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
					       TEEC_MEMREF_WHOLE, TEEC_NONE),
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_ERROR_OUT_OF_MEMORY;

	result = result ? result : &unused;
	memset(result, 0, sizeof(*result));
	if (loaded)
		res = make_module(tee, &file, module, size);
	if (res == TEEC_SUCCESS)
		res = allocate(tee, &shared, sizeof(*result), TEEC_MEM_OUTPUT);
	if (res == TEEC_SUCCESS) {
		operation.params[0].memref.parent = &file;
		operation.params[2].memref.parent = &shared;
		res = TEEC_InvokeCommand(&tee->session, WASM_TA_CMD_LOAD,
					 &operation, &origin);
	}
	if (res == TEEC_SUCCESS) {
		memcpy(result, shared.buffer, sizeof(*result));
		res = take_result(tee, result, &origin);
	}
	TEEC_ReleaseSharedMemory(&shared);
	TEEC_ReleaseSharedMemory(&file);

	if (res == TEEC_SUCCESS && result->outcome == WASM_TA_LOADED) {
		loaded->tee = tee;
		loaded->handle = operation.params[1].value.a;
		tee->modules++;
		return loaded;
	}

	if (res == TEEC_SUCCESS)
		refused(error, result);
	else
		fail_session(tee, error, "the TEE did not load the module", res,
			     origin);
	free(loaded);
	return NULL;
}

bool wasm_tee_run_loaded(struct wasm_tee_module *module,
			 const struct wasm_tee_program *program,
			 struct wasm_ta_result *result,
			 struct wasm_tee_error *error)
{
	return run(module->tee, WASM_TA_CMD_RUN_LOADED, NULL, module->handle,
		   program, result, error);
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

	res = allocate(tee, memory, count * sizeof(*request), TEEC_MEM_INPUT);
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
		res = take_result(tee, &returned[n].result, origin);
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
	struct flow flow = { };
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
		res = allocate(tee, &shared, count * sizeof(*returned),
			       TEEC_MEM_OUTPUT);
	if (res == TEEC_SUCCESS) {
		operation.params[0].value.a = module->handle;
		operation.params[1].memref.parent = &request;
		operation.params[3].memref.parent = &shared;
		res = invoke(tee, WASM_TA_CMD_CALL, &operation, &flow,
			     &origin);
	}
	if (res == TEEC_SUCCESS)
		res = take_returned(tee, returned, count, &shared, &origin);
	TEEC_ReleaseSharedMemory(&shared);
	TEEC_ReleaseSharedMemory(&request);
	if (res == TEEC_SUCCESS)
		return true;

	return fail_session(tee, error, "the TEE did not call the function",
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
