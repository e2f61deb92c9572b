// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

void hex_put(char *text, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (n = 0; n < size; n++) {
		*text++ = digits[bytes[n] >> 4];
		*text++ = digits[bytes[n] & 0xf];
	}
	*text = '\0';
}
