/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes an AOT file a signed module: a trailer of fixed size behind its
 * last byte, which says who allows what. Little endian, no padding.
 *
 *	AOT bytes | struct wasm_signed
 *
 * The signature is Ed25519 (RFC 8032) over the trailer up to the signature. The
 * AOT bytes are in it by their length and their SHA-256, so that one hash of a
 * module is enough for its check and for its measurement.
 *
 * Its last 16 bytes are the same in each version of the format: a reader of
 * another version knows what it has before it. teeforge/modules/manifest.py
 * writes and reads the same.
 */
#ifndef WASM_SIGNED_H
#define WASM_SIGNED_H

#include <stdint.h>

#define WASM_SIGNED_BEGIN	"wasm-sig"	/* without NULs */
#define WASM_SIGNED_END		"wasm-end"
#define WASM_SIGNED_MAGIC_SIZE	8
#define WASM_SIGNED_VERSION	1

#define WASM_SIGNED_NAME_SIZE	64
#define WASM_SIGNED_KEY_SIZE	32
#define WASM_SIGNED_DIGEST_SIZE	32
#define WASM_SIGNED_SIGNATURE_SIZE	64

/* What of WASI it may import, beside its streams, memory and its own end */
#define WASM_SIGNED_WASI_ARGUMENTS	0x01	/* args_*, environ_* */
#define WASM_SIGNED_WASI_CLOCKS		0x02	/* clock_*, poll_oneoff */
#define WASM_SIGNED_WASI_RANDOM		0x04	/* random_get */
#define WASM_SIGNED_WASI_FILES		0x08	/* path_*, fd_readdir */
#define WASM_SIGNED_WASI_SOCKETS	0x10	/* sock_* */
#define WASM_SIGNED_WASI_ALL		0x1f

/* What of the folders that the host lends */
#define WASM_SIGNED_FOLDERS_NONE	0
#define WASM_SIGNED_FOLDERS_READ	1
#define WASM_SIGNED_FOLDERS_WRITE	2	/* they may come back changed */

struct wasm_signed {
	char begin[WASM_SIGNED_MAGIC_SIZE];
	uint8_t signer[WASM_SIGNED_KEY_SIZE];	/* its public key */
	uint64_t aot_size;
	uint8_t aot_sha256[WASM_SIGNED_DIGEST_SIZE];
	uint8_t wasm_sha256[WASM_SIGNED_DIGEST_SIZE];	/* zeros: not known */
	uint32_t module_version;	/* of that name; an older one is refused */
	uint32_t heap_max;		/* bytes */
	uint32_t wasi;			/* WASM_SIGNED_WASI_* */
	uint32_t folders;		/* WASM_SIGNED_FOLDERS_* */
	uint64_t storage;		/* bytes of /secure; 0: it has none */
	uint64_t reserved;		/* 0 */
	/* 1 to 63 bytes of UTF-8 without control characters, then NULs */
	char name[WASM_SIGNED_NAME_SIZE];
	uint8_t signature[WASM_SIGNED_SIGNATURE_SIZE];
	uint32_t version;		/* WASM_SIGNED_VERSION */
	uint32_t size;			/* of this structure */
	char end[WASM_SIGNED_MAGIC_SIZE];
};

#define WASM_SIGNED_SIZE	288

_Static_assert(sizeof(struct wasm_signed) == WASM_SIGNED_SIZE,
	       "the trailer has no padding");

#endif /* WASM_SIGNED_H */
