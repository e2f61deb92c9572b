/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run WebAssembly modules in the TEE: open a session, configure its heap, run,
 * close. What optee_wamr is made of, and what another host app can be made of.
 *
 *	struct wasm_tee_error error;
 *	struct wasm_tee *tee = wasm_tee_open(&error);
 *
 *	if (!tee || !wasm_tee_configure_heap(tee, 512 * 1024, &error) ||
 *	    !wasm_tee_run(tee, &program, &result, &error))
 *		fprintf(stderr, "%s; %s\n", error.text, error.hint);
 *	wasm_tee_close(tee);
 *
 * A session is for one thread at a time; only wasm_tee_stop() may be called
 * from another one, or from a signal handler.
 */
#ifndef LIBWASM_TEE_H
#define LIBWASM_TEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wasm_ta.h>

struct wasm_tee;

/* Why a call failed, in words, and what to do about it */
struct wasm_tee_error {
	uint32_t code;		/* TEEC_Result */
	uint32_t origin;	/* TEEC_ORIGIN_... */
	char text[192];
	const char *hint;
};

/*
 * Takes what the program wrote, from a thread of the library, in order
 *
 * @fd: 1 for standard output, 2 for standard error
 *
 * While it does not return, the program waits as soon as the ring is full.
 * Returns false to have the run ended.
 */
typedef bool (*wasm_tee_output)(void *context, int fd, const void *bytes,
				size_t length);

struct wasm_tee_program {
	const void *module;		/* AOT file */
	size_t module_size;
	const char *const *argv;	/* NULL terminated */
	const char *const *environ;	/* NULL terminated, KEY=VALUE; or NULL */
	wasm_tee_output output;
	void *context;			/* of output */
};

/* Returns NULL on failure */
struct wasm_tee *wasm_tee_open(struct wasm_tee_error *error);

/* @size: bytes, for all runs of the session that follow */
bool wasm_tee_configure_heap(struct wasm_tee *tee, uint64_t size,
			     struct wasm_tee_error *error);

/*
 * Runs a program to its end. Returns false if the TEE did not; else @result
 * says how the program ended, which includes that it was refused.
 */
bool wasm_tee_run(struct wasm_tee *tee, const struct wasm_tee_program *program,
		  struct wasm_ta_result *result, struct wasm_tee_error *error);

/* Asks the TA to end the current run; async-signal-safe */
void wasm_tee_stop(struct wasm_tee *tee);

/* @tee may be NULL */
void wasm_tee_close(struct wasm_tee *tee);

/* One sentence on what to do about a result that is not an exit, never NULL */
const char *wasm_tee_hint(const struct wasm_ta_result *result);

#endif /* LIBWASM_TEE_H */
