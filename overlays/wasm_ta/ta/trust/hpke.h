/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hybrid Public Key Encryption (RFC 9180), the receiver's side in base mode:
 * DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; one message for each
 * encapsulated key.
 *
 * The private key is an operation of the core, and never in the memory of this
 * TA. All that a message takes is allocated when the receiver is made, for a TA
 * that gives up to allocate such things: these system calls are left to be made,
 * TEE_SCN_CRYP_DERIVE_KEY, _CRYP_OBJ_GET_INFO, _CRYP_OBJ_GET_ATTR, _CRYP_OBJ_RESET,
 * _CRYP_OBJ_POPULATE, _CRYP_OBJ_COPY, _HASH_INIT, _HASH_UPDATE, _HASH_FINAL,
 * _AUTHENC_INIT, _AUTHENC_UPDATE_PAYLOAD and _AUTHENC_DEC_FINAL.
 */
#ifndef HPKE_H
#define HPKE_H

#include <stddef.h>
#include <stdint.h>
#include <tee_internal_api.h>

#include "trust/p256.h"

/* A message: the sender's point, what is encrypted, and the tag */
#define HPKE_TAG_SIZE	16
#define HPKE_OVERHEAD	(P256_POINT_SIZE + HPKE_TAG_SIZE)

struct hpke {
	uint8_t point[P256_POINT_SIZE];		/* the public half of the key */
	TEE_OperationHandle agreement;		/* has the private one */
	TEE_ObjectHandle agreed;
	TEE_OperationHandle digest;
	TEE_OperationHandle cipher;
	TEE_ObjectHandle key;			/* of the cipher */
};

/* Makes a receiver with a new key; to be closed also if that fails */
TEE_Result hpke_open(struct hpke *hpke);

/*
 * hpke_receive() - decrypt a message
 * @info: what the sender bound it to
 * @out: @size - HPKE_OVERHEAD bytes; nothing of it counts unless TEE_SUCCESS is
 *	 returned
 *
 * TEE_ERROR_MAC_INVALID: it is not for this receiver, not bound to @info, or was
 * altered.
 */
TEE_Result hpke_receive(struct hpke *hpke, const void *info, size_t info_size,
			const uint8_t *message, size_t size, uint8_t *out);

void hpke_close(struct hpke *hpke);

#endif /* HPKE_H */
