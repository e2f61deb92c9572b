// SPDX-License-Identifier: Apache-2.0
/*
 * Runs one module: copy, measure, check, load, instantiate, call _start.
 */
#include "run.h"

#include <inttypes.h>
#include <optee_platform.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <trace.h>
#include <wasm_export.h>

#include "aot.h"
#include "args.h"
#include "output.h"
#include "wasi.h"

/*
 * What WAMR calls the stack is for its interpreter; AOT code uses the TA's. It
 * must exist nevertheless. The app heap is for malloc() by natives: there is
 * none, and it would make linear memory larger by a page.
 */
#define WASM_STACK_SIZE		256
#define APP_HEAP_SIZE		0

#define ERROR_SIZE		128

/* The hexadecimal digits of a SHA-256 and a NUL */
#define HEX_SIZE		(2 * WASM_TA_SHA256_SIZE + 1)

struct run {
	const struct run_request *request;
	struct wasm_ta_result *result;
	TEE_Time stage_begin;
	struct args args;
	struct output output;
	struct wasi wasi;
	struct aot_info info;
	void *copy;			/* of the module */
	void *heap;
	bool runtime;			/* is initialised */
	wasm_module_t module;
	wasm_module_inst_t instance;
};

static uint32_t elapsed_ms(const TEE_Time *since, const TEE_Time *now)
{
	return (now->seconds - since->seconds) * 1000 + now->millis -
	       since->millis;
}

static void end_stage(struct run *run)
{
	TEE_Time now = { };

	TEE_GetSystemTime(&now);
	if (run->result->stage)
		run->result->stage_ms[run->result->stage] =
			elapsed_ms(&run->stage_begin, &now);
	run->stage_begin = now;
}

static void begin_stage(struct run *run, enum wasm_ta_stage stage)
{
	end_stage(run);
	run->result->stage = stage;
}

/* Ends a run: always false, for the caller to return */
static bool __printf(3, 4) finish(struct run *run, enum wasm_ta_outcome outcome,
				  const char *format, ...)
{
	va_list ap = { };

	run->result->outcome = outcome;
	va_start(ap, format);
	vsnprintf(run->result->message, sizeof(run->result->message), format,
		  ap);
	va_end(ap);

	return false;
}

static bool take_parameters(struct run *run)
{
	const struct run_request *request = run->request;
	TEE_Result res = TEE_SUCCESS;

	res = output_open(&run->output, request->streams,
			  request->streams_size);
	if (res != TEE_SUCCESS)
		return finish(run, WASM_TA_FAILED,
			      "the host app shares a stream area that this TA does not know");

	res = args_copy(&run->args, request->args, request->args_size);
	if (res == TEE_ERROR_OUT_OF_MEMORY)
		return finish(run, WASM_TA_REFUSED,
			      "the TEE has no memory for the arguments");
	if (res != TEE_SUCCESS)
		return finish(run, WASM_TA_FAILED,
			      "the host app passes arguments that are not well-formed or longer than %d bytes",
			      WASM_TA_ARGS_MAX);

	run->copy = tee_map_zi(request->module_size, 0);
	if (!run->copy)
		return finish(run, WASM_TA_REFUSED,
			      "the TEE has no memory for a module of %zu bytes",
			      request->module_size);

	memcpy(run->copy, request->module, request->module_size);
	return true;
}

static void release_copy(struct run *run)
{
	if (run->copy)
		tee_unmap(run->copy, run->request->module_size);
	run->copy = NULL;
}

