// SPDX-License-Identifier: Apache-2.0
/*
 * The trailer of a signed module, read as strictly as it is written: one layout,
 * no field that is not understood, and nothing believed that is not signed.
 */
#include "trust/manifest.h"

#include <inttypes.h>
#include <string.h>
#include <trace.h>
#include <util.h>

#include "base/hex.h"
#include "trust/digest.h"
#include "trust/signature.h"

/* Bytes of a key that are told: enough to know it by */
#define KEY_TOLD		8

/* The last bytes of a trailer, in each version of the format */
struct ending {
	uint32_t version;
	uint32_t size;
	char end[WASM_SIGNED_MAGIC_SIZE];
};

_Static_assert(offsetof(struct wasm_signed, version) +
	       sizeof(struct ending) == WASM_SIGNED_SIZE,
	       "a trailer ends as any version of it does");

static bool ends_signed(const uint8_t *file, size_t size)
{
	return size >= WASM_SIGNED_MAGIC_SIZE &&
	       !memcmp(file + size - WASM_SIGNED_MAGIC_SIZE, WASM_SIGNED_END,
		       WASM_SIGNED_MAGIC_SIZE);
}

/* Whether a trailer begins in the last bytes of a file, too late to be whole */
static bool begins_late(const uint8_t *file, size_t size)
{
	size_t at = size - MIN(size, (size_t)WASM_SIGNED_SIZE - 1);

	for (; at + WASM_SIGNED_MAGIC_SIZE <= size; at++)
		if (!memcmp(file + at, WASM_SIGNED_BEGIN,
			    WASM_SIGNED_MAGIC_SIZE))
			return true;

	return false;
}

/* A module that nobody signed, where the build is for experiments */
static bool take_unsigned(struct manifest *manifest)
{
	*manifest = (struct manifest){
		.name = "unsigned",
		.heap_max = WASM_TA_HEAP_MAX,
		.wasi = WASM_SIGNED_WASI_ALL,
		.folders = WASM_SIGNED_FOLDERS_WRITE,
		.storage = UINT64_MAX,
	};
	EMSG("not signed, and run nevertheless: this TA was built with modules: any");
	return true;
}

static bool cut_short(struct outcome *outcome)
{
	return outcome_is(outcome, WASM_TA_REFUSED,
			  "the signature at the end of the file is cut short");
}

static bool is_name(const char name[WASM_SIGNED_NAME_SIZE])
{
	size_t length = strnlen(name, WASM_SIGNED_NAME_SIZE);
	size_t n = 0;

	if (!length || length == WASM_SIGNED_NAME_SIZE)
		return false;
	for (n = 0; n < WASM_SIGNED_NAME_SIZE; n++)
		if (n < length ? (uint8_t)name[n] < ' ' || name[n] == 0x7f :
				 name[n])
			return false;

	return true;
}

/* Signed or not, what a later version has added is not passed over */
static bool check_fields(struct outcome *outcome,
			 const struct wasm_signed *trailer)
{
	if (trailer->wasi & ~WASM_SIGNED_WASI_ALL)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest has fields that this TA does not know: wasi %#"PRIx32,
				  trailer->wasi & ~WASM_SIGNED_WASI_ALL);
	if (trailer->folders > WASM_SIGNED_FOLDERS_WRITE)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest has fields that this TA does not know: folders %"PRIu32,
				  trailer->folders);
	if (trailer->reserved)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest has fields that this TA does not know: %#"PRIx64,
				  trailer->reserved);
	if (!is_name(trailer->name))
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest is damaged: its name is none");
	return true;
}

static bool check_signature(struct outcome *outcome,
			    const struct wasm_signed *trailer)
{
	TEE_Result res = signature_check(trailer);

	if (res == TEE_SUCCESS)
		return true;
	if (res == TEE_ERROR_SIGNATURE_INVALID)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest is not what was signed: the signature does not fit it");

	return outcome_is(outcome, WASM_TA_FAILED,
			  "the signature could not be checked (%#"PRIx32")", res);
}

static bool check_key(struct outcome *outcome,
		      const struct wasm_signed *trailer)
{
	char text[HEX_SIZE(KEY_TOLD)] = { };

	if (signature_knows(trailer->signer))
		return true;

	hex_put(text, trailer->signer, KEY_TOLD);
	return outcome_is(outcome, WASM_TA_REFUSED,
			  "the module is signed by the key %s..., which this TA does not know",
			  text);
}

/* The trailer of a file that ends like one */
static bool read_trailer(struct wasm_signed *trailer, struct outcome *outcome,
			 const uint8_t *file, size_t size)
{
	struct ending ending = { };

	if (size < sizeof(ending))
		return cut_short(outcome);
	memcpy(&ending, file + size - sizeof(ending), sizeof(ending));
	if (ending.version != WASM_SIGNED_VERSION)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest is of version %"PRIu32", and this TA reads version %d",
				  ending.version, WASM_SIGNED_VERSION);
	if (size < sizeof(*trailer))
		return cut_short(outcome);

	memcpy(trailer, file + size - sizeof(*trailer), sizeof(*trailer));
	if (trailer->size != sizeof(*trailer) ||
	    memcmp(trailer->begin, WASM_SIGNED_BEGIN, WASM_SIGNED_MAGIC_SIZE))
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the signature at the end of the file is damaged: it does not begin as one");
	return true;
}

