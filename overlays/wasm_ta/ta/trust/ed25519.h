/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of Ed25519 (RFC 8032, section 5.1), as far as it takes to check
 * a signature.
 */
#ifndef ED25519_H
#define ED25519_H

#include <stdbool.h>
#include <stdint.h>

#define ED25519_KEY_SIZE	32
#define ED25519_SIGNATURE_SIZE	64
#define ED25519_HASH_SIZE	64

/*
 * ed25519_check() - whether a signature is the one of a key
 * @hash: SHA-512 of the first half of @signature, of @key, and of the message
 *
 * All of it is public: the time that it takes depends on the values. What is not
 * encoded in the one way that the RFC allows is no signature, and a point of
 * small order is no key.
 */
bool ed25519_check(const uint8_t signature[ED25519_SIGNATURE_SIZE],
		   const uint8_t key[ED25519_KEY_SIZE],
		   const uint8_t hash[ED25519_HASH_SIZE]);

#endif /* ED25519_H */
