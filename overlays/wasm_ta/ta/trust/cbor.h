/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing CBOR (RFC 8949) into a buffer: integers, strings, arrays and maps, each
 * with the shortest head, as deterministic encoding (section 4.2.1) wants it.
 *
 * Nothing is checked as it is written but the room: cbor_done() tells in the end
 * whether all of it is there, and well-formed: what is opened has got as many
 * items as its head says. The keys of a map are the caller's to sort.
 */
#ifndef CBOR_H
#define CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Arrays and maps within each other */
#define CBOR_DEPTH	8

struct cbor {
	uint8_t *buffer;
	size_t size;
	size_t used;
	bool failed;
	size_t depth;
	uint64_t missing[CBOR_DEPTH];	/* items, of what is open */
};

void cbor_open(struct cbor *cbor, void *buffer, size_t size);

/* An integer of either sign */
void cbor_int(struct cbor *cbor, int64_t number);
void cbor_bytes(struct cbor *cbor, const void *bytes, size_t size);
/* @text: UTF-8, ended by a NUL that is not written */
void cbor_text(struct cbor *cbor, const char *text);

/* The next @count items, or pairs of a key and a value, are in it */
void cbor_array(struct cbor *cbor, size_t count);
void cbor_map(struct cbor *cbor, size_t count);
/* The next item is meant as the IANA registry of tags says */
void cbor_tag(struct cbor *cbor, uint64_t tag);

/* Whether there was room for all, and each array and map has what it should */
bool cbor_done(const struct cbor *cbor);

#endif /* CBOR_H */
