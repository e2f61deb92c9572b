/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwasm_tee: run WebAssembly modules in the TEE. What optee_wamr is made of,
 * and what another host app can be made of: link it with -lwasm_tee -lteec
 * -pthread, and have wasm_ta.h beside this header.
 *
 * One program, once:
 *
 *	struct wasm_tee_error error;
 *	struct wasm_tee *tee = wasm_tee_open(&error);
 *
 *	if (!tee || !wasm_tee_configure_heap(tee, 512 * 1024, &error) ||
 *	    !wasm_tee_run(tee, &program, &result, &error))
 *		fprintf(stderr, "%s; %s\n", error.text, error.hint);
 *	wasm_tee_close(tee);
 *
 * A module that is loaded once, run often, and called by name:
 *
 *	struct wasm_ta_value args[] = { wasm_tee_i32(2), wasm_tee_i32(3) };
 *	struct wasm_tee_call add = { .name = "add", .args = args, .argc = 2 };
 *	struct wasm_tee_module *module =
 *		wasm_tee_load(tee, bytes, size, NULL, &error);
 *
 *	if (module && wasm_tee_run_loaded(module, &program, &result, &error) &&
 *	    wasm_tee_call(module, &add, &returned, &error) &&
 *	    returned.result.outcome == WASM_TA_RETURNED)
 *		printf("%d\n", wasm_tee_as_i32(&returned.values[0]));
 *	wasm_tee_unload(module);
 *
 * Who keeps what: each run has an instance of its own, whose memory is fresh
 * and gone afterwards. The calls of a module share one instance, made by the
 * first of them (its _initialize is called, its _start is not), so that what
 * one call leaves in memory the next one finds. It ends with the module, or
 * with a call that exits, or that traps and does not keep it: the next call
 * makes a new one.
 *
 * A session serves one module, the first that was loaded or run in it: whatever
 * that is, it finds no other one there, and leaves nothing for another one. Who
 * has several opens a session for each.
 *
 * A session is for one thread at a time; only wasm_tee_stop() may be called
 * from another one, or from a signal handler.
 */
#ifndef LIBWASM_TEE_H
#define LIBWASM_TEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wasm_ta.h>

struct wasm_tee;
struct wasm_tee_module;

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

/*
 * A folder that is copied into the program's files before the run, and if it is
 * writable also back after it: then it is as the program left it
 */
struct wasm_tee_dir {
	const char *host;	/* its path here */
	const char *guest;	/* ... and in the program: absolute, "/" for all */
	bool writable;
};

/* What a program can find out of its standard input, output or error */
struct wasm_tee_stdio {
	uint8_t type;		/* enum wasm_ta_stdio */
	uint64_t size;		/* of a file, in bytes */
};

/* ... as a descriptor of this process has it */
struct wasm_tee_stdio wasm_tee_stdio_of(int fd);

/* Takes a line for the user, about a file that a program is not given */
typedef void (*wasm_tee_notice)(const char *line);

struct wasm_tee_program {
	const void *module;		/* signed AOT file; not for a loaded one */
	size_t module_size;
	const char *const *argv;	/* NULL terminated */
	const char *const *environ;	/* NULL terminated, KEY=VALUE; or NULL */
	wasm_tee_output output;
	void *context;			/* of output */
	const int *input;		/* descriptor of its stdin; NULL: none */
	const struct wasm_tee_dir *dirs;
	size_t dirs_count;
	uint32_t files_limit;		/* bytes for files; 0: what there is */
	const struct wasm_tee_stdio *stdio;	/* of 3; NULL: pipes */
	wasm_tee_notice notice;		/* NULL: nobody wants to know */
};

/* Of an exported function */
struct wasm_tee_call {
	const char *name;
	const struct wasm_ta_value *args;	/* as many as it takes */
	uint32_t argc;
	bool keep;			/* the instance, should it trap */
	wasm_tee_output output;		/* NULL: what it prints is thrown away */
	void *context;			/* of output */
};

