/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of evidence: claims as CBOR, and COSE_Sign1 (RFC 9052) around them.
 *
 * The core signs SHA-256(nonce | digest), and any bytes may be the nonce. COSE signs
 * a Sig_structure, whose end is the payload. So the payload ends with the digest,
 * and the nonce for the core is all that comes before: its signature is COSE's.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <wasm_ta.h>

#include "trust/attester.h"

#define TOKEN_VERSION_SIZE	64
/* A COSE_Key of an RSA key: two numbers and their heads */
#define TOKEN_KEY_SIZE		(ATTESTER_KEY_SIZE + ATTESTER_EXPONENT_SIZE + 16)

/* What is known of a module; NULL: that is not known */
struct token_module {
	const uint8_t *sha256;		/* of the AOT file, as loaded */
	const uint8_t *wasm_sha256;	/* of the .wasm that it was made of */
	const uint8_t *signer;		/* the public key, of Ed25519 */
	const char *name;
	const char *version;
};

struct token_claims {
	const uint8_t *nonce;
	size_t nonce_size;
	const uint8_t *point;			/* of the session's key */
	const struct token_module *module;
	char core_version[TOKEN_VERSION_SIZE];
	uint8_t core[ATTESTER_DIGEST_SIZE];	/* its memory */
	bool zero_key;				/* the hardware's key is zero */
};

/* @key as a COSE_Key (RFC 8230) in @buffer; returns its size, 0 if there is no room */
size_t token_put_key(const struct attester_key *key, void *buffer, size_t size);

/* Has the core sign @claims; the token is in @buffer, @size bytes afterwards */
TEE_Result token_make(TEE_TASessionHandle attester,
		      const struct token_claims *claims,
		      uint8_t buffer[WASM_TA_EVIDENCE_MAX], size_t *size);

#endif /* TOKEN_H */
