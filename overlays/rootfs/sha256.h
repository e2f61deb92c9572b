/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of bytes that come in pieces, one hash at a time. Each function says
 * whether it worked; if not, errno says why.
 */
#ifndef SHA256_H
#define SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_SIZE	32

/* As hexadecimal digits, with the NUL */
#define SHA256_HEX	(2 * SHA256_SIZE + 1)

bool sha256_begin(void);
bool sha256_add(const void *bytes, size_t size);
bool sha256_end(char hex[SHA256_HEX]);

#endif /* SHA256_H */