/* Returns NULL on failure */
struct wasm_tee *wasm_tee_open(struct wasm_tee_error *error);

/*
 * The same with a session that is kept in the background, ready to be used, for
 * @seconds after its last use: the next process of this user that opens a kept
 * session has it at once. It is in use by one of them at a time; who comes
 * meanwhile gets a session of its own, as from wasm_tee_open(). With 0 @seconds
 * it is ours if there is one, and closed with ours: nobody has it after us.
 *
 * A session serves one module. @key is what wasm_tee_key() says of the one that
 * is going to run: where it is another one than before, the session is opened
 * anew. What isolates a run from earlier ones of the same module is the
 * WebAssembly runtime, and no longer the TEE as well. 0: it is not known yet, and
 * the session is one in which nothing ran.
 *
 * To be called before the process has threads: it may fork.
 */
struct wasm_tee *wasm_tee_open_kept(unsigned int seconds, uint64_t key,
				    struct wasm_tee_error *error);

/*
 * Tells modules, heaps and stacks (as for wasm_tee_configure()) apart, never 0. It
 * is no digest: it saves a trip to the TA, which measures the module itself.
 */
uint64_t wasm_tee_key(const void *module, size_t size, uint64_t heap,
		      uint64_t stack);

/*
 * @size: bytes, for all runs of the session that follow; as soon as a module was
 * loaded it stays the same
 */
bool wasm_tee_configure_heap(struct wasm_tee *tee, uint64_t size,
			     struct wasm_tee_error *error);

/*
 * The same with a stack for compiled code, of @stack bytes: a program whose
 * recursion is deep wants more than the TA's own. 0: that one
 */
bool wasm_tee_configure(struct wasm_tee *tee, uint64_t size, uint64_t stack,
			struct wasm_tee_error *error);

/*
 * Runs a program to its end. Returns false if the TEE did not, or if what it
 * left in a writable folder cannot be written; @result says how the program
 * ended, if it did, which includes that it was refused.
 */
bool wasm_tee_run(struct wasm_tee *tee, const struct wasm_tee_program *program,
		  struct wasm_ta_result *result, struct wasm_tee_error *error);

/*
 * Loads a module and keeps it. @result may be NULL. Returns NULL if the TEE
 * failed, or if the TA refused the module: then error->code is 0.
 */
struct wasm_tee_module *wasm_tee_load(struct wasm_tee *tee, const void *module,
				      size_t size,
				      struct wasm_ta_result *result,
				      struct wasm_tee_error *error);

/* As wasm_tee_run(), the module in @program being ignored */
bool wasm_tee_run_loaded(struct wasm_tee_module *module,
			 const struct wasm_tee_program *program,
			 struct wasm_ta_result *result,
			 struct wasm_tee_error *error);

/*
 * Calls an exported function. Returns false if the TEE did not; else
 * returned->result.outcome is WASM_TA_RETURNED, with returned->values filled
 * in, or says how it ended: WASM_TA_REFUSED if there is no such function or it
 * has other parameters.
 */
bool wasm_tee_call(struct wasm_tee_module *module,
		   const struct wasm_tee_call *call,
		   struct wasm_ta_returned *returned,
		   struct wasm_tee_error *error);

/*
 * Makes several calls, up to WASM_TA_CALLS_MAX of them, in one trip to the TEE,
 * which takes longer than a small function does. What they print goes to the
 * output of the first. The first that ends the instance is the last that is
 * made: the outcome of those after it is WASM_TA_FAILED.
 */
bool wasm_tee_call_all(struct wasm_tee_module *module,
		       const struct wasm_tee_call *calls, size_t count,
		       struct wasm_ta_returned *returned,
		       struct wasm_tee_error *error);

/*
 * Has the TA make evidence of the next module, with this nonce of a verifier's, 8
 * to 64 bytes. It is the first module of its session, and the only one: a session
 * from wasm_tee_open_kept() may have had another one.
 */
