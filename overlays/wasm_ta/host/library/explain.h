/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TEE result codes and origins in words.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdint.h>

/* None of these returns NULL */
const char *explain_code(uint32_t code);
const char *explain_origin(uint32_t origin);
const char *explain_hint(uint32_t code, uint32_t origin);

#endif /* EXPLAIN_H */
