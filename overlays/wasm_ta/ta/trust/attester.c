// SPDX-License-Identifier: Apache-2.0
/*
 * The commands of the attestation pseudo TA, as core/pta/attestation.c has them.
 */
#include "trust/attester.h"

#include <pta_attestation.h>
#include <string.h>

TEE_Result attester_open(TEE_TASessionHandle *attester)
{
	static const TEE_UUID uuid = PTA_ATTESTATION_UUID;
	uint32_t origin = 0;

	return TEE_OpenTASession(&uuid, TEE_TIMEOUT_INFINITE, 0, NULL, attester,
				 &origin);
}

void attester_close(TEE_TASessionHandle attester)
{
	TEE_CloseTASession(attester);
}

static TEE_Result invoke(TEE_TASessionHandle attester, uint32_t command,
			 uint32_t types, TEE_Param params[TEE_NUM_PARAMS])
{
	uint32_t origin = 0;

	return TEE_InvokeTACommand(attester, TEE_TIMEOUT_INFINITE, command,
				   types, params, &origin);
}

TEE_Result attester_get_key(TEE_TASessionHandle attester,
			    struct attester_key *key)
{
	TEE_Param params[TEE_NUM_PARAMS] = {
		[0].memref = { key->exponent, sizeof(key->exponent) },
		[1].memref = { key->modulus, sizeof(key->modulus) },
	};
	TEE_Result res = invoke(attester, PTA_ATTESTATION_GET_PUBKEY,
				TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_OUTPUT,
						TEE_PARAM_TYPE_MEMREF_OUTPUT,
						TEE_PARAM_TYPE_VALUE_OUTPUT,
						TEE_PARAM_TYPE_NONE),
				params);

	if (res != TEE_SUCCESS)
		return res;
	if (params[2].value.a != TEE_ALG_RSASSA_PKCS1_PSS_MGF1_SHA256)
		return TEE_ERROR_NOT_SUPPORTED;

	key->exponent_size = params[0].memref.size;
	key->modulus_size = params[1].memref.size;
	return TEE_SUCCESS;
}

/* What @command writes is a digest, and then a signature over @prefix and it */
static TEE_Result hash_memory(TEE_TASessionHandle attester, uint32_t command,
			      const void *prefix, size_t prefix_size,
			      uint8_t digest[ATTESTER_DIGEST_SIZE],
			      uint8_t signature[ATTESTER_KEY_SIZE],
			      size_t *signature_size)
{
	uint8_t out[ATTESTER_DIGEST_SIZE + ATTESTER_KEY_SIZE] = { };
	TEE_Param params[TEE_NUM_PARAMS] = {
		[0].memref = { (void *)prefix, prefix_size },
		[1].memref = { out, sizeof(out) },
	};
	TEE_Result res = invoke(attester, command,
				TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
						TEE_PARAM_TYPE_MEMREF_OUTPUT,
						TEE_PARAM_TYPE_NONE,
						TEE_PARAM_TYPE_NONE),
				params);
	size_t size = params[1].memref.size;

	if (res != TEE_SUCCESS)
		return res;
	if (size <= ATTESTER_DIGEST_SIZE || size > sizeof(out))
		return TEE_ERROR_BAD_FORMAT;

	*signature_size = size - ATTESTER_DIGEST_SIZE;
	memcpy(digest, out, ATTESTER_DIGEST_SIZE);
	memcpy(signature, out + ATTESTER_DIGEST_SIZE, *signature_size);
	return TEE_SUCCESS;
}

TEE_Result attester_measure_core(TEE_TASessionHandle attester,
				 uint8_t digest[ATTESTER_DIGEST_SIZE])
{
	/* What is signed for nobody has a nonce nevertheless: it must not be empty */
	static const uint8_t nobody[1];
	uint8_t signature[ATTESTER_KEY_SIZE] = { };
	size_t size = 0;

	return hash_memory(attester, PTA_ATTESTATION_HASH_TEE_MEMORY, nobody,
			   sizeof(nobody), digest, signature, &size);
}

TEE_Result attester_sign(TEE_TASessionHandle attester, const void *prefix,
			 size_t prefix_size,
			 uint8_t digest[ATTESTER_DIGEST_SIZE],
			 uint8_t signature[ATTESTER_KEY_SIZE],
			 size_t *signature_size)
{
	return hash_memory(attester, PTA_ATTESTATION_HASH_TA_MEMORY, prefix,
			   prefix_size, digest, signature, signature_size);
}
