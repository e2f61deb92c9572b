// SPDX-License-Identifier: Apache-2.0
/*
 * Entry points of the mprotect_test TA
 */
#include <pta_system.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

#include "cases.h"

#define TYPE(n)		TEE_PARAM_TYPE_##n

TEE_Result TA_CreateEntryPoint(void)
{
	return TEE_SUCCESS;
}

void TA_DestroyEntryPoint(void)
{
}

TEE_Result TA_OpenSessionEntryPoint(uint32_t types,
				    TEE_Param params[TEE_NUM_PARAMS] __unused,
				    void **session __unused)
{
	return types ? TEE_ERROR_BAD_PARAMETERS : TEE_SUCCESS;
}

void TA_CloseSessionEntryPoint(void *session __unused)
{
}

static TEE_Result cmd_protect(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t plain = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
					       TYPE(VALUE_INPUT),
					       TYPE(VALUE_OUTPUT),
					       TYPE(NONE));
	const uint32_t client = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
						TYPE(VALUE_INPUT),
						TYPE(VALUE_OUTPUT),
						TYPE(MEMREF_INOUT));
	void *buf = NULL;
	size_t len = 0;

	if (types == client) {
		buf = params[3].memref.buffer;
		len = params[3].memref.size;
	} else if (types != plain) {
		return TEE_ERROR_BAD_PARAMETERS;
	}

	return protect_memory(params[0].value.a, params[0].value.b,
			      params[1].value.a, params[1].value.b, buf, len,
			      &params[2].value.a);
}

static TEE_Result cmd_call(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t expected = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
						  TYPE(VALUE_OUTPUT),
						  TYPE(NONE), TYPE(NONE));

	if (types != expected)
		return TEE_ERROR_BAD_PARAMETERS;

	return call_code(params[0].value.a, &params[1].value.a);
}

static TEE_Result cmd_fault(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t expected = TEE_PARAM_TYPES(TYPE(VALUE_INPUT), TYPE(NONE),
						  TYPE(NONE), TYPE(NONE));

	if (types != expected)
		return TEE_ERROR_BAD_PARAMETERS;

	return provoke_fault(params[0].value.a);
}

static TEE_Result cmd_watch(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t expected = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
						  TYPE(VALUE_OUTPUT),
						  TYPE(MEMREF_INOUT),
						  TYPE(NONE));

	const uint32_t without = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
						 TYPE(VALUE_OUTPUT),
						 TYPE(NONE), TYPE(NONE));

	if (types != expected && types != without)
		return TEE_ERROR_BAD_PARAMETERS;

	return watch_client(params[0].value.a, &params[1].value.a);
}

static TEE_Result cmd_seal(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t expected = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
						  TYPE(VALUE_OUTPUT),
						  TYPE(NONE), TYPE(NONE));

	if (types != expected)
		return TEE_ERROR_BAD_PARAMETERS;

	return seal_and_try(params[0].value.a, params[0].value.b,
			    &params[1].value.a);
}

static TEE_Result cmd_steps(uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t expected = TEE_PARAM_TYPES(TYPE(MEMREF_INPUT),
						  TYPE(MEMREF_OUTPUT),
						  TYPE(MEMREF_INOUT),
						  TYPE(NONE));
	size_t count = 0;

	if (types != expected ||
	    params[1].memref.size < sizeof(struct mprotect_test_done) ||
	    params[2].memref.size < 2 * MPROTECT_TEST_PAGE)
		return TEE_ERROR_BAD_PARAMETERS;
	count = params[0].memref.size / sizeof(struct mprotect_test_step);
	if (count > MPROTECT_TEST_MOST_STEPS)
		return TEE_ERROR_BAD_PARAMETERS;

	return carry_out(params[0].memref.buffer, count,
			 params[1].memref.buffer, params[2].memref.buffer);
}

static TEE_Result cmd_bad_types(uint32_t types,
				TEE_Param params[TEE_NUM_PARAMS])
{
	const uint32_t expected = TEE_PARAM_TYPES(TYPE(VALUE_OUTPUT),
						  TYPE(NONE), TYPE(NONE),
						  TYPE(NONE));
	const uint32_t wrong = TEE_PARAM_TYPES(TYPE(VALUE_INPUT),
					       TYPE(VALUE_INOUT), TYPE(NONE),
					       TYPE(NONE));
	static const TEE_UUID system_pta = PTA_SYSTEM_UUID;
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Param asked[TEE_NUM_PARAMS] = { };
	TEE_Result res = TEE_SUCCESS;

	if (types != expected)
		return TEE_ERROR_BAD_PARAMETERS;

	res = TEE_OpenTASession(&system_pta, TEE_TIMEOUT_INFINITE, 0, NULL,
				&session, NULL);
	if (res)
		return res;
	params[0].value.a = TEE_InvokeTACommand(session, TEE_TIMEOUT_INFINITE,
						PTA_SYSTEM_MPROTECT, wrong,
						asked, NULL);
	TEE_CloseTASession(session);

	return TEE_SUCCESS;
}

TEE_Result TA_InvokeCommandEntryPoint(void *session __unused, uint32_t cmd,
				      uint32_t types,
				      TEE_Param params[TEE_NUM_PARAMS])
{
	switch (cmd) {
	case MPROTECT_TEST_CMD_PROTECT:
		return cmd_protect(types, params);
	case MPROTECT_TEST_CMD_CALL:
		return cmd_call(types, params);
	case MPROTECT_TEST_CMD_FAULT:
		return cmd_fault(types, params);
	case MPROTECT_TEST_CMD_WATCH:
		return cmd_watch(types, params);
	case MPROTECT_TEST_CMD_SEAL:
		return cmd_seal(types, params);
	case MPROTECT_TEST_CMD_STEPS:
		return cmd_steps(types, params);
	case MPROTECT_TEST_CMD_BAD_TYPES:
		return cmd_bad_types(types, params);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}
