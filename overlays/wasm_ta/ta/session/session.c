// SPDX-License-Identifier: Apache-2.0
/*
 * What the commands do, once their parameters are known to be well-formed.
 */
#include "session/session.h"

#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "aot/runtime.h"
#include "session/watch.h"

TEE_Result session_configure(struct session *session, uint32_t heap_size,
			     uint32_t stack_size)
{
	if (heap_size < WASM_TA_HEAP_MIN || heap_size > WASM_TA_HEAP_MAX)
		return TEE_ERROR_BAD_PARAMETERS;
	if (stack_size && (stack_size < WASM_TA_STACK_MIN ||
			   stack_size > WASM_TA_STACK_MAX))
		return TEE_ERROR_BAD_PARAMETERS;
	if (session->module.wamr && (heap_size != session->heap_size ||
				     stack_size != session->stack_size))
		return TEE_ERROR_BAD_STATE;

	session->heap_size = heap_size;
	session->stack_size = stack_size;
	return TEE_SUCCESS;
}

static struct loaded *find(struct session *session, uint32_t handle)
{
	struct loaded *loaded = NULL;

	SLIST_FOREACH(loaded, &session->loaded, link)
		if (loaded->handle == handle)
			return loaded;

	return NULL;
}

/* One run, in an instance of its own, of which nothing is left behind */
static void run(struct outcome *outcome, const struct module *module,
		struct shared args, struct shared streams)
{
	struct instance instance = { };

	if (instance_attach(&instance, outcome, streams) &&
	    instance_take_args(&instance, outcome, args) &&
	    instance_take_files(&instance, outcome, module)) {
		if (instance_start(&instance, outcome, module))
			instance_run(&instance, outcome, module);
		instance_keep_files(&instance, outcome);
	}
	instance_close(&instance);
}

static bool take(struct session *session, struct outcome *outcome,
		 struct shared file)
{
	/* Loading may take long as well */
	watch_begin();
	return module_take(&session->module, outcome, file.buffer, file.size);
}

static bool is_program(struct outcome *outcome, const struct module *module)
{
	if (module->info.has_start || module->info.has_start_section)
		return true;

	return outcome_is(outcome, WASM_TA_REFUSED,
			  "the module exports no function _start of type () -> (): link it as a command, with a main()");
}

TEE_Result session_run(struct session *session, struct shared file,
		       struct shared args, struct shared streams,
		       struct wasm_ta_result *result)
{
	struct outcome outcome = { };

	if (!session->heap_size)
		return TEE_ERROR_BAD_STATE;

	outcome_open(&outcome, result, session->heap_size,
		     session->stack_size);
	if (take(session, &outcome, file) &&
	    is_program(&outcome, &session->module))
		run(&outcome, &session->module, args, streams);
	outcome_close(&outcome);
	return TEE_SUCCESS;
}

TEE_Result session_load(struct session *session, struct shared file,
			struct wasm_ta_result *result, uint32_t *handle)
{
	struct outcome outcome = { };
	struct loaded *loaded = NULL;

	if (!session->heap_size)
		return TEE_ERROR_BAD_STATE;
	if (session->count == WASM_TA_HANDLES_MAX ||
	    session->last_handle == UINT32_MAX)
		return TEE_ERROR_EXCESS_DATA;

	loaded = TEE_Malloc(sizeof(*loaded), TEE_MALLOC_FILL_ZERO);
	if (!loaded)
		return TEE_ERROR_OUT_OF_MEMORY;

	outcome_open(&outcome, result, session->heap_size,
		     session->stack_size);
	if (take(session, &outcome, file)) {
		outcome_is(&outcome, WASM_TA_LOADED, "%s", "");
		loaded->handle = ++session->last_handle;
		*handle = loaded->handle;
		SLIST_INSERT_HEAD(&session->loaded, loaded, link);
		session->count++;
	} else {
		TEE_Free(loaded);
	}
	outcome_close(&outcome);
	return TEE_SUCCESS;
}

static void open_loaded(struct session *session, struct outcome *outcome,
			struct wasm_ta_result *result)
{
	const struct module *module = &session->module;

	outcome_open(outcome, result, session->heap_size, session->stack_size);
	result->stack_size = runtime_stack_size();
	result->heap_needed = MIN(module->info.heap_needed, UINT32_MAX);
	TEE_MemMove(result->sha256, module->sha256,
		    sizeof(result->sha256));
	result->flags |= WASM_TA_MEASURED;
}

TEE_Result session_run_loaded(struct session *session, uint32_t handle,
			      struct shared args, struct shared streams,
			      struct wasm_ta_result *result)
{
	struct outcome outcome = { };

	if (!find(session, handle))
		return TEE_ERROR_ITEM_NOT_FOUND;

	open_loaded(session, &outcome, result);
	if (is_program(&outcome, &session->module))
		run(&outcome, &session->module, args, streams);
	outcome_close(&outcome);
	return TEE_SUCCESS;
}

static void drop_instance(struct loaded *loaded)
{
	if (loaded->instance)
		instance_close(loaded->instance);
	TEE_Free(loaded->instance);
	loaded->instance = NULL;
}

