// SPDX-License-Identifier: Apache-2.0
/*
 * Entity Attestation Tokens. The keys of each map are in the order of deterministic
 * encoding: positive numbers, then negative ones, each from 0 on.
 */
#include "trust/token.h"

#include <string.h>
#include <wasm_ta.h>

#include "trust/cbor.h"
#include "trust/digest.h"
#include "trust/p256.h"

/* Names what the private claims mean: whoever changes them makes another one */
#define PROFILE			"urn:uuid:04ca6ed1-1bfe-456e-8760-53b588721eb6"

/* Claims: RFC 8747, RFC 9711, and our own, of which TA has to be the last */
#define CLAIM_CNF		8
#define CLAIM_NONCE		10
#define CLAIM_DBGSTAT		263
#define CLAIM_PROFILE		265
#define CLAIM_MODULE		-65537
#define CLAIM_CORE		-65538
#define CLAIM_STATE		-65539
#define CLAIM_TA		-65540
#define CLAIMS			8

#define DBGSTAT_ENABLED		0

/* In CLAIM_MODULE */
#define MODULE_SHA256		1
#define MODULE_WASM_SHA256	2
#define MODULE_SIGNER		3
#define MODULE_NAME		4
#define MODULE_VERSION		5

/* In CLAIM_CORE */
#define CORE_VERSION		1
#define CORE_MEMORY		2

/* In CLAIM_TA, of which the memory's hash has to be the last */
#define TA_ID			1
#define TA_MEMORY		2

/* COSE: RFC 9052, 9053, 8230; a key in cnf: RFC 8747 */
#define COSE_SIGN1_TAG		18
#define HEADER_ALG		1
#define HEADER_KID		4
#define ALG_PS256		-37
#define CNF_COSE_KEY		1
#define KEY_KTY			1
#define KTY_EC2			2
#define KTY_RSA			3
#define EC2_CRV			-1
#define EC2_X			-2
#define EC2_Y			-3
#define CRV_P256		1
#define RSA_N			-1
#define RSA_E			-2

#define PROTECTED_SIZE		64

size_t token_put_key(const struct attester_key *key, void *buffer, size_t size)
{
	struct cbor cbor = { };

	cbor_open(&cbor, buffer, size);
	cbor_map(&cbor, 3);
	cbor_int(&cbor, KEY_KTY);
	cbor_int(&cbor, KTY_RSA);
	cbor_int(&cbor, RSA_N);
	cbor_bytes(&cbor, key->modulus, key->modulus_size);
	cbor_int(&cbor, RSA_E);
	cbor_bytes(&cbor, key->exponent, key->exponent_size);
	return cbor_done(&cbor) ? cbor.used : 0;
}

/* A key's name is its thumbprint, RFC 9679: the hash of its COSE_Key */
static TEE_Result name_key(TEE_TASessionHandle attester,
			   uint8_t kid[DIGEST_SIZE])
{
	struct attester_key key = { };
	uint8_t buffer[TOKEN_KEY_SIZE] = { };
	TEE_Result res = attester_get_key(attester, &key);
	size_t size = 0;

	if (res != TEE_SUCCESS)
		return res;

	size = token_put_key(&key, buffer, sizeof(buffer));
	if (!size)
		return TEE_ERROR_SHORT_BUFFER;
	return digest_of(buffer, size, kid);
}

static void put_session_key(struct cbor *cbor, const uint8_t *point)
{
	cbor_map(cbor, 1);
	cbor_int(cbor, CNF_COSE_KEY);
	cbor_map(cbor, 4);
	cbor_int(cbor, KEY_KTY);
	cbor_int(cbor, KTY_EC2);
	cbor_int(cbor, EC2_CRV);
	cbor_int(cbor, CRV_P256);
	cbor_int(cbor, EC2_X);
	cbor_bytes(cbor, point + 1, P256_COORDINATE_SIZE);
	cbor_int(cbor, EC2_Y);
	cbor_bytes(cbor, point + 1 + P256_COORDINATE_SIZE, P256_COORDINATE_SIZE);
}

static void put_digest(struct cbor *cbor, int key, const uint8_t *digest)
{
	if (!digest)
		return;

	cbor_int(cbor, key);
	cbor_bytes(cbor, digest, DIGEST_SIZE);
}

static void put_name(struct cbor *cbor, int key, const char *name)
{
	if (!name)
		return;

	cbor_int(cbor, key);
	cbor_text(cbor, name);
}

static void put_module(struct cbor *cbor, const struct token_module *module)
{
	cbor_map(cbor, 1 + !!module->wasm_sha256 + !!module->signer +
		       !!module->name + !!module->version);
	put_digest(cbor, MODULE_SHA256, module->sha256);
	put_digest(cbor, MODULE_WASM_SHA256, module->wasm_sha256);
	put_digest(cbor, MODULE_SIGNER, module->signer);
	put_name(cbor, MODULE_NAME, module->name);
	put_name(cbor, MODULE_VERSION, module->version);
}

static void put_state(struct cbor *cbor, bool zero_key)
{
	/* The key that signs is one that this machine made for itself */
	cbor_array(cbor, 1 + zero_key);
	cbor_text(cbor, "no-device-identity");
	if (zero_key)
		cbor_text(cbor, "zero-hardware-key");
}