static bool measure(struct run *run)
{
	static const char digits[] = "0123456789abcdef";
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	uint8_t *sha256 = run->result->sha256;
	size_t length = WASM_TA_SHA256_SIZE;
	TEE_Result res = TEE_SUCCESS;
	char hex[HEX_SIZE] = { };
	size_t n = 0;

	res = TEE_AllocateOperation(&operation, TEE_ALG_SHA256, TEE_MODE_DIGEST,
				    0);
	if (res == TEE_SUCCESS)
		res = TEE_DigestDoFinal(operation, run->copy,
					run->request->module_size, sha256,
					&length);
	TEE_FreeOperation(operation);
	if (res != TEE_SUCCESS)
		return finish(run, WASM_TA_FAILED,
			      "the module could not be measured (%#"PRIx32")",
			      res);

	run->result->flags |= WASM_TA_MEASURED;
	for (n = 0; n < WASM_TA_SHA256_SIZE; n++) {
		hex[2 * n] = digits[sha256[n] >> 4];
		hex[2 * n + 1] = digits[sha256[n] & 0xf];
	}
	IMSG("module sha256 %s size %zu heap %"PRIu32, hex,
	     run->request->module_size, run->request->heap_size);
	return true;
}

static bool check(struct run *run)
{
	if (!aot_check(run->copy, run->request->module_size, &run->info,
		       run->result->message, sizeof(run->result->message))) {
		run->result->outcome = WASM_TA_REFUSED;
		return false;
	}

	if (run->info.heap_needed <= UINT32_MAX)
		run->result->heap_needed = run->info.heap_needed;
	return true;
}

static bool heap_too_small(struct run *run, const char *reason)
{
	return finish(run, WASM_TA_REFUSED,
		      "the heap of %"PRIu32" bytes is too small (%s): this module needs about %"PRIu64", %"PRIu64" of them linear memory",
		      run->request->heap_size, reason, run->info.heap_needed,
		      run->info.memory_size);
}

static bool start_runtime(struct run *run)
{
	RuntimeInitArgs init = {
		.mem_alloc_type = Alloc_With_Pool,
		.mem_alloc_option.pool.heap_size = run->request->heap_size,
	};

	run->heap = tee_map_zi(run->request->heap_size, 0);
	if (!run->heap)
		return finish(run, WASM_TA_REFUSED,
			      "the TEE has no memory for a heap of %"PRIu32" bytes: this module needs about %"PRIu64,
			      run->request->heap_size, run->info.heap_needed);

	init.mem_alloc_option.pool.heap_buf = run->heap;
	if (!wasm_runtime_full_init(&init))
		return heap_too_small(run, "the runtime does not start");
	run->runtime = true;

	if (!wasi_register(&run->wasi))
		return heap_too_small(run, "the runtime does not start");

	return true;
}

static bool is_out_of_memory(const char *error)
{
	return strstr(error, "allocate memory failed") ||
	       strstr(error, "hash map failed") ||
	       strstr(error, "const string set failed");
}

static bool load(struct run *run)
{
	char error[ERROR_SIZE] = { };
	TEE_Result res = TEE_SUCCESS;

	run->module = wasm_runtime_load(run->copy, run->request->module_size,
					error, sizeof(error));
	res = optee_platform_protect_result();
	if (!run->module) {
		if (is_out_of_memory(error))
			return heap_too_small(run, "loading");
		if (strstr(error, "mmap memory failed"))
			return finish(run, WASM_TA_REFUSED,
				      "the TEE has no memory for the module's code beside a heap of %"PRIu32" bytes",
				      run->request->heap_size);
		return finish(run, WASM_TA_REFUSED, "%s", error);
	}

	if (res != TEE_SUCCESS)
		return finish(run, WASM_TA_FAILED,
			      "the OP-TEE core does not let this TA make pages executable (%#"PRIx32")",
			      res);

	/* The loader keeps no pointer into the file */
	release_copy(run);
	return true;
}

/* What a program, or the start function of its module, left behind */
static bool finish_program(struct run *run, const char *exception)
{
	static const char prefix[] = "Exception: ";

	if (run->wasi.exited) {
		run->result->exit_status = run->wasi.exit_code;
		return finish(run, WASM_TA_EXITED, "%s", "");
	}

	switch (run->wasi.failure) {
	case TEE_SUCCESS:
		break;
	case TEE_ERROR_CANCEL:
		return finish(run, WASM_TA_FAILED,
			      "the host app asked for the end of the run");
	case TEE_ERROR_TARGET_DEAD:
		return finish(run, WASM_TA_FAILED,
			      "the host app gave no sign of life for %d s",
			      OUTPUT_DEADLINE_MS / 1000);
	default:
		return finish(run, WASM_TA_FAILED,
			      "the host app does not keep to the protocol of the output ring");
	}

	if (!exception || !*exception) {
		run->result->exit_status = 0;
		return finish(run, WASM_TA_EXITED, "%s", "");
	}

	if (!strncmp(exception, prefix, sizeof(prefix) - 1))
		exception += sizeof(prefix) - 1;
	return finish(run, WASM_TA_TRAPPED, "%s", exception);
}

