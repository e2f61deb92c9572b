// SPDX-License-Identifier: Apache-2.0
/*
 * Evidence: one nonce, one token and one key in the life of an instance of the TA.
 */
#include "trust/evidence.h"

#include <inttypes.h>
#include <string.h>
#include <wasm_ta.h>

#include "trust/attester.h"
#include "trust/hpke.h"

static struct {
	uint8_t nonce[WASM_TA_NONCE_MAX];
	size_t nonce_size;		/* 0: none was given */
	uint8_t *token;
	size_t token_size;
	struct hpke key;		/* of the session */
	bool begun;			/* a module came before a nonce */
} evidence;

void evidence_begin(void)
{
	evidence.begun = true;
}

const uint8_t *evidence_token(size_t *size)
{
	*size = evidence.token_size;
	return evidence.token_size ? evidence.token : NULL;
}

const uint8_t *evidence_point(void)
{
	return evidence.token_size ? evidence.key.point : NULL;
}

TEE_Result evidence_receive(const uint8_t *message, size_t size, uint8_t *out)
{
	if (!evidence.token_size)
		return TEE_ERROR_NO_DATA;

	return hpke_receive(&evidence.key, evidence.token, evidence.token_size,
			    message, size, out);
}

/*
 * Cores derive a device's name from its hardware key (HUK_SUBKEY_DIE_ID), and this
 * is what comes of 16 zero bytes, which is the key where a platform brings none
 */
static bool has_zero_key(void)
{
	static const TEE_UUID zero = {
		0x94e9ab89, 0x4c43, 0x56ea,
		{ 0x8b, 0x35, 0x45, 0xdc,
		  0x07, 0x22, 0x68, 0x30 }
	};
	TEE_UUID device = { };

	return TEE_GetPropertyAsUUID(TEE_PROPSET_TEE_IMPLEMENTATION,
				     "gpd.tee.deviceID", &device) ==
	       TEE_SUCCESS && !memcmp(&device, &zero, sizeof(device));
}

/* @what: that which does not work, in words */
static TEE_Result measure(TEE_TASessionHandle attester,
			  struct token_claims *claims, const char **what)
{
	size_t size = sizeof(claims->core_version);
	TEE_Result res = TEE_SUCCESS;

	*what = "have the core measured";
	res = attester_measure_core(attester, claims->core);
	if (res != TEE_SUCCESS)
		return res;

	*what = "ask for the core's version";
	res = TEE_GetPropertyAsString(TEE_PROPSET_TEE_IMPLEMENTATION,
				      "gpd.tee.trustedos.implementation.version",
				      claims->core_version, &size);
	if (res != TEE_SUCCESS)
		return res;

	claims->zero_key = has_zero_key();
	*what = "make a key for the session";
	return hpke_open(&evidence.key);
}

static TEE_Result make(const struct token_module *module, const char **what)
{
	TEE_TASessionHandle attester = TEE_HANDLE_NULL;
	struct token_claims claims = {
		.nonce = evidence.nonce,
		.nonce_size = evidence.nonce_size,
		.point = evidence.key.point,
		.module = module,
	};
	TEE_Result res = TEE_SUCCESS;

	*what = "reach the attestation of the core (CFG_ATTESTATION_PTA)";
	res = attester_open(&attester);
	if (res != TEE_SUCCESS)
		return res;

	res = measure(attester, &claims, what);
	if (res == TEE_SUCCESS) {
		*what = "have it signed";
		res = token_make(attester, &claims, evidence.token,
				 &evidence.token_size);
	}
	attester_close(attester);
	return res;
}

bool evidence_make(struct outcome *outcome,
		   const struct token_module *module)
{
	const char *what = "have memory for it";
	TEE_Result res = TEE_ERROR_OUT_OF_MEMORY;

	if (!evidence.nonce_size)
		return true;

	evidence.token = TEE_Malloc(WASM_TA_EVIDENCE_MAX, TEE_MALLOC_FILL_ZERO);
	if (evidence.token)
		res = make(module, &what);
	if (res == TEE_SUCCESS)
		return true;

	evidence_close();
	return outcome_is(outcome, WASM_TA_FAILED,
			  "there is no evidence: the TA cannot %s (%#"PRIx32")",
			  what, res);
}

static TEE_Result take_nonce(const TEE_Param *param)
{
	if (param->memref.size < WASM_TA_NONCE_MIN ||
	    param->memref.size > WASM_TA_NONCE_MAX)
		return TEE_ERROR_BAD_PARAMETERS;
	if (evidence.begun || evidence.nonce_size)
		return TEE_ERROR_BAD_STATE;

	/* In shared memory: its size is ours, its bytes are read once */
	evidence.nonce_size = param->memref.size;
	memcpy(evidence.nonce, param->memref.buffer, evidence.nonce_size);
	return TEE_SUCCESS;
}

static TEE_Result give(TEE_Param *param, const void *bytes, size_t size)
{
	size_t room = param->memref.size;

	param->memref.size = size;
	if (room < size)
		return TEE_ERROR_SHORT_BUFFER;

	memcpy(param->memref.buffer, bytes, size);
	return TEE_SUCCESS;
}

static TEE_Result give_key(TEE_Param *param)
{
	uint8_t buffer[TOKEN_KEY_SIZE] = { };
	TEE_TASessionHandle attester = TEE_HANDLE_NULL;
	struct attester_key key = { };
	TEE_Result res = attester_open(&attester);
	size_t size = 0;

	if (res != TEE_SUCCESS)
		return res;

	res = attester_get_key(attester, &key);
	attester_close(attester);
	if (res != TEE_SUCCESS)
		return res;

	size = token_put_key(&key, buffer, sizeof(buffer));
	return size ? give(param, buffer, size) : TEE_ERROR_BAD_FORMAT;
}

TEE_Result evidence_command(uint32_t command, uint32_t param_types,
			    TEE_Param params[TEE_NUM_PARAMS])
{
	uint32_t type = command == WASM_TA_CMD_NONCE ?
			TEE_PARAM_TYPE_MEMREF_INPUT :
			TEE_PARAM_TYPE_MEMREF_OUTPUT;

	if (param_types != TEE_PARAM_TYPES(type, TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE,
					   TEE_PARAM_TYPE_NONE) ||
	    !params[0].memref.buffer)
		return TEE_ERROR_BAD_PARAMETERS;

	switch (command) {
	case WASM_TA_CMD_NONCE:
		return take_nonce(&params[0]);
	case WASM_TA_CMD_EVIDENCE:
		if (!evidence.token_size)
			return TEE_ERROR_NO_DATA;
		return give(&params[0], evidence.token, evidence.token_size);
	default:
		return give_key(&params[0]);
	}
}

void evidence_close(void)
{
	hpke_close(&evidence.key);
	TEE_Free(evidence.token);
	evidence.token = NULL;
	evidence.token_size = 0;
}
