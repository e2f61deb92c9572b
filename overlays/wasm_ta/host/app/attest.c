// SPDX-License-Identifier: Apache-2.0
/*
 * optee_wamr without a run. The session is always a new one: evidence is of one
 * module, before which there was no other.
 */
#include "app/attest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/status.h"

static int write_out(const uint8_t *bytes, size_t size)
{
	if (fwrite(bytes, 1, size, stdout) == size && !fflush(stdout))
		return EXIT_SUCCESS;

	say("standard output", strerror(errno), NULL);
	return STATUS_USAGE;
}

static int fail(const char *where, const struct wasm_tee_error *error,
		const struct wasm_ta_result *result)
{
	say(where, error->text, error->hint);
	/* An error without a code is the module's */
	return error->code ? STATUS_TEE : status_of(result);
}

int attest_module(const struct options *options, const void *module,
		  size_t size)
{
	uint8_t token[WASM_TA_EVIDENCE_MAX] = { };
	struct wasm_tee_module *loaded = NULL;
	struct wasm_ta_result result = { };
	struct wasm_tee_error error = { };
	size_t token_size = 0;
	int status = STATUS_TEE;
	struct wasm_tee *tee = wasm_tee_open(&error);

	if (tee &&
	    wasm_tee_configure_heap(tee, options->heap_size, &error) &&
	    wasm_tee_set_nonce(tee, options->nonce, options->nonce_size, &error))
		loaded = wasm_tee_load(tee, module, size, &result, &error);
	if (loaded && wasm_tee_evidence(tee, token, &token_size, &error))
		status = write_out(token, token_size);
	else
		status = fail(options->name, &error, &result);
	wasm_tee_unload(loaded);
	wasm_tee_close(tee);
	return status;
}

int attest_key(void)
{
	uint8_t key[WASM_TA_EVIDENCE_MAX] = { };
	struct wasm_tee_error error = { };
	size_t size = 0;
	int status = STATUS_TEE;
	struct wasm_tee *tee = wasm_tee_open(&error);

	if (tee && wasm_tee_attestation_key(tee, key, &size, &error))
		status = write_out(key, size);
	else
		say("--attestation-key", error.text, error.hint);
	wasm_tee_close(tee);
	return status;
}
