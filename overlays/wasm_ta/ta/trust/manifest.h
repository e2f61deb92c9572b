/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who allows a module to run, and what it may: known, and checked, before a byte
 * of its AOT file is looked at.
 */
#ifndef MANIFEST_H
#define MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasm_signed.h>

#include "base/outcome.h"

/* Of a name space of secure storage: digits, a dot and a NUL */
#define MANIFEST_SPACE_DIGITS	32
#define MANIFEST_SPACE_SIZE	(MANIFEST_SPACE_DIGITS + 2)

struct manifest {
	bool is_signed;		/* false only where the build allows any module */
	uint8_t signer[WASM_SIGNED_KEY_SIZE];	/* zeros if it is not signed */
	uint8_t aot_sha256[WASM_SIGNED_DIGEST_SIZE];	/* the measurement */
	uint8_t wasm_sha256[WASM_SIGNED_DIGEST_SIZE];	/* zeros: not known */
	char name[WASM_SIGNED_NAME_SIZE];	/* NUL terminated */
	uint32_t version;
	uint32_t heap_max;
	uint32_t wasi;
	uint32_t folders;
	uint64_t storage;
	char space[MANIFEST_SPACE_SIZE];	/* its objects' ids begin with it */
};

/*
 * manifest_take() - take the manifest off the end of a file
 * @file: private copy of the whole file
 * @size: of the file; on success of the AOT bytes that it begins with
 *
 * Returns true when the trailer is well-formed, and signed by a key that this TA
 * was built with. Else @outcome says why not.
 */
bool manifest_take(struct manifest *manifest, struct outcome *outcome,
		   const uint8_t *file, size_t *size);

/*
 * manifest_is_of() - whether it is about the AOT bytes whose SHA-256 was measured
 *
 * If so it has a name space in secure storage: hexadecimal digits that follow from
 * signer and name, and a dot; of a module that nobody signed from its measurement.
 */
bool manifest_is_of(struct manifest *manifest, struct outcome *outcome,
		    const uint8_t sha256[WASM_SIGNED_DIGEST_SIZE]);

/* Whether the session's heap is one that it allows */
bool manifest_allows_heap(const struct manifest *manifest,
			  struct outcome *outcome);
/* Whether what a module imports of WASI, WASM_SIGNED_WASI_*, is allowed */
bool manifest_allows_wasi(const struct manifest *manifest,
			  struct outcome *outcome, uint32_t wasi);
/* Whether it allows a folder of the host, one that comes back or not */
bool manifest_allows_folder(const struct manifest *manifest,
			    struct outcome *outcome, bool writable);

#endif /* MANIFEST_H */
