// SPDX-License-Identifier: Apache-2.0
/*
 * Entry points of the runtime TA: sessions, commands, and the checks of what
 * the normal world passes.
 */
#include <optee_platform.h>
#include <string.h>
#include <tee_internal_api.h>
#include <wasm_ta.h>

#include "session/session.h"
#include "trust/evidence.h"

#define NO_PARAMS TEE_PARAM_TYPES(TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE, \
				  TEE_PARAM_TYPE_NONE, TEE_PARAM_TYPE_NONE)

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

	if (param_types != NO_PARAMS)
		return TEE_ERROR_BAD_PARAMETERS;

	session = TEE_Malloc(sizeof(*session), TEE_MALLOC_FILL_ZERO);
	if (!session)
		return TEE_ERROR_OUT_OF_MEMORY;

	*session_context = session;
	return TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session_context)
{
	session_close(session_context);
	evidence_close();
	TEE_Free(session_context);
}

/* Takes a parameter that has to have so many bytes; 0: any number of them */
static bool take(const TEE_Param *param, size_t size, struct shared *shared)
{
	shared->buffer = param->memref.buffer;
	shared->size = param->memref.size;
	return shared->buffer && (!size || shared->size == size);
}

static bool take_module(const TEE_Param *param, struct shared *module)
{
	return take(param, 0, module) && module->size &&
	       module->size <= WASM_TA_MODULE_MAX;
}

static TEE_Result configure_heap(struct session *session, uint32_t param_types,
				 const TEE_Param params[TEE_NUM_PARAMS])
{
	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;

	return session_configure(session, params[0].value.a, params[0].value.b);
}

static TEE_Result run(struct session *session, uint32_t param_types,
		      const TEE_Param params[TEE_NUM_PARAMS])
{
	struct wasm_ta_result result = { };
	struct shared streams = { };
	struct shared module = { };
	struct shared args = { };
	struct shared out = { };
	TEE_Result res = TEE_SUCCESS;

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INOUT,
					   TEE_PARAM_TYPE_MEMREF_OUTPUT))
		return TEE_ERROR_BAD_PARAMETERS;

	if (!take_module(&params[0], &module) || !take(&params[1], 0, &args) ||
	    !take(&params[2], 0, &streams) ||
	    !take(&params[3], sizeof(result), &out))
		return TEE_ERROR_BAD_PARAMETERS;

	res = session_run(session, module, args, streams, &result);
	/* The only time that the result's memory is touched */
	if (res == TEE_SUCCESS)
		memcpy(out.buffer, &result, sizeof(result));
	return res;
}

static TEE_Result load(struct session *session, uint32_t param_types,
		       TEE_Param params[TEE_NUM_PARAMS])
{
	struct wasm_ta_result result = { };
	struct shared module = { };
	struct shared out = { };
	TEE_Result res = TEE_SUCCESS;

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_VALUE_OUTPUT,
					   TEE_PARAM_TYPE_MEMREF_INOUT,
					   TEE_PARAM_TYPE_MEMREF_OUTPUT))
		return TEE_ERROR_BAD_PARAMETERS;

	/* Of the streams only the words count, which the core looks at */
	if (!take_module(&params[0], &module) ||
	    !take(&params[3], sizeof(result), &out))
		return TEE_ERROR_BAD_PARAMETERS;

	res = session_load(session, module, &result, &params[1].value.a);
	if (res == TEE_SUCCESS)
		memcpy(out.buffer, &result, sizeof(result));
	return res;
}

static TEE_Result run_loaded(struct session *session, uint32_t param_types,
			     const TEE_Param params[TEE_NUM_PARAMS])
{
	struct wasm_ta_result result = { };
	struct shared streams = { };
	struct shared args = { };
	struct shared out = { };
	TEE_Result res = TEE_SUCCESS;

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INOUT,
					   TEE_PARAM_TYPE_MEMREF_OUTPUT))
		return TEE_ERROR_BAD_PARAMETERS;

	if (!take(&params[1], 0, &args) || !take(&params[2], 0, &streams) ||
	    !take(&params[3], sizeof(result), &out))
		return TEE_ERROR_BAD_PARAMETERS;

	res = session_run_loaded(session, params[0].value.a, args, streams,
				 &result);
	if (res == TEE_SUCCESS)
		memcpy(out.buffer, &result, sizeof(result));
	return res;
}

static TEE_Result call(struct session *session, uint32_t param_types,
		       const TEE_Param params[TEE_NUM_PARAMS])
{
	struct shared streams = { };
	struct shared out = { };
	struct shared in = { };
	size_t count = 0;

	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INPUT,
					   TEE_PARAM_TYPE_MEMREF_INOUT,
					   TEE_PARAM_TYPE_MEMREF_OUTPUT))
		return TEE_ERROR_BAD_PARAMETERS;

	count = params[1].memref.size / sizeof(struct wasm_ta_call);
	if (!count || count > WASM_TA_CALLS_MAX ||
	    !take(&params[1], count * sizeof(struct wasm_ta_call), &in) ||
	    !take(&params[2], 0, &streams) ||
	    !take(&params[3], count * sizeof(struct wasm_ta_returned), &out))
		return TEE_ERROR_BAD_PARAMETERS;

	return session_call(session, params[0].value.a, in, streams, out);
}

static TEE_Result unload(struct session *session, uint32_t param_types,
			 const TEE_Param params[TEE_NUM_PARAMS])
{
	if (param_types != TEE_PARAM_TYPES(TEE_PARAM_TYPE_VALUE_INPUT,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE))
		return TEE_ERROR_BAD_PARAMETERS;

	return session_unload(session, params[0].value.a);
}

TEE_Result TA_InvokeCommandEntryPoint(void *session_context, uint32_t command,
				      uint32_t param_types,
				      TEE_Param params[TEE_NUM_PARAMS])
{
	uint32_t frame = 0;

	/* Programs find out from this where the stack ends */
	if (!optee_platform_enter(&frame))
		return TEE_ERROR_BAD_STATE;

	switch (command) {
	case WASM_TA_CMD_CONFIGURE_HEAP:
		return configure_heap(session_context, param_types, params);
	case WASM_TA_CMD_RUN:
		return run(session_context, param_types, params);
	case WASM_TA_CMD_LOAD:
		return load(session_context, param_types, params);
	case WASM_TA_CMD_RUN_LOADED:
		return run_loaded(session_context, param_types, params);
	case WASM_TA_CMD_CALL:
		return call(session_context, param_types, params);
	case WASM_TA_CMD_UNLOAD:
		return unload(session_context, param_types, params);
	case WASM_TA_CMD_NONCE:
	case WASM_TA_CMD_EVIDENCE:
	case WASM_TA_CMD_ATTESTATION_KEY:
		return evidence_command(command, param_types, params);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
