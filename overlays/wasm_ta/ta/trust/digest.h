/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of what lies in several pieces, and HMAC (RFC 2104) with it.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <tee_internal_api.h>

#define DIGEST_SIZE	32

/* One after the other they are what is hashed */
struct digest_part {
	const void *bytes;
	size_t size;
};

/* An operation, for any number of digests one after the other */
TEE_Result digest_open(TEE_OperationHandle *operation);

TEE_Result digest_parts(TEE_OperationHandle operation,
			const struct digest_part *parts, size_t count,
			uint8_t digest[DIGEST_SIZE]);
/* The same with an operation of its own */
TEE_Result digest_once(const struct digest_part *parts, size_t count,
		       uint8_t digest[DIGEST_SIZE]);
TEE_Result digest_of(const void *bytes, size_t size,
		     uint8_t digest[DIGEST_SIZE]);

/* @count: at most DIGEST_PARTS_MAX */
#define DIGEST_PARTS_MAX	8

TEE_Result digest_hmac(TEE_OperationHandle operation,
		       const uint8_t key[DIGEST_SIZE],
		       const struct digest_part *parts, size_t count,
		       uint8_t mac[DIGEST_SIZE]);

#endif /* DIGEST_H */
