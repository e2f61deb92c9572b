// SPDX-License-Identifier: Apache-2.0
/*
 * RFC 9180, sections 4.1, 5.1 and 5.2. Nothing here is longer than a digest, so that
 * HKDF-Expand is one HMAC.
 */
#include "trust/hpke.h"

#include <string.h>

#include "trust/digest.h"

#define KEY_BITS	256
#define CIPHER_KEY_SIZE	32
#define NONCE_SIZE	12
#define MODE_BASE	0

struct suite {
	uint8_t id[10];
	size_t size;
};

static const struct suite kem_suite = { "KEM\0\x10", 5 };
static const struct suite hpke_suite = { "HPKE\0\x10\0\x01\0\x02", 10 };

/* A key pair of which the private half stays in the core, for agreement alone */
static TEE_Result make_key(struct hpke *hpke)
{
	uint8_t *coordinates[] = { hpke->point + 1,
				   hpke->point + 1 + P256_COORDINATE_SIZE };
	const uint32_t names[] = { TEE_ATTR_ECC_PUBLIC_VALUE_X,
				   TEE_ATTR_ECC_PUBLIC_VALUE_Y };
	TEE_ObjectHandle pair = TEE_HANDLE_NULL;
	TEE_Attribute curve = { };
	TEE_Result res = TEE_SUCCESS;
	size_t n = 0;

	res = TEE_AllocateTransientObject(TEE_TYPE_ECDH_KEYPAIR, KEY_BITS,
					  &pair);
	if (res != TEE_SUCCESS)
		return res;

	TEE_InitValueAttribute(&curve, TEE_ATTR_ECC_CURVE,
			       TEE_ECC_CURVE_NIST_P256, 0);
	res = TEE_GenerateKey(pair, KEY_BITS, &curve, 1);
	hpke->point[0] = 4;
	for (n = 0; n < 2 && res == TEE_SUCCESS; n++) {
		size_t size = P256_COORDINATE_SIZE;

		res = TEE_GetObjectBufferAttribute(pair, names[n],
						   coordinates[n], &size);
		/* One that is shorter than the field has zeros in front */
		if (res == TEE_SUCCESS && size < P256_COORDINATE_SIZE) {
			memmove(coordinates[n] + P256_COORDINATE_SIZE - size,
				coordinates[n], size);
			memset(coordinates[n], 0, P256_COORDINATE_SIZE - size);
		}
	}
	if (res == TEE_SUCCESS)
		res = TEE_AllocateOperation(&hpke->agreement,
					    TEE_ALG_ECDH_DERIVE_SHARED_SECRET,
					    TEE_MODE_DERIVE, KEY_BITS);
	if (res == TEE_SUCCESS)
		res = TEE_SetOperationKey(hpke->agreement, pair);
	TEE_FreeTransientObject(pair);
	return res;
}

TEE_Result hpke_open(struct hpke *hpke)
{
	TEE_Result res = make_key(hpke);

	if (res == TEE_SUCCESS)
		res = TEE_AllocateTransientObject(TEE_TYPE_GENERIC_SECRET,
						  KEY_BITS, &hpke->agreed);
	if (res == TEE_SUCCESS)
		res = digest_open(&hpke->digest);
	if (res == TEE_SUCCESS)
		res = TEE_AllocateTransientObject(TEE_TYPE_AES, KEY_BITS,
						  &hpke->key);
	if (res == TEE_SUCCESS)
		res = TEE_AllocateOperation(&hpke->cipher, TEE_ALG_AES_GCM,
					    TEE_MODE_DECRYPT, KEY_BITS);
	return res;
}

void hpke_close(struct hpke *hpke)
{
	TEE_FreeOperation(hpke->agreement);
	TEE_FreeTransientObject(hpke->agreed);
	TEE_FreeOperation(hpke->digest);
	TEE_FreeOperation(hpke->cipher);
	TEE_FreeTransientObject(hpke->key);
	*hpke = (struct hpke){ };
}

/* @salt: NULL is an empty one */
static TEE_Result extract(struct hpke *hpke, const struct suite *suite,
			  const uint8_t *salt, const char *label,
			  const void *ikm, size_t ikm_size,
			  uint8_t prk[DIGEST_SIZE])
{
	static const uint8_t none[DIGEST_SIZE];
	const struct digest_part parts[] = {
		{ "HPKE-v1", 7 },
		{ suite->id, suite->size },
		{ label, strlen(label) },
		{ ikm, ikm_size },
	};

	return digest_hmac(hpke->digest, salt ? salt : none, parts, 4, prk);
}

/* @info: of two parts; the first @size bytes of @out are what was asked for */
static TEE_Result expand(struct hpke *hpke, const struct suite *suite,
			 const uint8_t prk[DIGEST_SIZE], const char *label,
			 const struct digest_part info[2], uint8_t size,
			 uint8_t out[DIGEST_SIZE])
{
	const uint8_t length[] = { 0, size };
	const struct digest_part parts[] = {
		{ length, sizeof(length) },
		{ "HPKE-v1", 7 },
		{ suite->id, suite->size },
		{ label, strlen(label) },
		info[0],
		info[1],
		{ "\x01", 1 },
	};

	return digest_hmac(hpke->digest, prk, parts, 7, out);
}

