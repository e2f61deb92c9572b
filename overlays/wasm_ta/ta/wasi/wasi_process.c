// SPDX-License-Identifier: Apache-2.0
/*
 * WASI: arguments, environment, random numbers and exit.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "wasi/wasi_calls.h"

/* Bounds the time spent in the core with its random number generator */
#define RANDOM_SLICE		4096

/* Trap text of an end that is no trap; instance.c looks at struct wasi */
#define TEXT_EXIT		"proc_exit"

/* Arguments and environment */

static uint32_t put_strings(wasm_exec_env_t env, uint32_t pointers,
			    uint32_t address, const char *strings,
			    uint32_t count, uint32_t size)
{
	uint8_t *table = wasi_app(env, pointers, (uint64_t)count * sizeof(uint32_t));
	char *target = wasi_app(env, address, size);
	uint32_t offset = 0;
	uint32_t n = 0;

	if (!table || !target)
		return WASI_EINVAL;

	memcpy(target, strings, size);
	for (n = 0; n < count; n++) {
		uint32_t pointer = address + offset;

		memcpy(table + n * sizeof(pointer), &pointer, sizeof(pointer));
		offset += strlen(strings + offset) + 1;
	}

	return WASI_ESUCCESS;
}

static uint32_t put_sizes(wasm_exec_env_t env, uint32_t count_at,
			  uint32_t size_at, uint32_t count, uint32_t size)
{
	uint32_t err = wasi_put_u32(env, count_at, count);

	return err ? err : wasi_put_u32(env, size_at, size);
}

uint32_t wasi_args_get(wasm_exec_env_t env, uint32_t pointers,
		       uint32_t address)
{
	return put_strings(env, pointers, address, wasi->args->argv,
			   wasi->args->argc, wasi->args->argv_size);
}

uint32_t wasi_args_sizes_get(wasm_exec_env_t env, uint32_t count_at,
			     uint32_t size_at)
{
	return put_sizes(env, count_at, size_at, wasi->args->argc,
			 wasi->args->argv_size);
}

uint32_t wasi_environ_get(wasm_exec_env_t env, uint32_t pointers,
			  uint32_t address)
{
	return put_strings(env, pointers, address, wasi->args->environ,
			   wasi->args->envc, wasi->args->environ_size);
}

uint32_t wasi_environ_sizes_get(wasm_exec_env_t env, uint32_t count_at,
				uint32_t size_at)
{
	return put_sizes(env, count_at, size_at, wasi->args->envc,
			 wasi->args->environ_size);
}

/* Process and random numbers */

void wasi_proc_exit(wasm_exec_env_t env, uint32_t code)
{
	/* AOT code returns to its caller, up to instance.c, on any exception */
	wasi->exited = true;
	wasi->exit_code = code;
	wasm_runtime_set_exception(wasm_runtime_get_module_inst(env),
				   TEXT_EXIT);
}

uint32_t wasi_proc_raise(wasm_exec_env_t env __unused,
			 uint32_t signal __unused)
{
	return WASI_ENOSYS;
}

uint32_t wasi_random_get(wasm_exec_env_t env, uint32_t at, uint32_t length)
{
	uint8_t *bytes = wasi_app(env, at, length);

	if (!bytes)
		return WASI_EINVAL;

	while (length) {
		uint32_t part = MIN(length, (uint32_t)RANDOM_SLICE);

		TEE_GenerateRandom(bytes, part);
		bytes += part;
		length -= part;
	}

	return WASI_ESUCCESS;
}

uint32_t wasi_sched_yield(wasm_exec_env_t env __unused)
{
	return WASI_ESUCCESS;
}
