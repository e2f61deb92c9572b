// SPDX-License-Identifier: Apache-2.0
/*
 * Words for what goes wrong with /secure. Hints are the host app's: each of
 * these sentences has a part that words.def knows.
 */
#include "fs/trouble.h"

#include <inttypes.h>
#include <stdio.h>
#include <tee_api_defines.h>
#include <trace.h>

#include "base/wasi_abi.h"

static uint32_t errno_of(TEE_Result res)
{
	switch (res) {
	case TEE_SUCCESS:
		return WASI_ESUCCESS;
	case TEE_ERROR_OUT_OF_MEMORY:
		return WASI_ENOMEM;
	case TEE_ERROR_STORAGE_NO_SPACE:
		return WASI_ENOSPC;
	case TEE_ERROR_ACCESS_CONFLICT:
		return WASI_EBUSY;
	default:
		return WASI_EIO;
	}
}

static const char *words_for(TEE_Result res)
{
	switch (res) {
	case TEE_ERROR_CORRUPT_OBJECT:
		return "is damaged: its object in the secure storage was changed, cut off or removed";
	case TEE_ERROR_STORAGE_NOT_AVAILABLE:
		return "cannot be had: the directory of the secure storage (dirf.db) is damaged or missing";
	case TEE_ERROR_STORAGE_NO_SPACE:
		return "cannot be stored: there is no space left where the normal world keeps it";
	case TEE_ERROR_OUT_OF_MEMORY:
		return "cannot be had: the TEE has no memory for it";
	case TEE_ERROR_ACCESS_CONFLICT:
		return "is in use by another run";
	default:
		return "cannot be read or written: where the normal world keeps it fails or is read-only";
	}
}

uint32_t trouble_with(struct trouble *trouble, TEE_Result res, const char *what)
{
	if (res == TEE_SUCCESS)
		return WASI_ESUCCESS;

	EMSG("%s: %#"PRIx32, what, res);
	if (!*trouble->words)
		snprintf(trouble->words, sizeof(trouble->words),
			 "%s %s (0x%08"PRIx32")", what, words_for(res), res);
	return errno_of(res);
}

uint32_t trouble_is(struct trouble *trouble, const char *words)
{
	EMSG("%s", words);
	if (!*trouble->words)
		snprintf(trouble->words, sizeof(trouble->words), "%s", words);
	return WASI_EIO;
}

uint32_t trouble_no_room(struct trouble *trouble)
{
	trouble_is(trouble, "a write to /secure failed: there is no memory for more files");
	return WASI_ENOSPC;
}

uint32_t trouble_quota(struct trouble *trouble, uint64_t room)
{
	char words[TROUBLE_SIZE] = { };

	snprintf(words, sizeof(words),
		 "a write to /secure failed: the program's manifest allows it %"PRIu64" bytes there",
		 room);
	trouble_is(trouble, words);
	return WASI_EDQUOT;
}
