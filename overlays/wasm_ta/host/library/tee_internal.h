/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sessions, runs and loaded modules have in common.
 */
#ifndef TEE_INTERNAL_H
#define TEE_INTERNAL_H

#include <libwasm_tee.h>
#include <tee_client_api.h>
#include <wasm_ring.h>

#include "library/dir.h"

struct wasm_tee {
	TEEC_Context context;
	TEEC_Session session;
	bool has_context;
	bool has_session;
	/* A session that is kept is borrowed, and returned if nothing failed */
	bool borrowed;
	bool last;			/* nobody is to borrow it after us */
	bool failed;
	int lease;
	uint32_t modules;		/* that are loaded */
	/* Made for the first run, and kept for those that follow */
	TEEC_SharedMemory streams;
	/* Of the current run, for wasm_tee_stop() */
	struct wasm_streams *running;
};

/* Fill in @error; always false, for the caller to return */
bool tee_fail(struct wasm_tee_error *error, const char *what, TEEC_Result code,
	      uint32_t origin);
/* Nobody else is to get a session in which this happened */
bool tee_fail_session(struct wasm_tee *tee, struct wasm_tee_error *error,
		      const char *what, TEEC_Result code, uint32_t origin);

/* Memory that was not allocated is all zeroes, and may be released as well */
TEEC_Result tee_allocate(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			 size_t size, uint32_t flags);
void tee_release(TEEC_SharedMemory *memory);

/* The AOT file @module in shared memory */
TEEC_Result tee_make_module(struct wasm_tee *tee, TEEC_SharedMemory *memory,
			    const void *module, size_t size);

/* What flows while a command is in the TEE */
struct tee_flow {
	wasm_tee_output output;
	void *context;		/* of output */
	struct dir_set *dirs;	/* NULL: none */
	const int *input;	/* NULL: none */
	uint32_t files_limit;
	const struct wasm_tee_stdio *stdio;	/* NULL: pipes */
};

/* Invokes a command whose third parameter is the streams, which then flow */
TEEC_Result tee_invoke(struct wasm_tee *tee, uint32_t command,
		       TEEC_Operation *operation, const struct tee_flow *flow,
		       uint32_t *origin);

/* Checks what the TA made, which is not to be trusted with its NUL either */
TEEC_Result tee_take_result(struct wasm_tee *tee, struct wasm_ta_result *result,
			    uint32_t *origin);

/* Runs @first, a module's file, or if it is NULL the one with this @handle */
bool tee_run(struct wasm_tee *tee, TEEC_SharedMemory *first, uint32_t handle,
	     const struct wasm_tee_program *program,
	     struct wasm_ta_result *result, struct wasm_tee_error *error);

#endif /* TEE_INTERNAL_H */
