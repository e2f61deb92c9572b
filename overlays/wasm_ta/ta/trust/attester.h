/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OP-TEE's attestation pseudo TA: what it measures, and what it signs with a key
 * that never leaves the core.
 */
#ifndef ATTESTER_H
#define ATTESTER_H

#include <stddef.h>
#include <stdint.h>
#include <tee_internal_api.h>

#define ATTESTER_DIGEST_SIZE	32
/* Of the largest key that it can have, 4096 bits: modulus and signature */
#define ATTESTER_KEY_SIZE	512
#define ATTESTER_EXPONENT_SIZE	8

struct attester_key {
	uint8_t exponent[ATTESTER_EXPONENT_SIZE];
	uint8_t modulus[ATTESTER_KEY_SIZE];
	size_t exponent_size;
	size_t modulus_size;
};

/* TEE_ERROR_ITEM_NOT_FOUND: the core was built without CFG_ATTESTATION_PTA */
TEE_Result attester_open(TEE_TASessionHandle *attester);
void attester_close(TEE_TASessionHandle attester);

/* The public half of the key, which is made when it is first wanted */
TEE_Result attester_get_key(TEE_TASessionHandle attester,
			    struct attester_key *key);

/* What the core's code and read-only data hash to, as they are in memory */
TEE_Result attester_measure_core(TEE_TASessionHandle attester,
				 uint8_t digest[ATTESTER_DIGEST_SIZE]);

/*
 * attester_sign() - hash this TA's code and read-only data, and sign that
 * @prefix: what comes before @digest in that which is signed
 *
 * RSASSA-PSS with SHA-256 and a salt of 32 bytes. Pages that tee_mprotect() made
 * executable are not in the hash.
 */
TEE_Result attester_sign(TEE_TASessionHandle attester, const void *prefix,
			 size_t prefix_size,
			 uint8_t digest[ATTESTER_DIGEST_SIZE],
			 uint8_t signature[ATTESTER_KEY_SIZE],
			 size_t *signature_size);

#endif /* ATTESTER_H */
