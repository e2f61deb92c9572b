// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256, by the core.
 */
#include "digest.h"

TEE_Result digest_parts(const struct digest_part *parts, size_t count,
			uint8_t digest[DIGEST_SIZE])
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	size_t size = DIGEST_SIZE;
	TEE_Result res = TEE_AllocateOperation(&operation, TEE_ALG_SHA256,
					       TEE_MODE_DIGEST, 0);
	size_t n = 0;

	if (res != TEE_SUCCESS)
		return res;

	for (n = 0; n < count; n++)
		TEE_DigestUpdate(operation, parts[n].bytes, parts[n].size);
	res = TEE_DigestDoFinal(operation, NULL, 0, digest, &size);
	TEE_FreeOperation(operation);
	return res;
}

TEE_Result digest_of(const void *bytes, size_t size,
		     uint8_t digest[DIGEST_SIZE])
{
	const struct digest_part part = { bytes, size };

	return digest_parts(&part, 1, digest);
}
