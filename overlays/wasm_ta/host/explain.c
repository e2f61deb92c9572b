// SPDX-License-Identifier: Apache-2.0
/*
 * Words for what goes wrong: TEE result codes, and the ends of programs.
 */
#include "explain.h"

#include <string.h>
#include <tee_client_api.h>

#include "libwasm_tee.h"

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

static const struct {
	uint32_t code;
	const char *text;
	const char *hint;
} codes[] = {
	{ TEEC_ERROR_GENERIC, "an error of no further kind",
	  "see the log of the secure world" },
	{ TEEC_ERROR_ACCESS_DENIED, "access denied",
	  "run it as a user who may use /dev/tee0" },
	{ TEEC_ERROR_EXCESS_DATA, "too much data",
	  "give fewer or shorter arguments and environment variables" },
	{ TEEC_ERROR_BAD_FORMAT, "an answer in another format",
	  "deploy the runtime TA and the host app of the same build" },
	{ TEEC_ERROR_BAD_PARAMETERS, "bad parameters",
	  "deploy the runtime TA and the host app of the same build" },
	{ TEEC_ERROR_BAD_STATE, "a call at the wrong moment",
	  "configure a heap before the first run" },
	{ TEEC_ERROR_ITEM_NOT_FOUND, "not found",
	  "is the driver loaded (/dev/tee0), and the TA in /lib/optee_armtz?" },
	{ TEEC_ERROR_NOT_SUPPORTED, "not supported",
	  "deploy the runtime TA and the host app of the same build" },
	{ TEEC_ERROR_OUT_OF_MEMORY, "out of memory",
	  "close other sessions, or give the TEE more secure memory" },
	{ TEEC_ERROR_BUSY, "busy", "try again" },
	{ TEEC_ERROR_COMMUNICATION, "no communication with tee-supplicant",
	  "start tee-supplicant" },
	{ TEEC_ERROR_SECURITY, "a security check failed",
	  "is the TA signed with the key that this OP-TEE was built with?" },
	{ TEEC_ERROR_TARGET_DEAD, "the TA panicked",
	  "see the log of the secure world for the panic and its call stack" },
};

static const struct {
	const char *part;	/* of the runtime's message */
	const char *hint;
} traps[] = {
	{ "out of bounds memory access",
	  "the program read or wrote outside its memory: look for a bad pointer or index" },
	{ "native stack overflow",
	  "the program's recursion is too deep for the TA's stack (TA_STACK_SIZE)" },
	{ "wasm auxiliary stack overflow",
	  "give the program a larger stack: -Wl,-z,stack-size=BYTES" },
	{ "unreachable",
	  "the program gave up: look for abort(), a failed assertion or a panic above" },
	{ "integer divide by zero", "look for a division by zero" },
	{ "integer overflow",
	  "look for a division or conversion whose result does not fit" },
	{ "indirect call",
	  "look for a call through a function pointer of another type" },
	{ "undefined element",
	  "look for a call through a bad function pointer" },
	{ "uninitialized element",
	  "look for a call through a null function pointer" },
	{ "allocate memory failed", "give a larger heap" },
};

const char *explain_code(uint32_t code)
{
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(codes); n++)
		if (codes[n].code == code)
			return codes[n].text;

	return "an unknown error";
}

const char *explain_hint(uint32_t code, uint32_t origin)
{
	size_t n = 0;

	if (code == TEEC_ERROR_ITEM_NOT_FOUND && origin == TEEC_ORIGIN_TEE)
		return "deploy the runtime TA: 7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11.ta in /lib/optee_armtz";

	for (n = 0; n < ARRAY_SIZE(codes); n++)
		if (codes[n].code == code)
			return codes[n].hint;

	return "see the log of the secure world";
}

const char *explain_origin(uint32_t origin)
{
	switch (origin) {
	case TEEC_ORIGIN_API:
		return "libteec";
	case TEEC_ORIGIN_COMMS:
		return "the way to the TEE";
	case TEEC_ORIGIN_TEE:
		return "the TEE";
	case TEEC_ORIGIN_TRUSTED_APP:
		return "the TA";
	default:
		return "an unknown origin";
	}
}

const char *wasm_tee_hint(const struct wasm_ta_result *result)
{
	size_t n = 0;

	switch (result->outcome) {
	case WASM_TA_TRAPPED:
		for (n = 0; n < ARRAY_SIZE(traps); n++)
			if (strstr(result->message, traps[n].part))
				return traps[n].hint;
		return "look at what the program did last";
	case WASM_TA_REFUSED:
		if (strstr(result->message, "too small"))
			return "give a larger heap";
		if (strstr(result->message, "has no memory"))
			return "give a smaller heap, or the TEE more secure memory";
		if (strstr(result->message, "the module imports"))
			return "build the program for wasm32-wasi";
		if (strstr(result->message, "compile it") ||
		    strstr(result->message, "link it"))
			return "then deploy it again";
		return "compile the module again, and check that it was copied whole";
	default:
		return "see the log of the secure world";
	}
}
