// SPDX-License-Identifier: Apache-2.0
/*
 * Hands scripts of steps, which tests/fuzz/pta makes up, to a test TA each in
 * an instance of its own, and tells what came of each step
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steps.h"

#define PAGE		MPROTECT_TEST_PAGE
#define STEPS_SIZE	(MPROTECT_TEST_MOST_STEPS * \
			 sizeof(struct mprotect_test_step))

struct shared {
	TEEC_SharedMemory steps;
	TEEC_SharedMemory done;
	TEEC_SharedMemory client;
};

static TEEC_Result invoke(TEEC_Session *session, struct shared *shared,
			  uint32_t count)
{
	TEEC_Operation op = { };

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_INPUT,
					 TEEC_MEMREF_WHOLE, TEEC_MEMREF_WHOLE,
					 TEEC_NONE);
	op.params[0].memref.parent = &shared->steps;
	op.params[0].memref.size = count * sizeof(struct mprotect_test_step);
	op.params[1].memref.parent = &shared->done;
	op.params[2].memref.parent = &shared->client;

	return TEEC_InvokeCommand(session, MPROTECT_TEST_CMD_STEPS, &op, NULL);
}

static int run(TEEC_Context *context, const TEEC_UUID *uuid,
	       struct shared *shared, const struct mprotect_test_script *script)
{
	struct mprotect_test_done *done = shared->done.buffer;
	uint32_t *words = shared->client.buffer;
	TEEC_Session session = { };
	uint32_t results[2] = { };
	size_t n = 0;

	memset(shared->client.buffer, 0, shared->client.size);
	words[1] = script->stop;
	memset(done, 0, sizeof(*done));
	for (n = 0; n < MPROTECT_TEST_MOST_STEPS; n++)
		done->steps[n].result = MPROTECT_TEST_NOT_BEGUN;

	results[0] = TEEC_OpenSession(context, &session, uuid,
				      TEEC_LOGIN_PUBLIC, NULL, NULL, NULL);
	if (results[0]) {
		fprintf(stderr, "mprotect_test: TEEC_OpenSession: 0x%" PRIx32
			", is the TA in /lib/optee_armtz?\n", results[0]);
		return EXIT_FAILURE;
	}
	results[0] = invoke(&session, shared, script->count);
	/* Of one that was watched the end is not asked for any more */
	words[1] = 0;
	results[1] = invoke(&session, shared, 0);
	TEEC_CloseSession(&session);

	if (fwrite(results, sizeof(results), 1, stdout) != 1 ||
	    fwrite(done, sizeof(*done), 1, stdout) != 1 || fflush(stdout))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

static int run_all(TEEC_Context *context, const TEEC_UUID *flagged,
		   const TEEC_UUID *unflagged, struct shared *shared)
{
	struct mprotect_test_script script = { };
	int status = EXIT_SUCCESS;

	while (!status && fread(&script, sizeof(script), 1, stdin) == 1) {
		if (script.count > MPROTECT_TEST_MOST_STEPS ||
		    fread(shared->steps.buffer,
			  sizeof(struct mprotect_test_step), script.count,
			  stdin) != script.count) {
			fprintf(stderr, "mprotect_test: this is no script\n");
			return EXIT_FAILURE;
		}
		status = run(context, script.unflagged ? unflagged : flagged,
			     shared, &script);
	}
	return status;
}

int run_scripts(TEEC_Context *context, const TEEC_UUID *flagged,
		const TEEC_UUID *unflagged)
{
	const uint32_t inout = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT;
	struct shared shared = {
		.steps = { .size = STEPS_SIZE, .flags = TEEC_MEM_INPUT },
		.done = { .size = sizeof(struct mprotect_test_done),
			  .flags = TEEC_MEM_OUTPUT },
		.client = { .size = 2 * PAGE, .flags = inout },
	};
	TEEC_SharedMemory *all[] = { &shared.steps, &shared.done,
				     &shared.client };
	int status = EXIT_FAILURE;
	size_t n = 0;

	while (n < 3 && !TEEC_AllocateSharedMemory(context, all[n]))
		n++;
	if (n == 3)
		status = run_all(context, flagged, unflagged, &shared);
	else
		fprintf(stderr, "mprotect_test: no shared memory\n");
	while (n)
		TEEC_ReleaseSharedMemory(all[--n]);

	return status;
}
