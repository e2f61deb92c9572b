// SPDX-License-Identifier: Apache-2.0
/*
 * WASI: what its functions share.
 */
#include "wasi/wasi_calls.h"

#include <string.h>

/* Trap text of an end that is no trap; instance.c looks at struct wasi */
#define TEXT_STOPPED		"the run was ended from outside"

struct wasi *wasi;

void *wasi_app(wasm_exec_env_t env, uint32_t address, uint64_t length)
{
	static uint8_t nothing;
	wasm_module_inst_t inst = wasm_runtime_get_module_inst(env);

	/* What is not accessed may be anywhere, as an empty slice of Rust is */
	if (!length)
		return &nothing;
	if (length > UINT32_MAX) {
		wasm_runtime_set_exception(inst, "out of bounds memory access");
		return NULL;
	}
	if (!wasm_runtime_validate_app_addr(inst, address, length))
		return NULL;

	return wasm_runtime_addr_app_to_native(inst, address);
}

uint32_t wasi_put(wasm_exec_env_t env, uint32_t address, const void *value,
		  size_t size)
{
	void *target = wasi_app(env, address, size);

	if (!target)
		return WASI_EINVAL;

	memcpy(target, value, size);
	return WASI_ESUCCESS;
}

uint32_t wasi_put_u32(wasm_exec_env_t env, uint32_t address, uint32_t value)
{
	return wasi_put(env, address, &value, sizeof(value));
}

uint32_t wasi_put_u64(wasm_exec_env_t env, uint32_t address, uint64_t value)
{
	return wasi_put(env, address, &value, sizeof(value));
}

uint32_t wasi_stop(wasm_exec_env_t env, TEE_Result reason)
{
	wasi->failure = reason;
	wasm_runtime_set_exception(wasm_runtime_get_module_inst(env),
				   TEXT_STOPPED);
	return WASI_EIO;
}
