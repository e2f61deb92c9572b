/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of what runs here, for somebody far away: an Entity Attestation Token
 * (RFC 9711) over the module, this TA and the core, and the key of this session.
 *
 * The host app gives a nonce before a module is loaded; the token is made when the
 * module is loaded and before its first instruction. What it says of the module is
 * this TA's word, and what stands for the word is the hash of the TA's memory that
 * the core signs. So nothing but the TA's own code may have run in the instance
 * until then: a nonce is taken before the first module, and a session serves one.
 * That AOT code asks the core for another signature later is what the seal is for.
 *
 * The claims are described in teeforge/attest/claims.py, for whoever verifies them.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_internal_api.h>

#include "base/outcome.h"
#include "trust/token.h"

/* A module comes: from now on it is too late for a nonce */
void evidence_begin(void);

/* Makes the token if there is a nonce; false: there should be one and is none */
bool evidence_make(struct outcome *outcome,
		   const struct token_module *module);

/* The token, or NULL */
const uint8_t *evidence_token(size_t *size);

/* The public half of the session's key, P256_POINT_SIZE bytes; NULL: no token */
const uint8_t *evidence_point(void);

/*
 * evidence_receive() - decrypt what somebody sent who verified the token
 *
 * As hpke_receive(): bound to the token, for the session's key.
 * TEE_ERROR_NO_DATA: there is no token.
 */
TEE_Result evidence_receive(const uint8_t *message, size_t size, uint8_t *out);

/* WASM_TA_CMD_NONCE, WASM_TA_CMD_EVIDENCE, WASM_TA_CMD_ATTESTATION_KEY */
TEE_Result evidence_command(uint32_t command, uint32_t param_types,
			    TEE_Param params[TEE_NUM_PARAMS]);

void evidence_close(void);

#endif /* EVIDENCE_H */
