// SPDX-License-Identifier: Apache-2.0
/*
 * Evidence of what the TEE runs: a nonce in, a token out, and the key to it.
 */
#include <stdio.h>
#include <string.h>

#include "library/tee_internal.h"

bool wasm_tee_set_nonce(struct wasm_tee *tee, const void *nonce, size_t size,
			struct wasm_tee_error *error)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT,
					       TEEC_NONE, TEEC_NONE, TEEC_NONE),
		.params[0].tmpref = { (void *)nonce, size },
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_ERROR_BAD_PARAMETERS;

	if (size >= WASM_TA_NONCE_MIN && size <= WASM_TA_NONCE_MAX)
		res = TEEC_InvokeCommand(&tee->session, WASM_TA_CMD_NONCE,
					 &operation, &origin);
	if (res == TEEC_SUCCESS)
		return true;

	tee_fail(error, "the TA does not take the nonce", res, origin);
	if (res == TEEC_ERROR_BAD_STATE)
		error->hint = "open a session of its own for each module that evidence is wanted of";
	if (res == TEEC_ERROR_BAD_PARAMETERS) {
		snprintf(error->text, sizeof(error->text),
			 "a nonce of %zu bytes is not possible: it takes %d to %d",
			 size, WASM_TA_NONCE_MIN, WASM_TA_NONCE_MAX);
		error->hint = "give 32 random bytes";
	}
	return false;
}

/* What a command writes into its one parameter */
static bool get(struct wasm_tee *tee, uint32_t command,
		uint8_t bytes[WASM_TA_EVIDENCE_MAX], size_t *size,
		const char *what, struct wasm_tee_error *error)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_OUTPUT,
					       TEEC_NONE, TEEC_NONE, TEEC_NONE),
		.params[0].tmpref = { bytes, WASM_TA_EVIDENCE_MAX },
	};
	uint32_t origin = TEEC_ORIGIN_API;
	TEEC_Result res = TEEC_InvokeCommand(&tee->session, command, &operation,
					     &origin);

	*size = operation.params[0].tmpref.size;
	if (res == TEEC_SUCCESS)
		return true;

	tee_fail(error, what, res, origin);
	if (res == TEEC_ERROR_ITEM_NOT_FOUND)
		error->hint = "build the core with CFG_ATTESTATION_PTA=y, and start the machine again";
	return false;
}

bool wasm_tee_evidence(struct wasm_tee *tee,
		       uint8_t token[WASM_TA_EVIDENCE_MAX], size_t *size,
		       struct wasm_tee_error *error)
{
	return get(tee, WASM_TA_CMD_EVIDENCE, token, size,
		   "the TA has no evidence", error);
}

bool wasm_tee_attestation_key(struct wasm_tee *tee,
			      uint8_t key[WASM_TA_EVIDENCE_MAX], size_t *size,
			      struct wasm_tee_error *error)
{
	return get(tee, WASM_TA_CMD_ATTESTATION_KEY, key, size,
		   "the TEE has no key for evidence", error);
}
