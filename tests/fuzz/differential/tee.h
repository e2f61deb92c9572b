/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between client.c, which knows the TEE's client API, and tee.c, which knows its
 * internal one: the headers of both define the same names.
 */
#ifndef TEE_H
#define TEE_H

#include <stddef.h>
#include <stdint.h>

struct ta_param {
	uint32_t type;		/* TEE_PARAM_TYPE_... */
	uint32_t a;
	uint32_t b;
	void *buffer;
	size_t size;
};

/* One session at a time */
uint32_t ta_open(void);
void ta_close(void);
uint32_t ta_invoke(uint32_t command, struct ta_param params[4]);

#endif /* TEE_H */
