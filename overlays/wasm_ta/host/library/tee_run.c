// SPDX-License-Identifier: Apache-2.0
/*
 * Runs: what a program is given, what flows meanwhile, and what comes back.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library/drain.h"
#include "library/feed.h"
#include "library/tee_internal.h"

/* Large enough to hide the time that either side sleeps */
#define OUT_RING_SIZE	(256 * 1024)
#define IN_RING_SIZE	(256 * 1024)

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

	res = tee_allocate(tee, memory, sizeof(*args) + size, TEEC_MEM_INPUT);
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

TEEC_Result tee_make_module(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			    const void *module, size_t size)
{
	TEEC_Result res = TEEC_ERROR_BAD_PARAMETERS;

	if (!size || size > WASM_TA_MODULE_MAX)
		return res;

	res = tee_allocate(tee, memory, size, TEEC_MEM_INPUT);
	if (res == TEEC_SUCCESS)
		memcpy(memory->buffer, module, size);
	return res;
}

static TEEC_Result have_streams(struct wasm_tee *tee)
{
	if (tee->streams.buffer)
		return TEEC_SUCCESS;

	return tee_allocate(tee, &tee->streams,
			sizeof(struct wasm_streams) + OUT_RING_SIZE +
			IN_RING_SIZE,
			TEEC_MEM_INPUT | TEEC_MEM_OUTPUT);
}

static struct feed *start_feed(struct wasm_streams *streams,
			       const struct tee_flow *flow)
{
	struct feed_source source = { .input = flow->input ? *flow->input : -1 };
	size_t n = 0;

	if (flow->dirs)
		source.files = dir_bytes(flow->dirs, &source.files_size);
	streams->files_limit = flow->files_limit;
	for (n = 0; flow->stdio && n < WASM_TA_STDIO_COUNT; n++) {
		streams->stdio_types[n] = flow->stdio[n].type;
		streams->stdio_sizes[n] = flow->stdio[n].size;
	}
	return feed_start(streams, IN_RING_SIZE, &source);
}

TEEC_Result tee_invoke(struct wasm_tee *tee, uint32_t command,
		       TEEC_Operation *operation, const struct tee_flow *flow,
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

TEEC_Result tee_take_result(struct wasm_tee *tee, struct wasm_ta_result *result,
			    uint32_t *origin)
{
	tee->failed |= result->outcome == WASM_TA_FAILED ||
		       result->flags & WASM_TA_OTHER_MODULE;
	result->message[sizeof(result->message) - 1] = '\0';
	result->storage[sizeof(result->storage) - 1] = '\0';
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

bool tee_run(struct wasm_tee *tee, TEEC_SharedMemory *first, uint32_t handle,
	     const struct wasm_tee_program *program,
	     struct wasm_ta_result *result, struct wasm_tee_error *error)
{
	struct tee_flow flow = {
		.output = program->output,
		.context = program->context,
		.input = program->input,
		.files_limit = program->files_limit,
		.stdio = program->stdio,
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
		flow.dirs = dir_pack(program->dirs, program->dirs_count,
				     program->notice, error);
		if (!flow.dirs)
			return false;
	}
	res = make_args(tee, &args, program);
	if (res == TEEC_SUCCESS)
		res = tee_allocate(tee, &shared, sizeof(*result), TEEC_MEM_OUTPUT);
	if (res == TEEC_SUCCESS) {
		if (first)
			operation.params[0].memref.parent = first;
		else
			operation.params[0].value.a = handle;
		operation.params[1].memref.parent = &args;
		operation.params[3].memref.parent = &shared;
		res = tee_invoke(tee, first ? WASM_TA_CMD_RUN :
					      WASM_TA_CMD_RUN_LOADED,
				 &operation, &flow, &origin);
	}
	if (res == TEEC_SUCCESS) {
		memcpy(result, shared.buffer, sizeof(*result));
		res = tee_take_result(tee, result, &origin);
	}
	tee_release(&shared);
	tee_release(&args);
	good = res == TEEC_SUCCESS ||
	       tee_fail_session(tee, error, "the TEE did not run the module", res,
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
	TEEC_Result res = tee_make_module(tee, &module, program->module,
				      program->module_size);
	bool good = false;

	if (res != TEEC_SUCCESS) {
		memset(result, 0, sizeof(*result));
		return tee_fail(error, "the TEE did not run the module", res,
			    TEEC_ORIGIN_API);
	}

	good = tee_run(tee, &module, 0, program, result, error);
	tee_release(&module);
	return good;
}

struct wasm_tee_stdio wasm_tee_stdio_of(int fd)
{
	struct wasm_tee_stdio stdio = { .type = WASM_TA_STDIO_PIPE };
	struct stat st = { };

	if (fstat(fd, &st))
		return stdio;

	if (S_ISREG(st.st_mode)) {
		stdio.type = WASM_TA_STDIO_FILE;
		stdio.size = st.st_size;
	} else if (S_ISCHR(st.st_mode)) {
		stdio.type = isatty(fd) ? WASM_TA_STDIO_TERMINAL :
					  WASM_TA_STDIO_DEVICE;
	}
	return stdio;
}
