// SPDX-License-Identifier: Apache-2.0
/*
 * Instances: made, run, called by name, and taken down.
 */
#include "session/instance.h"

#include <inttypes.h>
#include <optee_function.h>
#include <stdio.h>
#include <string.h>

#include "aot/runtime.h"
#include "fs/secure.h"
#include "session/values.h"
#include "session/watch.h"
#include "trust/seal.h"

/*
 * What WAMR calls the stack is for its interpreter; AOT code uses the TA's. It
 * must exist nevertheless. The app heap is for malloc() by natives: there is
 * none, and it would make linear memory larger by a page.
 */
#define WASM_STACK_SIZE		256
#define APP_HEAP_SIZE		0

#define ERROR_SIZE		128

bool instance_attach(struct instance *instance, struct outcome *outcome,
		     struct shared streams)
{
	instance->wasi.args = &instance->args;
	instance->wasi.output = &instance->output;
	instance->wasi.input = &instance->input;
	wasi_select(&instance->wasi);
	if (output_open(&instance->output, streams.buffer, streams.size) ==
	    TEE_SUCCESS &&
	    input_open(&instance->input, &instance->output, streams.size) ==
	    TEE_SUCCESS)
		return true;

	return outcome_is(outcome, WASM_TA_FAILED,
			  "the host app shares a stream area that this TA does not know");
}

void instance_detach(struct instance *instance)
{
	output_close(&instance->output);
	instance->input = (struct input){ };
	wasi_select(NULL);
}

bool instance_take_args(struct instance *instance, struct outcome *outcome,
			struct shared args)
{
	TEE_Result res = args_copy(&instance->args, args.buffer, args.size);

	if (res == TEE_SUCCESS)
		return true;
	if (res == TEE_ERROR_OUT_OF_MEMORY)
		return outcome_no_memory(outcome,
					 "the TEE has no memory for the arguments");

	return outcome_is(outcome, WASM_TA_FAILED,
			  "the host app passes arguments that are not well-formed or longer than %d bytes",
			  WASM_TA_ARGS_MAX);
}

/* What came of moving bytes between the worlds, if it is an end of the run */
static bool is_end(struct outcome *outcome, TEE_Result res)
{
	switch (res) {
	case TEE_SUCCESS:
		return false;
	case TEE_ERROR_CANCEL:
		outcome_is(outcome, WASM_TA_FAILED,
			   "the host app asked for the end of the run");
		return true;
	case TEE_ERROR_TARGET_DEAD:
		outcome_is(outcome, WASM_TA_FAILED,
			   "the host app gave no sign of life for %d s",
			   OUTPUT_DEADLINE_MS / 1000);
		return true;
	default:
		outcome_is(outcome, WASM_TA_FAILED,
			   "the host app does not keep to the protocol of the rings");
		return true;
	}
}

/* Whether the manifest allows the folders that came */
static bool check_folders(const struct instance *instance,
			  struct outcome *outcome,
			  const struct manifest *manifest)
{
	const struct files *files = &instance->files;
	uint32_t n = 0;

	for (n = 0; n < files->count; n++)
		if (!manifest_allows_folder(manifest, outcome,
					    files->mounts[n].flags &
					    WASM_FILES_WRITABLE))
			return false;

	return true;
}

bool instance_take_files(struct instance *instance, struct outcome *outcome,
			 const struct module *module)
{
	struct wasi *wasi = &instance->wasi;
	TEE_Result res = TEE_ERROR_OUT_OF_MEMORY;

	wasi->fs.pool.limit = input_files_limit(&instance->input);
	if (wasi_open(wasi))
		res = files_receive(&instance->files, &wasi->fs,
				    &instance->input);
	wasi->fs.storage.owner = &module->manifest;

	if (res == TEE_SUCCESS)
		res = files_result(fs_make_temporary(&wasi->fs));

	if (res == TEE_ERROR_OUT_OF_MEMORY)
		return outcome_no_memory(outcome,
					 "there is no memory for the program's files: %zu bytes are in use, %s",
					 wasi->fs.pool.mapped,
					 wasi->fs.pool.limit ?
					 "the limit is near" :
					 "the TEE has no more");
	if (res == TEE_ERROR_BAD_FORMAT)
		return outcome_is(outcome, WASM_TA_FAILED,
				  "the host app sends files that are not well-formed");
	return !is_end(outcome, res) &&
	       check_folders(instance, outcome, &module->manifest);
}

