/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be known of an AOT file before the runtime gets to see it.
 */
#ifndef AOT_H
#define AOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aot/aot_info.h"

/*
 * aot_check() - read an AOT file's headers, and refuse what cannot run
 * @file: private copy of the file, 8 byte aligned
 * @info: filled in on success
 * @message: on refusal, one sentence that says why
 *
 * Reads no byte outside the file, whatever it contains. A file that passes is
 * well-formed up to its imports and exports, and imports nothing but functions
 * that the TA offers, in the type that they have.
 */
bool aot_check(const uint8_t *file, size_t size, struct aot_info *info,
	       char *message, size_t message_size);

#endif /* AOT_H */
