/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi_ra: remote attestation for programs in the TEE, a module that the runtime TA offers beside WASI.
 * collect_quote and receive_data have the names that WaTZ gave to what is closest to them.
 *
 * Whoever is to trust the program sends a nonce before it is started, and has it started with that
 * (`invoke run --nonce HEX`). The TA makes the evidence before the program's first instruction: a program
 * that was taken over later can pass it on, and can no longer have other evidence made. So there is nothing
 * of the program's own in it; what it has to say is protected by the key of the session instead.
 *
 * All functions return an errno of WASI (0: it went well):
 *	ENOTSUP		the program was started without a nonce
 *	ENOBUFS		there is less room than *needed, which is told then, too
 */
#ifndef WASI_RA_H
#define WASI_RA_H

#include <stddef.h>
#include <stdint.h>

#define WASI_RA_QUOTE_MAX	2048
#define WASI_RA_POINT_SIZE	65
/* In a message, and what it has beside that */
#define WASI_RA_DATA_MAX	4096
#define WASI_RA_OVERHEAD	81

#define WASI_RA_IMPORT(name)	__attribute__((import_module("wasi_ra"), import_name(#name)))

/* The evidence, an Entity Attestation Token (RFC 9711), the same one each time */
WASI_RA_IMPORT(collect_quote) int wasi_ra_collect_quote(uint8_t *quote, size_t size, size_t *needed);

/*
 * The public half of the session's key, which is in the evidence, too: an uncompressed point of P-256. The
 * private half is in the OP-TEE core: the program can have messages decrypted, and cannot give the key away.
 */
WASI_RA_IMPORT(session_key) int wasi_ra_session_key(uint8_t *point, size_t size, size_t *needed);

/*
 * Decrypts what somebody who verified the evidence sent: HPKE (RFC 9180) in base mode with
 * DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, to the session's key and with the evidence as `info`;
 * the message is the encapsulated key (65 bytes) and then the ciphertext.
 *
 *	EBADMSG		it is for another session, or was altered
 *	EMSGSIZE	it is shorter or longer than any message
 */
WASI_RA_IMPORT(receive_data)
int wasi_ra_receive_data(const uint8_t *message, size_t length, uint8_t *data, size_t size, size_t *needed);

#endif
