/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as hexadecimal digits.
 */
#ifndef HEX_H
#define HEX_H

#include <stddef.h>
#include <stdint.h>

/* The digits of so many bytes and a NUL */
#define HEX_SIZE(bytes)		(2 * (bytes) + 1)

/* @text: HEX_SIZE(@size) bytes */
void hex_put(char *text, const uint8_t *bytes, size_t size);

#endif /* HEX_H */