static bool instantiate(struct run *run)
{
	char error[ERROR_SIZE] = { };

	run->instance = wasm_runtime_instantiate(run->module, WASM_STACK_SIZE,
						 APP_HEAP_SIZE, error,
						 sizeof(error));
	if (run->instance)
		return true;

	/* This is also where a start function runs, and where it may end */
	if (run->wasi.exited || run->wasi.failure ||
	    strstr(error, "Exception: "))
		return finish_program(run, strstr(error, "Exception: "));
	if (is_out_of_memory(error))
		return heap_too_small(run, "instantiating");

	return finish(run, WASM_TA_REFUSED, "%s", error);
}

static void call_start(struct run *run)
{
	wasm_function_inst_t start = NULL;
	wasm_exec_env_t env = NULL;

	start = run->info.has_start ?
		wasm_runtime_lookup_function(run->instance, "_start", NULL) :
		NULL;
	if (start) {
		env = wasm_runtime_create_exec_env(run->instance,
						   WASM_STACK_SIZE);
		if (!env) {
			heap_too_small(run, "starting");
			return;
		}
		wasm_runtime_call_wasm(env, start, 0, NULL);
		wasm_runtime_destroy_exec_env(env);
	}

	finish_program(run, wasm_runtime_get_exception(run->instance));
}

static void execute(struct run *run)
{
	begin_stage(run, WASM_TA_STAGE_COPY);
	if (!take_parameters(run))
		return;

	begin_stage(run, WASM_TA_STAGE_MEASURE);
	if (!measure(run))
		return;

	begin_stage(run, WASM_TA_STAGE_CHECK);
	if (!check(run))
		return;

	begin_stage(run, WASM_TA_STAGE_HEAP);
	if (!start_runtime(run))
		return;

	begin_stage(run, WASM_TA_STAGE_LOAD);
	if (!load(run))
		return;

	begin_stage(run, WASM_TA_STAGE_INSTANTIATE);
	if (!instantiate(run))
		return;

	begin_stage(run, WASM_TA_STAGE_RUN);
	call_start(run);
}

static void cleanup(struct run *run)
{
	if (run->instance)
		wasm_runtime_deinstantiate(run->instance);
	if (run->module)
		wasm_runtime_unload(run->module);
	if (run->runtime)
		wasm_runtime_destroy();
	if (run->heap)
		tee_unmap(run->heap, run->request->heap_size);
	release_copy(run);
	args_free(&run->args);
	output_close(&run->output);
}

static void log_end(const struct wasm_ta_result *result)
{
	switch (result->outcome) {
	case WASM_TA_EXITED:
		IMSG("module exit status %"PRIu32, result->exit_status);
		break;
	case WASM_TA_TRAPPED:
		IMSG("module trapped: %s", result->message);
		break;
	case WASM_TA_REFUSED:
		IMSG("module refused: %s", result->message);
		break;
	default:
		IMSG("module failed: %s", result->message);
		break;
	}
}

void run_module(const struct run_request *request,
		struct wasm_ta_result *result)
{
	struct run run = {
		.request = request,
		.result = result,
	};

	*result = (struct wasm_ta_result){
		.version = WASM_TA_VERSION,
		.heap_size = request->heap_size,
		.stack_size = optee_platform_stack_size(),
	};
	run.wasi.args = &run.args;
	run.wasi.output = &run.output;

	execute(&run);
	end_stage(&run);
	cleanup(&run);
	log_end(result);
}
