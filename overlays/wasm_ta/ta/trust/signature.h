/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests, and the signatures of the keys that this TA was built with.
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>
#include <wasm_signed.h>

/* Whether the build lets any module run, signed or not (`modules: any`) */
bool signature_is_optional(void);

/* Whether this TA was built to believe a public key */
bool signature_knows(const uint8_t key[WASM_SIGNED_KEY_SIZE]);

/*
 * signature_check() - whether a trailer is signed by the key that it names
 *
 * TEE_ERROR_SIGNATURE_INVALID: it is not. Other errors: a digest failed.
 */
TEE_Result signature_check(const struct wasm_signed *trailer);

#endif /* SIGNATURE_H */