void instance_keep_files(struct instance *instance, struct outcome *outcome)
{
	struct wasi *wasi = &instance->wasi;
	TEE_Result res = TEE_SUCCESS;
	uint32_t err = secure_store(&wasi->fs);
	char end[48] = { };

	/* What comes after a program's end does not hide it */
	if (outcome->result->outcome == WASM_TA_EXITED)
		snprintf(end, sizeof(end), "; it ended with exit status %"PRId32,
			 (int32_t)outcome->result->exit_status);
	if (wasi->fs.storage.newer)
		outcome_is(outcome, WASM_TA_REFUSED, "%s",
			   wasi->fs.storage.trouble.words);
	else if (err)
		outcome_is(outcome, WASM_TA_FAILED,
			   "not all of what the program wrote is stored: %s%s",
			   wasi->fs.storage.trouble.words, end);
	else
		outcome_storage(outcome, wasi->fs.storage.trouble.words);
	/* A call that follows in the same instance has trouble of its own */
	if (!wasi->fs.storage.error)
		wasi->fs.storage.trouble = (struct trouble){ };
	/* Whoever ended the run waits for nothing any more */
	if (wasi->failure)
		return;

	res = files_send(&instance->files, &wasi->fs, &instance->output);
	if (res == TEE_ERROR_OVERFLOW)
		outcome_is(outcome, WASM_TA_FAILED,
			   "the program's files cannot be sent back: a path is too long%s",
			   end);
	else
		is_end(outcome, res);
}

/* A program's own end, or one that the TA made; false if it is neither */
static bool has_ended(const struct instance *instance, struct outcome *outcome)
{
	const struct wasi *wasi = &instance->wasi;

	if (wasi->exited) {
		outcome->result->exit_status = wasi->exit_code;
		outcome_is(outcome, WASM_TA_EXITED, "%s", "");
		return true;
	}

	return is_end(outcome, wasi->failure);
}

static bool trapped(struct outcome *outcome, const char *exception)
{
	static const char prefix[] = "Exception: ";

	if (!strncmp(exception, prefix, sizeof(prefix) - 1))
		exception += sizeof(prefix) - 1;
	return outcome_is(outcome, WASM_TA_TRAPPED, "%s", exception);
}

/* Calls what executes AOT code; what the host app has to say ends it */
static void watched(struct instance *instance,
		    void (*function)(void *argument), void *argument)
{
	struct runtime_call call = {
		.function = function,
		.argument = argument,
	};
	TEE_Result res = TEE_SUCCESS;

	if (instance->watched)
		runtime_call(&call);
	else
		res = watch_call(&instance->output, runtime_call, &call);
	runtime_called();
	if (res != TEE_SUCCESS)
		instance->wasi.failure = res;
}

bool instance_watch(struct instance *instance, struct outcome *outcome,
		    void (*calls)(void *argument), void *argument)
{
	TEE_Result res = TEE_SUCCESS;

	instance->watched = true;
	res = watch_call(&instance->output, calls, argument);
	instance->watched = false;
	/* It may have been left in the middle of one */
	runtime_called();
	if (res == TEE_SUCCESS)
		return true;

	instance->wasi.failure = res;
	has_ended(instance, outcome);
	return false;
}

struct start {
	const struct module *module;
	wasm_module_inst_t wamr;
	char error[ERROR_SIZE];
};

static void start_watched(void *argument)
{
	struct start *start = argument;

	start->wamr = wasm_runtime_instantiate(start->module->wamr,
					       WASM_STACK_SIZE, APP_HEAP_SIZE,
					       start->error,
					       sizeof(start->error));
}

bool instance_start(struct instance *instance, struct outcome *outcome,
		    const struct module *module)
{
	struct start start = { .module = module };
	const char *error = start.error;
	const char *exception = NULL;

	outcome_stage(outcome, WASM_TA_STAGE_INSTANTIATE);
	/* A start function may be the first of its code to run */
	if (!seal(outcome, &module->manifest))
		return false;
	watched(instance, start_watched, &start);
	instance->wamr = start.wamr;
	if (instance->wamr)
		return true;

	/* This is also where a start function runs, and where it may end */
	if (has_ended(instance, outcome))
		return false;
	exception = strstr(error, "Exception: ");
	if (exception)
		return trapped(outcome, exception);
	if (module_is_out_of_memory(error))
		return outcome_heap_too_small(outcome, module->info.heap_needed,
					      module->info.memory_size,
					      "instantiating");

	return outcome_is(outcome, WASM_TA_REFUSED, "%s", error);
}

