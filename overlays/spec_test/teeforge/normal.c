// SPDX-License-Identifier: Apache-2.0
/*
 * What spec_test uses of libwasm_tee, in the normal world: upstream's runtime,
 * as it is pinned and without our patches, to compare the TEE with.
 */
#include <libwasm_tee.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wasm_export.h>

#include "wasm_runtime_common.h"

/* See overlays/wasm_ta/ta/session/instance.c */
#define WASM_STACK_SIZE	256
#define APP_HEAP_SIZE	0

struct wasm_tee {
	bool started;
};

struct wasm_tee_module {
	void *file;		/* the runtime keeps parts of it */
	wasm_module_t module;
	wasm_module_inst_t instance;
};

struct wasm_tee *wasm_tee_open(struct wasm_tee_error *error)
{
	static struct wasm_tee normal;
	RuntimeInitArgs init = { .mem_alloc_type = Alloc_With_System_Allocator };

	snprintf(error->text, sizeof(error->text), "the runtime does not start");
	error->hint = "";
	normal.started = normal.started || wasm_runtime_full_init(&init);
	return normal.started ? &normal : NULL;
}

void wasm_tee_close(struct wasm_tee *tee)
{
	(void)tee;
}

/* There is memory enough in this world */
bool wasm_tee_configure_heap(struct wasm_tee *tee, uint64_t size,
			     struct wasm_tee_error *error)
{
	(void)tee;
	(void)size;
	(void)error;
	return true;
}

/* Nothing ends a call here but the end of all */
void wasm_tee_stop(struct wasm_tee *tee)
{
	(void)tee;
	_exit(EXIT_FAILURE);
}

static void is(struct wasm_ta_result *result, uint32_t outcome,
	       const char *message)
{
	static const char prefix[] = "Exception: ";

	if (!strncmp(message, prefix, sizeof(prefix) - 1))
		message += sizeof(prefix) - 1;
	result->outcome = outcome;
	snprintf(result->message, sizeof(result->message), "%s", message);
}

struct wasm_tee_module *wasm_tee_load(struct wasm_tee *tee, const void *file,
				      size_t size,
				      struct wasm_ta_result *result,
				      struct wasm_tee_error *error)
{
	struct wasm_tee_module *loaded = calloc(1, sizeof(*loaded));
	char text[128] = { };

	(void)tee;
	error->code = 0;
	if (!loaded || !(loaded->file = malloc(size)))
		abort();
	memcpy(loaded->file, file, size);
	loaded->module = wasm_runtime_load(loaded->file, size, text,
					   sizeof(text));
	if (loaded->module)
		return loaded;

	is(result, WASM_TA_REFUSED, text);
	free(loaded->file);
	free(loaded);
	return NULL;
}

void wasm_tee_unload(struct wasm_tee_module *loaded)
{
	if (!loaded)
		return;
	if (loaded->instance)
		wasm_runtime_deinstantiate(loaded->instance);
	wasm_runtime_unload(loaded->module);
	free(loaded->file);
	free(loaded);
}

static bool is_wide(uint8_t type)
{
	return type == WASM_TA_I64 || type == WASM_TA_F64;
}

static void take_values(struct wasm_ta_returned *returned, const WASMType *type,
			const uint32_t *cell)
{
	returned->count = type->result_count;
	for (uint32_t n = 0; n < returned->count; n++) {
		uint8_t kind = type->types[type->param_count + n];
		size_t cells = is_wide(kind) ? 2 : 1;

		returned->values[n].type = kind;
		memcpy(&returned->values[n].bits, cell, cells * sizeof(*cell));
		cell += cells;
	}
}

static void call(struct wasm_tee_module *loaded, const struct wasm_tee_call *call,
		 struct wasm_ta_returned *returned)
{
	wasm_function_inst_t function =
		wasm_runtime_lookup_function(loaded->instance, call->name, NULL);
	uint32_t cells[2 * WASM_TA_CALL_VALUES] = { };
	struct wasm_ta_result *result = &returned->result;
	wasm_exec_env_t env = NULL;
	uint32_t *cell = cells;
	bool good = false;

	result->stage = WASM_TA_STAGE_RUN;
	if (!function) {
		is(result, WASM_TA_REFUSED, "the module exports no such function");
		return;
	}
	for (uint32_t n = 0; n < call->argc; n++) {
		size_t count = is_wide(call->args[n].type) ? 2 : 1;

		memcpy(cell, &call->args[n].bits, count * sizeof(*cell));
		cell += count;
	}
	env = wasm_runtime_create_exec_env(loaded->instance, WASM_STACK_SIZE);
	good = env && wasm_runtime_call_wasm(env, function, cell - cells, cells);
	if (env)
		wasm_runtime_destroy_exec_env(env);
	if (!good) {
		const char *text = wasm_runtime_get_exception(loaded->instance);

		is(result, WASM_TA_TRAPPED, text ? text : "");
		wasm_runtime_clear_exception(loaded->instance);
		return;
	}
	is(result, WASM_TA_RETURNED, "");
	take_values(returned,
		    wasm_runtime_get_function_type(function, Wasm_Module_AoT),
		    cells);
}

static bool instantiate(struct wasm_tee_module *loaded,
			struct wasm_ta_result *result)
{
	char text[128] = { };
	const char *exception = NULL;

	if (!loaded->instance)
		loaded->instance = wasm_runtime_instantiate(
			loaded->module, WASM_STACK_SIZE, APP_HEAP_SIZE, text,
			sizeof(text));
	if (loaded->instance)
		return true;

	exception = strstr(text, "Exception: ");
	is(result, exception ? WASM_TA_TRAPPED : WASM_TA_REFUSED,
	   exception ? exception : text);
	return false;
}

bool wasm_tee_call_all(struct wasm_tee_module *loaded,
		       const struct wasm_tee_call *calls, size_t count,
		       struct wasm_ta_returned *returned,
		       struct wasm_tee_error *error)
{
	sigset_t caught;

	(void)error;
	/* Nobody else takes the signal that ends it */
	sigemptyset(&caught);
	sigaddset(&caught, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
	memset(returned, 0, count * sizeof(*returned));
	for (size_t n = 0; n < count; n++)
		if (instantiate(loaded, &returned[n].result))
			call(loaded, &calls[n], &returned[n]);
	return true;
}
