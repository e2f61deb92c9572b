// SPDX-License-Identifier: Apache-2.0
/*
 * Words for what does not travel: files that a program is not given, and links
 * that are not written back.
 */
#include <stdio.h>

#include "library/dir_internal.h"

#define PATH_SHOWN	400

/* Bytes of the sequence that @text begins with; 0: it is no UTF-8 (RFC 3629) */
static size_t utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, low, high;	/* of the second byte */
		size_t length;
	} kinds[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t n = 0;
	size_t at = 0;

	if (*text < 0x80)
		return 1;
	for (n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++)
		if (*text >= kinds[n].first && *text <= kinds[n].last)
			break;
	if (n == sizeof(kinds) / sizeof(kinds[0]) ||
	    text[1] < kinds[n].low || text[1] > kinds[n].high)
		return 0;
	for (at = 2; at < kinds[n].length; at++)
		if ((text[at] & 0xc0) != 0x80)
			return 0;
	return kinds[n].length;
}

bool dir_is_utf8(const char *text)
{
	const unsigned char *next = (const unsigned char *)text;
	size_t length = 1;

	for (; *next && length; next += length)
		length = utf8_length(next);
	return length;
}

void dir_notice(const struct dir_set *set, uint32_t mount, const char *path,
		const char *why)
{
	char line[PATH_SHOWN + 256] = { };
	size_t used = 0;

	if (!set->notice)
		return;

	used = snprintf(line, sizeof(line), "--dir: %.100s/",
			set->dirs[mount].host);
	for (; *path && used < PATH_SHOWN; path++) {
		unsigned char c = *path;

		used += snprintf(line + used, sizeof(line) - used,
				 c < ' ' || c > '~' ? "\\x%02x" : "%c", c);
	}
	snprintf(line + used, sizeof(line) - used, "%s: %s",
		 *path ? "..." : "", why);
	set->notice(line);
}

bool dir_leave(const struct dir_set *set, uint32_t mount, const char *path,
	       const char *why)
{
	char told[128] = { };

	snprintf(told, sizeof(told), "%s: the program is not given it", why);
	dir_notice(set, mount, path, told);
	return true;
}
