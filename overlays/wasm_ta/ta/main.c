// SPDX-License-Identifier: Apache-2.0
/*
 * Entry points of the runtime TA: sessions, commands, and the checks of what
 * the normal world passes.
 */
#include <optee_platform.h>
#include <tee_internal_api.h>
#include <wasm_ta.h>

#include "run.h"

struct session {
	uint32_t heap_size;
};

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t param_types,
				    TEE_Param params[TEE_NUM_PARAMS] __unused,
				    void **session_context)
{
	struct session *session = NULL;

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;

	session = TEE_Malloc(sizeof(*session), TEE_MALLOC_FILL_ZERO);
	if (!session)
		return TEE_ERROR_OUT_OF_MEMORY;

	*session_context = session;
	return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session_context)
{
	TEE_Free(session_context);
}

static TEE_Result configure_heap(struct session *session, uint32_t param_types,
				 const TEE_Param params[TEE_NUM_PARAMS])
{
	uint32_t size = params[0].value.a;

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;

	if (size < WASM_TA_HEAP_MIN || size > WASM_TA_HEAP_MAX)
		return TEE_ERROR_BAD_PARAMETERS;

	session->heap_size = size;
	return TEE_SUCCESS;
}

static TEE_Result run(const struct session *session, uint32_t param_types,
		      TEE_Param params[TEE_NUM_PARAMS])
{
	struct wasm_ta_result result = { };
	struct run_request request = { };

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INOUT,
					   TEE_PARAM_TYPE_MEMREF_OUTPUT))
		return TEE_ERROR_BAD_PARAMETERS;

	if (!params[0].memref.buffer || !params[1].memref.buffer ||
	    !params[2].memref.buffer || !params[3].memref.buffer ||
	    !params[0].memref.size ||
	    params[0].memref.size > WASM_TA_MODULE_MAX ||
	    params[3].memref.size != sizeof(result))
		return TEE_ERROR_BAD_PARAMETERS;

	if (!session->heap_size)
		return TEE_ERROR_BAD_STATE;

	if (!optee_platform_enter(&request))
		return TEE_ERROR_BAD_STATE;

	request.module = params[0].memref.buffer;
	request.module_size = params[0].memref.size;
	request.args = params[1].memref.buffer;
	request.args_size = params[1].memref.size;
	request.streams = params[2].memref.buffer;
	request.streams_size = params[2].memref.size;
	request.heap_size = session->heap_size;

	run_module(&request, &result);

	/* The only time that the result's memory is touched */
	TEE_MemMove(params[3].memref.buffer, &result, sizeof(result));
	return TEE_SUCCESS;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session_context, uint32_t command,
				      uint32_t param_types,
				      TEE_Param params[TEE_NUM_PARAMS])
{
	switch (command) {
	case WASM_TA_CMD_CONFIGURE_HEAP:
		return configure_heap(session_context, param_types, params);
	case WASM_TA_CMD_RUN:
		return run(session_context, param_types, params);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
