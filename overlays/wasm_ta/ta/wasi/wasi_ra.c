// SPDX-License-Identifier: Apache-2.0
/*
 * Remote attestation for programs: the evidence of themselves, and what somebody
 * who verified it sends back. Both were made ready before the program began.
 */
#include <string.h>
#include <tee_internal_api.h>

#include "trust/evidence.h"
#include "trust/hpke.h"
#include "wasi/wasi_calls.h"

/* Most that a message has inside: a key, or a document that has some */
#define DATA_MAX	4096

/* @size: room at @at; how much it takes is told in any case */
static uint32_t give(wasm_exec_env_t env, const uint8_t *bytes, size_t length,
		     uint32_t at, uint32_t size, uint32_t size_at)
{
	uint32_t err = wasi_put_u32(env, size_at, length);

	if (err)
		return err;
	if (size < length)
		return WASI_ENOBUFS;

	return wasi_put(env, at, bytes, length);
}

uint32_t wasi_ra_collect_quote(wasm_exec_env_t env, uint32_t at, uint32_t size,
			       uint32_t size_at)
{
	size_t length = 0;
	const uint8_t *token = evidence_token(&length);

	if (!token)
		return WASI_ENOTSUP;

	return give(env, token, length, at, size, size_at);
}

uint32_t wasi_ra_session_key(wasm_exec_env_t env, uint32_t at, uint32_t size,
			     uint32_t size_at)
{
	const uint8_t *point = evidence_point();

	if (!point)
		return WASI_ENOTSUP;

	return give(env, point, P256_POINT_SIZE, at, size, size_at);
}

/* In memory of this TA, where nobody sees it before the tag is known to be right */
static uint32_t receive(wasm_exec_env_t env, const uint8_t *message,
			size_t length, uint32_t at, uint32_t size,
			uint32_t size_at)
{
	uint8_t *data = TEE_Malloc(DATA_MAX, TEE_MALLOC_FILL_ZERO);
	TEE_Result res = TEE_SUCCESS;
	uint32_t err = WASI_EBADMSG;

	if (!data)
		return WASI_ENOMEM;

	res = evidence_receive(message, length, data);
	if (res == TEE_SUCCESS)
		err = give(env, data, length - HPKE_OVERHEAD, at, size,
			   size_at);
	else if (res != TEE_ERROR_MAC_INVALID)
		err = WASI_EIO;
	TEE_MemFill(data, 0, DATA_MAX);
	TEE_Free(data);
	return err;
}

uint32_t wasi_ra_receive_data(wasm_exec_env_t env, uint32_t from,
			      uint32_t length, uint32_t at, uint32_t size,
			      uint32_t size_at)
{
	const uint8_t *message = wasi_app(env, from, length);

	if (!message)
		return WASI_EINVAL;
	if (!evidence_point())
		return WASI_ENOTSUP;
	if (length < HPKE_OVERHEAD || length > HPKE_OVERHEAD + DATA_MAX)
		return WASI_EMSGSIZE;

	return receive(env, message, length, at, size, size_at);
}