/* As RFC 9562 has it, with the most significant byte first */
static void put_uuid(struct cbor *cbor)
{
	static const TEE_UUID uuid = WASM_TA_UUID;
	uint8_t bytes[16] = {
		uuid.timeLow >> 24, uuid.timeLow >> 16, uuid.timeLow >> 8,
		uuid.timeLow, uuid.timeMid >> 8, uuid.timeMid,
		uuid.timeHiAndVersion >> 8, uuid.timeHiAndVersion,
	};

	memcpy(bytes + 8, uuid.clockSeqAndNode, sizeof(uuid.clockSeqAndNode));
	cbor_bytes(cbor, bytes, sizeof(bytes));
}

/* The hash of the TA's memory is not known yet: zeros stand in its place */
static void put_claims(struct cbor *cbor, const struct token_claims *claims)
{
	static const uint8_t later[DIGEST_SIZE];

	cbor_map(cbor, CLAIMS);
	cbor_int(cbor, CLAIM_CNF);
	put_session_key(cbor, claims->point);
	cbor_int(cbor, CLAIM_NONCE);
	cbor_bytes(cbor, claims->nonce, claims->nonce_size);
	cbor_int(cbor, CLAIM_DBGSTAT);
	cbor_int(cbor, DBGSTAT_ENABLED);
	cbor_int(cbor, CLAIM_PROFILE);
	cbor_text(cbor, PROFILE);
	cbor_int(cbor, CLAIM_MODULE);
	put_module(cbor, claims->module);
	cbor_int(cbor, CLAIM_CORE);
	cbor_map(cbor, 2);
	put_name(cbor, CORE_VERSION, claims->core_version);
	put_digest(cbor, CORE_MEMORY, claims->core);
	cbor_int(cbor, CLAIM_STATE);
	put_state(cbor, claims->zero_key);
	cbor_int(cbor, CLAIM_TA);
	cbor_map(cbor, 2);
	cbor_int(cbor, TA_ID);
	put_uuid(cbor);
	put_digest(cbor, TA_MEMORY, later);
}

/* What COSE signs, RFC 9052 section 4.4 */
static void put_signed(struct cbor *cbor, const struct cbor *protected,
		       const struct cbor *payload)
{
	cbor_array(cbor, 4);
	cbor_text(cbor, "Signature1");
	cbor_bytes(cbor, protected->buffer, protected->used);
	cbor_bytes(cbor, NULL, 0);
	cbor_bytes(cbor, payload->buffer, payload->used);
}

/* What COSE sends */
static void put_token(struct cbor *cbor, const struct cbor *protected,
		      const struct cbor *payload, const uint8_t *signature,
		      size_t signature_size)
{
	cbor_tag(cbor, COSE_SIGN1_TAG);
	cbor_array(cbor, 4);
	cbor_bytes(cbor, protected->buffer, protected->used);
	cbor_map(cbor, 0);
	cbor_bytes(cbor, payload->buffer, payload->used);
	cbor_bytes(cbor, signature, signature_size);
}

/* @buffer has what is signed first, and then the token */
static TEE_Result sign(TEE_TASessionHandle attester, struct cbor *protected,
		       struct cbor *payload, uint8_t buffer[WASM_TA_EVIDENCE_MAX],
		       size_t *size)
{
	uint8_t signature[ATTESTER_KEY_SIZE] = { };
	uint8_t digest[ATTESTER_DIGEST_SIZE] = { };
	size_t signature_size = 0;
	struct cbor cbor = { };
	TEE_Result res = TEE_SUCCESS;

	cbor_open(&cbor, buffer, WASM_TA_EVIDENCE_MAX);
	put_signed(&cbor, protected, payload);
	if (!cbor_done(&cbor) || !cbor_done(protected) || !cbor_done(payload))
		return TEE_ERROR_SHORT_BUFFER;

	res = attester_sign(attester, buffer, cbor.used - sizeof(digest), digest,
			    signature, &signature_size);
	if (res != TEE_SUCCESS)
		return res;

	memcpy(payload->buffer + payload->used - sizeof(digest), digest,
	       sizeof(digest));
	cbor_open(&cbor, buffer, WASM_TA_EVIDENCE_MAX);
	put_token(&cbor, protected, payload, signature, signature_size);
	*size = cbor.used;
	return cbor_done(&cbor) ? TEE_SUCCESS : TEE_ERROR_SHORT_BUFFER;
}

TEE_Result token_make(TEE_TASessionHandle attester,
		      const struct token_claims *claims,
		      uint8_t buffer[WASM_TA_EVIDENCE_MAX], size_t *size)
{
	uint8_t *payload_buffer = TEE_Malloc(WASM_TA_EVIDENCE_MAX, TEE_MALLOC_FILL_ZERO);
	uint8_t protected_buffer[PROTECTED_SIZE] = { };
	uint8_t kid[DIGEST_SIZE] = { };
	struct cbor protected = { };
	struct cbor payload = { };
	TEE_Result res = name_key(attester, kid);

	if (!payload_buffer)
		return TEE_ERROR_OUT_OF_MEMORY;

	cbor_open(&protected, protected_buffer, sizeof(protected_buffer));
	cbor_map(&protected, 2);
	cbor_int(&protected, HEADER_ALG);
	cbor_int(&protected, ALG_PS256);
	cbor_int(&protected, HEADER_KID);
	cbor_bytes(&protected, kid, sizeof(kid));
	cbor_open(&payload, payload_buffer, WASM_TA_EVIDENCE_MAX);
	put_claims(&payload, claims);
	if (res == TEE_SUCCESS)
		res = sign(attester, &protected, &payload, buffer, size);
	TEE_Free(payload_buffer);
	return res;
}
