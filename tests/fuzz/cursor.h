/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input, taken from its front: numbers that are likely to mean something, and
 * now and then just any. Where it ends, there are zeros.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *next;
	size_t left;
};

static inline uint64_t take(struct cursor *c, size_t size)
{
	uint64_t value = 0;
	size_t part = size < c->left ? size : c->left;

	if (part)
		memcpy(&value, c->next, part);
	c->next += part;
	c->left -= part;
	return value;
}

/* Up to @size bytes as they are: where they are, and how many */
static inline const uint8_t *take_bytes(struct cursor *c, size_t *size)
{
	const uint8_t *bytes = c->next;

	*size = *size < c->left ? *size : c->left;
	c->next += *size;
	c->left -= *size;
	return bytes;
}

/* Small, or any 32 bits */
static inline uint32_t take_number(struct cursor *c)
{
	uint8_t byte = take(c, 1);

	return byte < 0xf0 ? byte % 32 : take(c, 4);
}

/* A count of bytes: small, some KiB, or any */
static inline uint32_t take_length(struct cursor *c)
{
	uint8_t byte = take(c, 1);

	if (byte < 0xc0)
		return byte;
	return byte < 0xf0 ? (byte - 0xc0) * 1024u + byte % 3 : take(c, 4);
}

/* An offset or a time: small, near a power of two, or any */
static inline uint64_t take_wide(struct cursor *c)
{
	uint8_t byte = take(c, 1);

	if (byte < 0x80)
		return byte;
	return byte < 0xf0 ? (1ULL << byte % 64) - (byte >= 0xc0) : take(c, 8);
}

/* A path, of few names so that they meet, or any bytes. Returns its length */
static inline size_t take_path(struct cursor *c, char *path, size_t size)
{
	static const char *const names[] = {
		"a", "b", "c", "d", ".", "..", "a/b", "a/b/c", "a/", "b/",
		"l", "l/a", "../a", "\xc3\xa4", "name-of-thirty-two-bytes-in-all-",
		"",
	};
	uint8_t byte = take(c, 1);
	const char *name = names[byte % (sizeof(names) / sizeof(*names))];
	const uint8_t *bytes = NULL;
	size_t length = strlen(name);
	size_t n = 0;

	if (byte < 0xd0) {
		memcpy(path, name, length);
		return length;
	}

	length = byte < 0xf0 ? byte % 16 : take_length(c) % size;
	n = byte % 2 ? length : 1;
	bytes = take_bytes(c, &n);
	/* A long one needs no long input */
	memset(path, n ? bytes[0] : 'a', length);
	if (n)
		memcpy(path, bytes, n < length ? n : length);
	return length;
}

#endif /* CURSOR_H */
