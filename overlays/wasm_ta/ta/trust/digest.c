// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256, by the core. HMAC is made of it here: it needs no key that is an object.
 */
#include "trust/digest.h"

#include <string.h>

#define BLOCK_SIZE	64

TEE_Result digest_open(TEE_OperationHandle *operation)
{
	return TEE_AllocateOperation(operation, TEE_ALG_SHA256, TEE_MODE_DIGEST,
				     0);
}

TEE_Result digest_parts(TEE_OperationHandle operation,
			const struct digest_part *parts, size_t count,
			uint8_t digest[DIGEST_SIZE])
{
	size_t size = DIGEST_SIZE;
	size_t n = 0;

	for (n = 0; n < count; n++)
		if (parts[n].size)
			TEE_DigestUpdate(operation, parts[n].bytes,
					 parts[n].size);
	return TEE_DigestDoFinal(operation, NULL, 0, digest, &size);
}

TEE_Result digest_once(const struct digest_part *parts, size_t count,
		       uint8_t digest[DIGEST_SIZE])
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	TEE_Result res = digest_open(&operation);

	if (res == TEE_SUCCESS)
		res = digest_parts(operation, parts, count, digest);
	TEE_FreeOperation(operation);
	return res;
}

TEE_Result digest_of(const void *bytes, size_t size,
		     uint8_t digest[DIGEST_SIZE])
{
	const struct digest_part part = { bytes, size };

	return digest_once(&part, 1, digest);
}

static void pad(uint8_t block[BLOCK_SIZE], const uint8_t key[DIGEST_SIZE],
		uint8_t with)
{
	size_t n = 0;

	memset(block, with, BLOCK_SIZE);
	for (n = 0; n < DIGEST_SIZE; n++)
		block[n] ^= key[n];
}

TEE_Result digest_hmac(TEE_OperationHandle operation,
		       const uint8_t key[DIGEST_SIZE],
		       const struct digest_part *parts, size_t count,
		       uint8_t mac[DIGEST_SIZE])
{
	struct digest_part all[1 + DIGEST_PARTS_MAX] = { };
	uint8_t inner[DIGEST_SIZE] = { };
	uint8_t block[BLOCK_SIZE] = { };
	TEE_Result res = TEE_SUCCESS;

	if (count > DIGEST_PARTS_MAX)
		return TEE_ERROR_BAD_PARAMETERS;

	pad(block, key, 0x36);
	all[0] = (struct digest_part){ block, sizeof(block) };
	memcpy(&all[1], parts, count * sizeof(*parts));
	res = digest_parts(operation, all, 1 + count, inner);
	if (res == TEE_SUCCESS) {
		pad(block, key, 0x5c);
		all[1] = (struct digest_part){ inner, sizeof(inner) };
		res = digest_parts(operation, all, 2, mac);
	}
	TEE_MemFill(block, 0, sizeof(block));
	TEE_MemFill(inner, 0, sizeof(inner));
	return res;
}
