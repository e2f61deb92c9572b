/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong with /secure, in words: a program gets an errno and may ignore
 * it, so the host app tells the user the first trouble of each run.
 */
#ifndef TROUBLE_H
#define TROUBLE_H

#include <stdint.h>
#include <tee_api_types.h>

#define TROUBLE_SIZE	208

struct trouble {
	char words[TROUBLE_SIZE];	/* of the first one; empty: there is none */
};

/* What is in trouble: "the index of /secure" and the like. Returns an errno */
uint32_t trouble_with(struct trouble *trouble, TEE_Result res,
		      const char *what);

/* In words of the caller's own; always WASI_EIO */
uint32_t trouble_is(struct trouble *trouble, const char *words);

/* There is no memory for more files; always WASI_ENOSPC */
uint32_t trouble_no_room(struct trouble *trouble);

/* The program has used up what it may have, @room bytes; always WASI_EDQUOT */
uint32_t trouble_quota(struct trouble *trouble, uint64_t room);

#endif /* TROUBLE_H */
