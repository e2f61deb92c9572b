// SPDX-License-Identifier: Apache-2.0
/*
 * PTA_SYSTEM_SEAL: whatever machine code a module turns out to be, this is what
 * it can ask of the OP-TEE core.
 */
#include "trust/seal.h"

#include <inttypes.h>
#include <string.h>
#include <tee_internal_api_extensions.h>
#include <tee_syscall_numbers.h>
#include <util.h>

#include "trust/evidence.h"

/* Beside to return and to panic, which an instance always may */
static const uint8_t keep[] = {
	/* Messages of the runtime: what follows the seal is not evidence */
	TEE_SCN_LOG,
	/* tee_map_zi() and tee_unmap(), for files; the core sees to that */
	TEE_SCN_INVOKE_TA_COMMAND,
	TEE_SCN_CHECK_ACCESS_RIGHTS,
	/* To wait for the host app, and for a clock */
	TEE_SCN_WAIT,
	TEE_SCN_GET_TIME,
	TEE_SCN_CRYP_RANDOM_NUMBER_GENERATE,
	/* To measure a module that comes again, in the state of the first time */
	TEE_SCN_HASH_INIT,
	TEE_SCN_HASH_FINAL,
	/* /secure: objects of this program alone, the core sees to that */
	TEE_SCN_CRYP_OBJ_GET_INFO,
	TEE_SCN_CRYP_OBJ_CLOSE,
	TEE_SCN_STORAGE_OBJ_OPEN,
	TEE_SCN_STORAGE_OBJ_CREATE,
	TEE_SCN_STORAGE_OBJ_DEL,
	TEE_SCN_STORAGE_OBJ_READ,
	TEE_SCN_STORAGE_OBJ_WRITE,
	TEE_SCN_STORAGE_ENUM_ALLOC,
	TEE_SCN_STORAGE_ENUM_FREE,
	TEE_SCN_STORAGE_ENUM_START,
	TEE_SCN_STORAGE_ENUM_NEXT,
};

/* With evidence: to decrypt what was sent to the key of the session, see hpke.h */
static const uint8_t keep_receiving[] = {
	TEE_SCN_CRYP_DERIVE_KEY,
	TEE_SCN_CRYP_OBJ_GET_ATTR,
	TEE_SCN_CRYP_OBJ_RESET,
	TEE_SCN_CRYP_OBJ_POPULATE,
	TEE_SCN_CRYP_OBJ_COPY,
	TEE_SCN_HASH_UPDATE,
	TEE_SCN_AUTHENC_INIT,
	TEE_SCN_AUTHENC_UPDATE_PAYLOAD,
	TEE_SCN_AUTHENC_DEC_FINAL,
};

static TEE_Result give_up(const struct manifest *owner)
{
	uint8_t all[ARRAY_SIZE(keep) + ARRAY_SIZE(keep_receiving)] = { };

	memcpy(all, keep, sizeof(keep));
	memcpy(all + sizeof(keep), keep_receiving, sizeof(keep_receiving));
	return tee_seal(all, evidence_point() ? sizeof(all) : sizeof(keep),
			owner->space, strlen(owner->space));
}

bool seal(struct outcome *outcome, const struct manifest *owner)
{
	static bool sealed;
	TEE_Result res = TEE_SUCCESS;

	if (sealed)
		return true;

	res = give_up(owner);
	sealed = res == TEE_SUCCESS;
	if (sealed)
		return true;

	return outcome_is(outcome, WASM_TA_FAILED,
			  "the OP-TEE core does not seal this TA (%#"PRIx32"): no module runs in it",
			  res);
}