/* The x of the common point; @from is one of the curve */
static TEE_Result agree(struct hpke *hpke, const uint8_t from[P256_POINT_SIZE],
			uint8_t x[P256_COORDINATE_SIZE])
{
	size_t size = P256_COORDINATE_SIZE;
	TEE_Attribute attrs[2] = { };
	TEE_Result res = TEE_SUCCESS;

	TEE_InitRefAttribute(&attrs[0], TEE_ATTR_ECC_PUBLIC_VALUE_X,
			     (void *)(from + 1), P256_COORDINATE_SIZE);
	TEE_InitRefAttribute(&attrs[1], TEE_ATTR_ECC_PUBLIC_VALUE_Y,
			     (void *)(from + 1 + P256_COORDINATE_SIZE),
			     P256_COORDINATE_SIZE);
	TEE_ResetTransientObject(hpke->agreed);
	TEE_DeriveKey(hpke->agreement, attrs, 2, hpke->agreed);
	res = TEE_GetObjectBufferAttribute(hpke->agreed, TEE_ATTR_SECRET_VALUE,
					   x, &size);
	TEE_ResetTransientObject(hpke->agreed);
	if (res == TEE_SUCCESS && size != P256_COORDINATE_SIZE)
		res = TEE_ERROR_BAD_FORMAT;
	return res;
}

/* Section 4.1: what both sides know from the encapsulated key */
static TEE_Result decapsulate(struct hpke *hpke,
			      const uint8_t from[P256_POINT_SIZE],
			      uint8_t secret[DIGEST_SIZE])
{
	const struct digest_part context[2] = {
		{ from, P256_POINT_SIZE },
		{ hpke->point, P256_POINT_SIZE },
	};
	uint8_t x[P256_COORDINATE_SIZE] = { };
	uint8_t prk[DIGEST_SIZE] = { };
	TEE_Result res = agree(hpke, from, x);

	if (res == TEE_SUCCESS)
		res = extract(hpke, &kem_suite, NULL, "eae_prk", x, sizeof(x),
			      prk);
	if (res == TEE_SUCCESS)
		res = expand(hpke, &kem_suite, prk, "shared_secret", context,
			     DIGEST_SIZE, secret);
	TEE_MemFill(x, 0, sizeof(x));
	TEE_MemFill(prk, 0, sizeof(prk));
	return res;
}

/* Section 5.1, without a key that was shared before: the cipher's key and nonce */
static TEE_Result schedule(struct hpke *hpke, const uint8_t shared[DIGEST_SIZE],
			   const void *info, size_t info_size,
			   uint8_t key[DIGEST_SIZE], uint8_t nonce[DIGEST_SIZE])
{
	uint8_t hashes[1 + 2 * DIGEST_SIZE] = { MODE_BASE };
	const struct digest_part context[2] = { { hashes, sizeof(hashes) } };
	uint8_t secret[DIGEST_SIZE] = { };
	TEE_Result res = extract(hpke, &hpke_suite, NULL, "psk_id_hash", NULL, 0,
				 hashes + 1);

	if (res == TEE_SUCCESS)
		res = extract(hpke, &hpke_suite, NULL, "info_hash", info,
			      info_size, hashes + 1 + DIGEST_SIZE);
	if (res == TEE_SUCCESS)
		res = extract(hpke, &hpke_suite, shared, "secret", NULL, 0,
			      secret);
	if (res == TEE_SUCCESS)
		res = expand(hpke, &hpke_suite, secret, "key", context,
			     CIPHER_KEY_SIZE, key);
	if (res == TEE_SUCCESS)
		res = expand(hpke, &hpke_suite, secret, "base_nonce", context,
			     NONCE_SIZE, nonce);
	TEE_MemFill(secret, 0, sizeof(secret));
	return res;
}

static TEE_Result decrypt(struct hpke *hpke, const uint8_t *key,
			  const uint8_t *nonce, const uint8_t *from,
			  size_t size, uint8_t *out)
{
	uint8_t tag[HPKE_TAG_SIZE] = { };
	TEE_Attribute attr = { };
	TEE_Result res = TEE_SUCCESS;

	memcpy(tag, from + size, sizeof(tag));
	TEE_InitRefAttribute(&attr, TEE_ATTR_SECRET_VALUE, (void *)key,
			     CIPHER_KEY_SIZE);
	TEE_ResetTransientObject(hpke->key);
	res = TEE_PopulateTransientObject(hpke->key, &attr, 1);
	if (res == TEE_SUCCESS)
		res = TEE_SetOperationKey(hpke->cipher, hpke->key);
	if (res == TEE_SUCCESS)
		res = TEE_AEInit(hpke->cipher, nonce, NONCE_SIZE,
				 8 * HPKE_TAG_SIZE, 0, size);
	if (res != TEE_SUCCESS)
		return res;

	res = TEE_AEDecryptFinal(hpke->cipher, from, size, out, &size, tag,
				 sizeof(tag));
	/* After a tag that is wrong it is not ready for another key by itself */
	TEE_ResetOperation(hpke->cipher);
	TEE_ResetTransientObject(hpke->key);
	return res;
}

TEE_Result hpke_receive(struct hpke *hpke, const void *info, size_t info_size,
			const uint8_t *message, size_t size, uint8_t *out)
{
	uint8_t shared[DIGEST_SIZE] = { };
	uint8_t nonce[DIGEST_SIZE] = { };
	uint8_t key[DIGEST_SIZE] = { };
	TEE_Result res = TEE_SUCCESS;

	if (size < HPKE_OVERHEAD || !p256_is_point(message))
		return TEE_ERROR_MAC_INVALID;

	res = decapsulate(hpke, message, shared);
	if (res == TEE_SUCCESS)
		res = schedule(hpke, shared, info, info_size, key, nonce);
	if (res == TEE_SUCCESS)
		res = decrypt(hpke, key, nonce, message + P256_POINT_SIZE,
			      size - HPKE_OVERHEAD, out);
	TEE_MemFill(shared, 0, sizeof(shared));
	TEE_MemFill(nonce, 0, sizeof(nonce));
	TEE_MemFill(key, 0, sizeof(key));
	return res;
}
