// SPDX-License-Identifier: Apache-2.0
/*
 * The way from libwasm_tee to the runtime TA when both are in this process: what
 * libteec, the kernel and the OP-TEE core do, as far as it is used.
 */
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

#include "tee.h"

TEEC_Result TEEC_InitializeContext(const char *name, TEEC_Context *context)
{
	(void)name;
	(void)context;
	return TEEC_SUCCESS;
}

void TEEC_FinalizeContext(TEEC_Context *context)
{
	(void)context;
}

TEEC_Result TEEC_OpenSession(TEEC_Context *context, TEEC_Session *session,
			     const TEEC_UUID *uuid, uint32_t method,
			     const void *data, TEEC_Operation *operation,
			     uint32_t *origin)
{
	(void)context;
	(void)session;
	(void)uuid;
	(void)method;
	(void)data;
	(void)operation;
	*origin = TEEC_ORIGIN_TRUSTED_APP;
	return ta_open();
}

void TEEC_CloseSession(TEEC_Session *session)
{
	(void)session;
	ta_close();
}

TEEC_Result TEEC_AllocateSharedMemory(TEEC_Context *context,
				      TEEC_SharedMemory *memory)
{
	(void)context;
	memory->buffer = calloc(1, memory->size ? memory->size : 1);
	return memory->buffer ? TEEC_SUCCESS : TEEC_ERROR_OUT_OF_MEMORY;
}

void TEEC_ReleaseSharedMemory(TEEC_SharedMemory *memory)
{
	free(memory->buffer);
	memset(memory, 0, sizeof(*memory));
}

static struct ta_param to_tee(uint32_t type, const TEEC_Parameter *param)
{
	const TEEC_SharedMemory *memory = NULL;

	if (type == TEEC_VALUE_INPUT || type == TEEC_VALUE_OUTPUT ||
	    type == TEEC_VALUE_INOUT)
		return (struct ta_param){
			.type = type, .a = param->value.a, .b = param->value.b,
		};
	if (type != TEEC_MEMREF_WHOLE)
		return (struct ta_param){ };

	/* Flags are 1 for input and 2 for output, types of the TEE 5, 6 and 7 */
	memory = param->memref.parent;
	return (struct ta_param){
		.type = 4 + (memory->flags & 3),
		.buffer = memory->buffer, .size = memory->size,
	};
}

TEEC_Result TEEC_InvokeCommand(TEEC_Session *session, uint32_t command,
			       TEEC_Operation *operation, uint32_t *origin)
{
	struct ta_param params[TEEC_CONFIG_PAYLOAD_REF_COUNT] = { };
	TEEC_Result res = TEEC_SUCCESS;
	uint32_t type = 0;
	size_t n = 0;

	(void)session;
	if (origin)
		*origin = TEEC_ORIGIN_TRUSTED_APP;
	for (n = 0; n < TEEC_CONFIG_PAYLOAD_REF_COUNT; n++)
		params[n] = to_tee(operation->paramTypes >> 4 * n & 0xf,
				   &operation->params[n]);
	res = ta_invoke(command, params);
	for (n = 0; n < TEEC_CONFIG_PAYLOAD_REF_COUNT; n++) {
		type = operation->paramTypes >> 4 * n & 0xf;
		if (type != TEEC_VALUE_OUTPUT && type != TEEC_VALUE_INOUT)
			continue;
		operation->params[n].value.a = params[n].a;
		operation->params[n].value.b = params[n].b;
	}
	return res;
}

void TEEC_RequestCancellation(TEEC_Operation *operation)
{
	(void)operation;
}