bool manifest_take(struct manifest *manifest, struct outcome *outcome,
		   const uint8_t *file, size_t *size)
{
	struct wasm_signed trailer = { };
	size_t rest = 0;

	if (!ends_signed(file, *size)) {
		if (begins_late(file, *size))
			return cut_short(outcome);
		if (signature_is_optional())
			return take_unsigned(manifest);
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the module is not signed, and this TA runs what is signed only");
	}

	if (!read_trailer(&trailer, outcome, file, *size))
		return false;
	rest = *size - sizeof(trailer);
	if (ends_signed(file, rest))
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the file has two signatures, one behind the other");
	if (!signature_knows(trailer.signer) && signature_is_optional()) {
		*size = rest;
		return take_unsigned(manifest);
	}
	if (!check_key(outcome, &trailer) ||
	    !check_signature(outcome, &trailer) ||
	    !check_fields(outcome, &trailer))
		return false;
	if (trailer.aot_size != rest)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the file has other bytes than were signed: %zu of them instead of %"PRIu64,
				  rest, trailer.aot_size);

	*manifest = (struct manifest){
		.is_signed = true,
		.version = trailer.module_version,
		.heap_max = trailer.heap_max,
		.wasi = trailer.wasi,
		.folders = trailer.folders,
		.storage = trailer.storage,
	};
	memcpy(manifest->signer, trailer.signer, sizeof(manifest->signer));
	memcpy(manifest->aot_sha256, trailer.aot_sha256,
	       sizeof(manifest->aot_sha256));
	memcpy(manifest->wasm_sha256, trailer.wasm_sha256,
	       sizeof(manifest->wasm_sha256));
	memcpy(manifest->name, trailer.name, sizeof(manifest->name));
	*size = rest;
	return true;
}

/* Before the seal: nobody hashes in a state of his own after it */
static bool make_space(struct manifest *manifest, struct outcome *outcome)
{
	struct digest_part parts[] = {
		{ manifest->signer, sizeof(manifest->signer) },
		{ manifest->name, sizeof(manifest->name) },
	};
	uint8_t digest[DIGEST_SIZE] = { };
	TEE_Result res = TEE_SUCCESS;

	if (!manifest->is_signed)
		parts[1] = (struct digest_part){ manifest->aot_sha256,
						 sizeof(manifest->aot_sha256) };
	res = digest_once(parts, ARRAY_SIZE(parts), digest);
	if (res != TEE_SUCCESS)
		return outcome_is(outcome, WASM_TA_FAILED,
				  "the program's name could not be hashed (%#"PRIx32")",
				  res);

	hex_put(manifest->space, digest, MANIFEST_SPACE_DIGITS / 2);
	memcpy(manifest->space + MANIFEST_SPACE_DIGITS, ".", sizeof("."));
	return true;
}

bool manifest_is_of(struct manifest *manifest, struct outcome *outcome,
		    const uint8_t sha256[WASM_SIGNED_DIGEST_SIZE])
{
	char text[HEX_SIZE(KEY_TOLD)] = { };

	if (!manifest->is_signed) {
		memcpy(manifest->aot_sha256, sha256,
		       sizeof(manifest->aot_sha256));
		return make_space(manifest, outcome);
	}
	if (memcmp(manifest->aot_sha256, sha256, sizeof(manifest->aot_sha256)))
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the file has other bytes than were signed");

	hex_put(text, manifest->signer, KEY_TOLD);
	IMSG("module name %s version %"PRIu32" signed by %s", manifest->name,
	     manifest->version, text);
	return make_space(manifest, outcome);
}

bool manifest_allows_heap(const struct manifest *manifest,
			  struct outcome *outcome)
{
	uint32_t size = outcome->result->heap_size;

	if (size <= manifest->heap_max)
		return true;
	return outcome_is(outcome, WASM_TA_REFUSED,
			  "the heap of %"PRIu32" bytes is more than the manifest allows: %"PRIu32,
			  size, manifest->heap_max);
}

bool manifest_allows_wasi(const struct manifest *manifest,
			  struct outcome *outcome, uint32_t wasi)
{
	static const struct {
		uint32_t bit;
		const char *what;
	} groups[] = {
		{ WASM_SIGNED_WASI_ARGUMENTS, "arguments (args_*, environ_*)" },
		{ WASM_SIGNED_WASI_CLOCKS, "clocks (clock_*, poll_oneoff)" },
		{ WASM_SIGNED_WASI_RANDOM, "random (random_get)" },
		{ WASM_SIGNED_WASI_FILES, "files (path_*, fd_readdir)" },
		{ WASM_SIGNED_WASI_SOCKETS, "sockets (sock_*)" },
	};
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(groups); n++)
		if (wasi & groups[n].bit & ~manifest->wasi)
			return outcome_is(outcome, WASM_TA_REFUSED,
					  "the program uses more of WASI than the manifest allows: %s",
					  groups[n].what);

	return true;
}

bool manifest_allows_folder(const struct manifest *manifest,
			    struct outcome *outcome, bool writable)
{
	if (manifest->folders == WASM_SIGNED_FOLDERS_NONE)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest allows no folders of the host");
	if (writable && manifest->folders != WASM_SIGNED_FOLDERS_WRITE)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the manifest allows folders of the host for reading only");
	return true;
}