static wasm_exec_env_t make_env(struct instance *instance,
				struct outcome *outcome,
				const struct module *module)
{
	wasm_exec_env_t env = wasm_runtime_create_exec_env(instance->wamr,
							   WASM_STACK_SIZE);

	if (!env)
		outcome_heap_too_small(outcome, module->info.heap_needed,
				       module->info.memory_size, "starting");
	return env;
}

static bool is_plain(const struct optee_function_type *type)
{
	return !type->param_count && !type->result_count;
}

/* Arguments and then results */
struct call {
	wasm_exec_env_t env;
	wasm_function_inst_t function;
	uint32_t count;
	uint32_t cells[VALUES_CELLS];
	bool good;
};

static void call_watched(void *argument)
{
	struct call *call = argument;

	call->good = wasm_runtime_call_wasm(call->env, call->function,
					    call->count, call->cells);
}

/* Calls an exported function of type () -> (); one that is not there is none */
static bool call_plain(struct instance *instance, struct outcome *outcome,
		       const struct module *module, const char *name)
{
	struct optee_function_type type = { };
	const char *exception = NULL;
	struct call call = { };

	call.function = wasm_runtime_lookup_function(instance->wamr, name,
						     NULL);
	if (!call.function || !optee_function_type(call.function, &type) ||
	    !is_plain(&type))
		return true;

	call.env = make_env(instance, outcome, module);
	if (!call.env)
		return false;
	watched(instance, call_watched, &call);
	wasm_runtime_destroy_exec_env(call.env);

	if (has_ended(instance, outcome))
		return false;
	exception = wasm_runtime_get_exception(instance->wamr);
	if (exception && *exception)
		return trapped(outcome, exception);

	return true;
}

void instance_run(struct instance *instance, struct outcome *outcome,
		  const struct module *module)
{
	outcome_stage(outcome, WASM_TA_STAGE_RUN);
	if (!call_plain(instance, outcome, module, "_start"))
		return;

	outcome->result->exit_status = 0;
	outcome_is(outcome, WASM_TA_EXITED, "%s", "");
}

bool instance_initialize(struct instance *instance, struct outcome *outcome,
			 const struct module *module)
{
	return call_plain(instance, outcome, module, "_initialize");
}

static bool find_function(struct instance *instance, struct outcome *outcome,
			  const struct wasm_ta_call *call,
			  wasm_function_inst_t *function,
			  struct optee_function_type *type)
{
	*function = wasm_runtime_lookup_function(instance->wamr, call->name,
						 NULL);
	if (!*function)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the module exports no function %s",
				  call->name);
	if (!optee_function_type(*function, type))
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "%s is an import that the module exports again",
				  call->name);

	return values_check(outcome, type, call);
}

static void destroy_env(struct instance *instance)
{
	if (instance->env)
		wasm_runtime_destroy_exec_env(instance->env);
	instance->env = NULL;
}

bool instance_call(struct instance *instance, struct outcome *outcome,
		   const struct module *module,
		   const struct wasm_ta_call *call,
		   struct wasm_ta_returned *returned)
{
	struct optee_function_type type = { };
	const char *exception = NULL;
	struct call native = { };

	outcome_stage(outcome, WASM_TA_STAGE_RUN);
	if (!find_function(instance, outcome, call, &native.function, &type))
		return false;

	instance->env = make_env(instance, outcome, module);
	if (!instance->env)
		return false;

	native.count = values_to_cells(native.cells, call);
	native.env = instance->env;
	watched(instance, call_watched, &native);
	destroy_env(instance);

	if (has_ended(instance, outcome))
		return false;
	exception = wasm_runtime_get_exception(instance->wamr);
	if (exception && *exception) {
		trapped(outcome, exception);
		wasm_runtime_clear_exception(instance->wamr);
		return false;
	}
	if (!native.good)
		return outcome_is(outcome, WASM_TA_FAILED,
				  "the runtime did not call %s", call->name);

	values_from_cells(returned, &type, native.cells);
	outcome_is(outcome, WASM_TA_RETURNED, "%s", "");
	return true;
}

void instance_close(struct instance *instance)
{
	/* It is there if AOT code was left */
	destroy_env(instance);
	if (instance->wamr)
		wasm_runtime_deinstantiate(instance->wamr);
	args_free(&instance->args);
	wasi_close(&instance->wasi);
	instance_detach(instance);
	*instance = (struct instance){ };
}
