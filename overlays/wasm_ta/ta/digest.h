/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of what lies in one piece or in several.
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

TEE_Result digest_parts(const struct digest_part *parts, size_t count,
			uint8_t digest[DIGEST_SIZE]);
TEE_Result digest_of(const void *bytes, size_t size,
		     uint8_t digest[DIGEST_SIZE]);

#endif /* DIGEST_H */
