// SPDX-License-Identifier: Apache-2.0
/*
 * Ed25519 signatures: hashing is OP-TEE's, the arithmetic is in ed25519.c.
 */
#include "trust/signature.h"

#include <string.h>
#include <tee_internal_api.h>

#include "base/hex.h"
#include "trust/ed25519.h"

/* Public keys as hexadecimal digits, with commas between; see sub.mk */
#define TEXT(...)	#__VA_ARGS__
#define TEXT_OF(...)	TEXT(__VA_ARGS__)

static const char keys[] = TEXT_OF(MODULE_KEYS);

#define DIGITS		(2 * WASM_SIGNED_KEY_SIZE)

_Static_assert(sizeof(keys) % (DIGITS + 1) == 0,
	       "MODULE_KEYS: keys of 64 digits, with commas between");

bool signature_is_optional(void)
{
#ifdef MODULES_ANY
	return true;
#else
	return false;
#endif
}

bool signature_knows(const uint8_t key[WASM_SIGNED_KEY_SIZE])
{
	char text[DIGITS + 1] = { };
	size_t n = 0;

	hex_put(text, key, WASM_SIGNED_KEY_SIZE);
	for (n = 0; n < sizeof(keys); n += DIGITS + 1)
		if (!memcmp(keys + n, text, DIGITS))
			return true;

	return false;
}

static TEE_Result hash(const struct wasm_signed *trailer,
		       uint8_t digest[ED25519_HASH_SIZE])
{
	TEE_OperationHandle operation = TEE_HANDLE_NULL;
	size_t length = ED25519_HASH_SIZE;
	TEE_Result res = TEE_AllocateOperation(&operation, TEE_ALG_SHA512,
					       TEE_MODE_DIGEST, 0);

	if (res != TEE_SUCCESS)
		return res;

	TEE_DigestUpdate(operation, trailer->signature,
			 ED25519_SIGNATURE_SIZE / 2);
	TEE_DigestUpdate(operation, trailer->signer, sizeof(trailer->signer));
	res = TEE_DigestDoFinal(operation, trailer,
				offsetof(struct wasm_signed, signature), digest,
				&length);
	TEE_FreeOperation(operation);
	return res;
}

TEE_Result signature_check(const struct wasm_signed *trailer)
{
	uint8_t digest[ED25519_HASH_SIZE] = { };
	TEE_Result res = hash(trailer, digest);

	if (res == TEE_SUCCESS &&
	    !ed25519_check(trailer->signature, trailer->signer, digest))
		return TEE_ERROR_SIGNATURE_INVALID;
	return res;
}
