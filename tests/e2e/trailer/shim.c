// SPDX-License-Identifier: Apache-2.0
/*
 * What manifest.c and signature.c call, for a shared library of this host:
 * digests are the caller's, who has them from elsewhere.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_internal_api.h>

#include "trust/manifest.h"

/* Of SHA-256 or SHA-512, by @size of what it writes */
typedef void (*digest_function)(const void *data, size_t length, size_t size,
				void *digest);

static digest_function digest;
static uint8_t collected[1024];
static size_t used;

const char trace_ext_prefix[] = "TA";
int trace_level;

void trace_printf(const char *func __unused, int line __unused,
		  int level __unused, bool level_ok __unused,
		  const char *fmt __unused, ...)
{
}

TEE_Result TEE_AllocateOperation(TEE_OperationHandle *operation,
				 uint32_t algorithm __unused,
				 uint32_t mode __unused, uint32_t size __unused)
{
	*operation = TEE_HANDLE_NULL;
	used = 0;
	return TEE_SUCCESS;
}

void TEE_DigestUpdate(TEE_OperationHandle operation __unused,
		      const void *chunk, size_t size)
{
	if (size > sizeof(collected) - used)
		abort();
	if (size)
		memcpy(collected + used, chunk, size);
	used += size;
}

TEE_Result TEE_DigestDoFinal(TEE_OperationHandle operation, const void *chunk,
			     size_t size, void *hash, size_t *hash_size)
{
	TEE_DigestUpdate(operation, chunk, size);
	digest(collected, used, *hash_size, hash);
	return TEE_SUCCESS;
}

void TEE_MemFill(void *buffer, uint32_t x, size_t size)
{
	memset(buffer, x, size);
}

void TEE_FreeOperation(TEE_OperationHandle operation __unused)
{
}

bool outcome_is(struct outcome *outcome, enum wasm_ta_outcome how,
		const char *format, ...)
{
	va_list ap;

	outcome->result->outcome = how;
	va_start(ap, format);
	vsnprintf(outcome->result->message, sizeof(outcome->result->message),
		  format, ap);
	va_end(ap);
	return false;
}

/* One check after the other, as module.c makes them: what was refused, or "" */
const char *check(digest_function of, const uint8_t *file, size_t size,
		  uint32_t heap, uint32_t wasi, int folder, char *space);

const char *check(digest_function of, const uint8_t *file, size_t size,
		  uint32_t heap, uint32_t wasi, int folder, char *space)
{
	static struct wasm_ta_result result;
	struct outcome outcome = { .result = &result };
	struct manifest manifest = { };
	uint8_t sha256[WASM_SIGNED_DIGEST_SIZE] = { };

	digest = of;
	result = (struct wasm_ta_result){ .heap_size = heap };
	if (!manifest_take(&manifest, &outcome, file, &size))
		return result.message;
	digest(file, size, sizeof(sha256), sha256);
	if (manifest_is_of(&manifest, &outcome, sha256) &&
	    manifest_allows_heap(&manifest, &outcome) &&
	    manifest_allows_wasi(&manifest, &outcome, wasi) && folder >= 0)
		manifest_allows_folder(&manifest, &outcome, folder);
	memcpy(space, manifest.space, sizeof(manifest.space));
	return result.message;
}