/* Makes the instance that the calls by name share, or finds it */
static bool have_instance(struct session *session, struct loaded *loaded,
			  struct outcome *outcome, struct shared streams)
{
	const struct module *module = &session->module;

	if (loaded->instance)
		return instance_attach(loaded->instance, outcome, streams);

	loaded->instance = TEE_Malloc(sizeof(*loaded->instance),
				      TEE_MALLOC_FILL_ZERO);
	if (!loaded->instance)
		return outcome_is(outcome, WASM_TA_FAILED,
				  "the TA has no memory for an instance");

	return instance_attach(loaded->instance, outcome, streams) &&
	       instance_take_files(loaded->instance, outcome, module) &&
	       instance_start(loaded->instance, outcome, module) &&
	       instance_initialize(loaded->instance, outcome, module);
}

/* What WebAssembly says of an instance after a trap, only if it is asked for */
static bool survives(const struct wasm_ta_call *call,
		     const struct wasm_ta_result *result)
{
	return result->outcome == WASM_TA_REFUSED ||
	       (result->outcome == WASM_TA_TRAPPED &&
		call->flags & WASM_TA_CALL_KEEP);
}

/* The calls of one command; @n is the one that is being made */
struct calls {
	struct session *session;
	struct loaded *loaded;
	struct shared from;
	struct shared to;
	size_t count;
	size_t n;
	struct wasm_ta_call request;
	struct wasm_ta_returned returned;
	struct outcome outcome;
	bool keep;		/* the instance */
};

static void begin_result(struct calls *calls)
{
	calls->returned = (struct wasm_ta_returned){ };
	open_loaded(calls->session, &calls->outcome, &calls->returned.result);
}

/* The only time that the result's memory is touched */
static void give_result(struct calls *calls)
{
	uint8_t *to = calls->to.buffer;

	outcome_close(&calls->outcome);
	memcpy(to + calls->n * sizeof(calls->returned), &calls->returned,
	       sizeof(calls->returned));
}

static bool take_call(struct calls *calls)
{
	const uint8_t *from = calls->from.buffer;
	struct wasm_ta_call *request = &calls->request;

	/* From here on it is ours, and stays as it is */
	memcpy(request, from + calls->n * sizeof(*request), sizeof(*request));
	return request->version == WASM_TA_VERSION &&
	       request->argc <= WASM_TA_CALL_VALUES &&
	       !(request->flags & ~WASM_TA_CALL_KEEP) &&
	       memchr(request->name, '\0', sizeof(request->name));
}

/* Makes calls up to the last, or to one that ends the instance */
static void make_calls(void *argument)
{
	struct calls *calls = argument;

	while (true) {
		/* Also where AOT code is left, and this never returns */
		calls->keep = false;
		calls->keep = instance_call(calls->loaded->instance,
					    &calls->outcome,
					    &calls->session->module,
					    &calls->request, &calls->returned) ||
			      survives(&calls->request,
				       &calls->returned.result);
		if (!calls->keep || calls->n + 1 == calls->count)
			return;

		give_result(calls);
		calls->n++;
		begin_result(calls);
		if (!take_call(calls)) {
			calls->keep = false;
			outcome_is(&calls->outcome, WASM_TA_FAILED,
				   "the host app passes a call that is not well-formed");
			return;
		}
	}
}

TEE_Result session_call(struct session *session, uint32_t handle,
			struct shared from, struct shared streams,
			struct shared to)
{
	struct calls calls = {
		.session = session,
		.loaded = find(session, handle),
		.from = from,
		.to = to,
		.count = from.size / sizeof(struct wasm_ta_call),
	};
	struct loaded *loaded = calls.loaded;

	if (!loaded)
		return TEE_ERROR_ITEM_NOT_FOUND;
	if (!take_call(&calls))
		return TEE_ERROR_BAD_PARAMETERS;

	begin_result(&calls);
	if (have_instance(session, loaded, &calls.outcome, streams))
		instance_watch(loaded->instance, &calls.outcome, make_calls,
			       &calls);
	if (loaded->instance)
		instance_keep_files(loaded->instance, &calls.outcome);
	if (calls.keep)
		instance_detach(loaded->instance);
	else
		drop_instance(loaded);
	give_result(&calls);

	while (++calls.n < calls.count) {
		begin_result(&calls);
		outcome_is(&calls.outcome, WASM_TA_FAILED,
			   "not called: a call before it ended the instance");
		give_result(&calls);
	}
	return TEE_SUCCESS;
}

static void unload(struct session *session, struct loaded *loaded)
{
	SLIST_REMOVE(&session->loaded, loaded, loaded, link);
	session->count--;
	drop_instance(loaded);
	TEE_Free(loaded);
}

TEE_Result session_unload(struct session *session, uint32_t handle)
{
	struct loaded *loaded = find(session, handle);

	if (!loaded)
		return TEE_ERROR_ITEM_NOT_FOUND;

	unload(session, loaded);
	return TEE_SUCCESS;
}

void session_close(struct session *session)
{
	struct loaded *loaded = NULL;

	while ((loaded = SLIST_FIRST(&session->loaded)))
		unload(session, loaded);
	if (session->module.wamr)
		module_unload(&session->module);
}
