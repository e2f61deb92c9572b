/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optee_wamr without a run: evidence of a module, or the key of all evidence.
 */
#ifndef ATTEST_H
#define ATTEST_H

#include <stddef.h>

#include "app/options.h"

/* Writes the token to standard output; returns the status to exit with */
int attest_module(const struct options *options, const void *module,
		  size_t size);

/* Writes the COSE_Key to standard output; returns the status to exit with */
int attest_key(void);

#endif /* ATTEST_H */
