/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that outlives the process: kept by a process in the background,
 * which lends it to one client after the other.
 */
#ifndef KEEP_H
#define KEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <tee_client_api.h>

enum keep_borrowed {
	KEEP_BORROWED,		/* the session is ours until keep_return() */
	KEEP_BUSY,		/* somebody else has it, or nobody keeps one */
	KEEP_FAILED,		/* it could not be opened */
};

/*
 * keep_borrow() - borrow the session that is kept, and start to keep one
 * @seconds: without a client, after which it is closed; 0 starts to keep none
 * @key: tells what is going to run in it from all else, or 0: what did run in
 *	it has the same one, or nothing did
 * @context: where @session is valid; to be finalized in any case
 * @lease: file descriptor for keep_return()
 * @code, @origin: for KEEP_FAILED
 */
enum keep_borrowed keep_borrow(unsigned int seconds, uint64_t key,
			       TEEC_Context *context, TEEC_Session *session,
			       int *lease, TEEC_Result *code, uint32_t *origin);

/* @good: the session may be lent again; else it is closed */
void keep_return(int lease, bool good);

#endif /* KEEP_H */
