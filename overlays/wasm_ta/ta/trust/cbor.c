// SPDX-License-Identifier: Apache-2.0
/*
 * Writing CBOR: heads, and what is open.
 */
#include "trust/cbor.h"

#include <string.h>

/* Major types, RFC 8949 section 3.1 */
#define UNSIGNED	0
#define NEGATIVE	1
#define BYTES		2
#define TEXT		3
#define ARRAY		4
#define MAP		5
#define TAG		6

void cbor_open(struct cbor *cbor, void *buffer, size_t size)
{
	*cbor = (struct cbor){ .buffer = buffer, .size = size };
}

static void put(struct cbor *cbor, const void *bytes, size_t size)
{
	if (cbor->failed || size > cbor->size - cbor->used) {
		cbor->failed = true;
		return;
	}

	if (size)
		memcpy(cbor->buffer + cbor->used, bytes, size);
	cbor->used += size;
}

static void put_head(struct cbor *cbor, uint8_t major, uint64_t argument)
{
	uint8_t head[9] = { };
	size_t size = 0;
	size_t n = 0;

	if (argument < 24) {
		head[0] = major << 5 | argument;
		put(cbor, head, 1);
		return;
	}

	/* 24 to 27: in 1, 2, 4 or 8 bytes that follow */
	while (size < 3 && argument >> (8 << size))
		size++;
	head[0] = major << 5 | (24 + size);
	for (n = 0; n < 1U << size; n++)
		head[1 + n] = argument >> (8 * ((1U << size) - 1 - n));
	put(cbor, head, 1 + (1U << size));
}

/* One more item is there: it may be the last of what it is in */
static void item(struct cbor *cbor)
{
	while (cbor->depth) {
		if (--cbor->missing[cbor->depth - 1])
			return;
		cbor->depth--;
	}
}

static void begin(struct cbor *cbor, uint64_t items)
{
	if (!items) {
		item(cbor);
	} else if (cbor->depth == CBOR_DEPTH) {
		cbor->failed = true;
	} else {
		cbor->missing[cbor->depth++] = items;
	}
}

void cbor_int(struct cbor *cbor, int64_t number)
{
	if (number < 0)
		put_head(cbor, NEGATIVE, ~(uint64_t)number);
	else
		put_head(cbor, UNSIGNED, number);
	item(cbor);
}

void cbor_bytes(struct cbor *cbor, const void *bytes, size_t size)
{
	put_head(cbor, BYTES, size);
	put(cbor, bytes, size);
	item(cbor);
}

void cbor_text(struct cbor *cbor, const char *text)
{
	size_t size = strlen(text);

	put_head(cbor, TEXT, size);
	put(cbor, text, size);
	item(cbor);
}

void cbor_array(struct cbor *cbor, size_t count)
{
	put_head(cbor, ARRAY, count);
	begin(cbor, count);
}

void cbor_map(struct cbor *cbor, size_t count)
{
	put_head(cbor, MAP, count);
	begin(cbor, 2 * (uint64_t)count);
}

void cbor_tag(struct cbor *cbor, uint64_t tag)
{
	put_head(cbor, TAG, tag);
}

bool cbor_done(const struct cbor *cbor)
{
	return !cbor->failed && !cbor->depth;
}