bool wasm_tee_set_nonce(struct wasm_tee *tee, const void *nonce, size_t size,
			struct wasm_tee_error *error);

/*
 * The evidence, once the module was loaded or run: an Entity Attestation Token
 * (RFC 9711), made before the module's first instruction
 */
bool wasm_tee_evidence(struct wasm_tee *tee,
		       uint8_t token[WASM_TA_EVIDENCE_MAX], size_t *size,
		       struct wasm_tee_error *error);

/*
 * The public half of the machine's key that evidence is signed with, a COSE_Key.
 * Who verifies gets it over a way that he trusts, not from here each time.
 */
bool wasm_tee_attestation_key(struct wasm_tee *tee,
			      uint8_t key[WASM_TA_EVIDENCE_MAX], size_t *size,
			      struct wasm_tee_error *error);

/* To be called before wasm_tee_close(); @module may be NULL */
void wasm_tee_unload(struct wasm_tee_module *module);

/* Asks the TA to end the current run; async-signal-safe */
void wasm_tee_stop(struct wasm_tee *tee);

/* @tee may be NULL */
void wasm_tee_close(struct wasm_tee *tee);

/* One sentence on what to do about a result that is not an exit, never NULL */
const char *wasm_tee_hint(const struct wasm_ta_result *result);

/* The same for result->storage, if it is not empty */
const char *wasm_tee_storage_hint(const struct wasm_ta_result *result);

/* Values for a call, and out of what it returned: little endian, as both are */

static inline struct wasm_ta_value wasm_tee_i32(int32_t number)
{
	struct wasm_ta_value value = { .type = WASM_TA_I32 };

	memcpy(&value.bits, &number, sizeof(number));
	return value;
}

static inline int32_t wasm_tee_as_i32(const struct wasm_ta_value *value)
{
	int32_t number = 0;

	memcpy(&number, &value->bits, sizeof(number));
	return number;
}

static inline struct wasm_ta_value wasm_tee_i64(int64_t number)
{
	struct wasm_ta_value value = { .type = WASM_TA_I64 };

	memcpy(&value.bits, &number, sizeof(number));
	return value;
}

static inline int64_t wasm_tee_as_i64(const struct wasm_ta_value *value)
{
	int64_t number = 0;

	memcpy(&number, &value->bits, sizeof(number));
	return number;
}

static inline struct wasm_ta_value wasm_tee_f32(float number)
{
	struct wasm_ta_value value = { .type = WASM_TA_F32 };

	memcpy(&value.bits, &number, sizeof(number));
	return value;
}

static inline float wasm_tee_as_f32(const struct wasm_ta_value *value)
{
	float number = 0;

	memcpy(&number, &value->bits, sizeof(number));
	return number;
}

static inline struct wasm_ta_value wasm_tee_f64(double number)
{
	struct wasm_ta_value value = { .type = WASM_TA_F64 };

	memcpy(&value.bits, &number, sizeof(number));
	return value;
}

static inline double wasm_tee_as_f64(const struct wasm_ta_value *value)
{
	double number = 0;

	memcpy(&number, &value->bits, sizeof(number));
	return number;
}

/* A reference to something of the caller's, by any number; also the null */
static inline struct wasm_ta_value wasm_tee_externref(uint32_t number)
{
	struct wasm_ta_value value = { .type = WASM_TA_EXTERNREF };

	memcpy(&value.bits, &number, sizeof(number));
	return value;
}

static inline uint32_t wasm_tee_as_externref(const struct wasm_ta_value *value)
{
	uint32_t number = 0;

	memcpy(&number, &value->bits, sizeof(number));
	return number;
}

/* Of either kind of reference */
static inline bool wasm_tee_is_null(const struct wasm_ta_value *value)
{
	return wasm_tee_as_externref(value) == WASM_TA_NULL_REF;
}

#endif /* LIBWASM_TEE_H */
