/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of optee_wamr.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <libwasm_tee.h>
#include <wasm_files.h>

#define ENVIRON_MAX	256

struct options {
	uint64_t heap_size;
	uint64_t stack_size;		/* 0: the TA's own */
	const char *module;
	const char *name;		/* of the program, also in messages */
	const char *const *argv;	/* of the program, its name first */
	const char *environ[ENVIRON_MAX + 1];
	size_t environ_count;
	struct wasm_tee_dir dirs[WASM_FILES_MOUNTS_MAX];
	size_t dirs_count;
	uint64_t files_limit;
	uint64_t module_size;		/* of one in standard input, or 0 */
	uint64_t key;			/* of the module, once it was read */
	struct wasm_tee_stdio stdio[WASM_TA_STDIO_COUNT];
	unsigned int wait;		/* seconds, for the memory of other runs */
	const char *report;
	bool kept;			/* use a session that is kept, */
	unsigned int keep;		/* ... and keep it for so many seconds */
	bool quiet;
	uint8_t nonce[WASM_TA_NONCE_MAX];	/* of a verifier */
	size_t nonce_size;		/* 0: none */
	bool attest;			/* make evidence, and run nothing */
	bool attestation_key;		/* tell the key of all evidence */
};

/* Returns -1 to go on, else the status to exit with */
int options_parse(int argc, char *argv[], struct options *options);

#endif /* OPTIONS_H */
