// SPDX-License-Identifier: Apache-2.0
/*
 * Runs every case of the mprotect_test TA and prints TAP: one line for each;
 * with --steps carries out scripts from stdin instead
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mprotect_test.h>
#include <tee_client_api.h>

#include "steps.h"

#define PAGE		MPROTECT_TEST_PAGE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Protection bits as TAs pass them, PX and GUARDED have no public name */
#define PR		0x00000010u
#define PW		0x00000020u
#define PX		0x00000040u
#define UR		0x00000080u
#define UW		0x00000100u
#define UX		0x00000200u
#define GUARDED		0x00008000u

#define OK		TEEC_SUCCESS
#define BAD		TEEC_ERROR_BAD_PARAMETERS
#define DENIED		TEEC_ERROR_ACCESS_DENIED

struct call_case {
	const char *name;
	uint32_t what;
	uint32_t sum;
};

struct protect_case {
	const char *name;
	uint32_t memory;
	uint32_t prot;
	uint32_t offset;
	uint32_t len;
	TEEC_Result expected;
};

struct fault_case {
	const char *name;
	uint32_t what;
};

struct watch_case {
	const char *name;
	uint32_t what;
	uint32_t stop;
	TEEC_Result expected;
	uint32_t result;
};

/* Of a second command in a session which is watched since the first */
struct later_case {
	const char *name;
	uint32_t what;
	bool words;
	TEEC_Result expected;
};

struct seal_case {
	const char *name;
	uint32_t what;
	uint32_t forbidden;
	TEEC_Result expected;
	uint32_t result;
};

static const struct call_case call_cases[] = {
	{ "code written by the TA runs after RW -> RX",
	  MPROTECT_TEST_ONCE, 42 },
	{ "code rewritten in place runs, not the old one",
	  MPROTECT_TEST_REWRITTEN, 100 },
	{ "one page of three becomes RX, its neighbours stay RW",
	  MPROTECT_TEST_MIDDLE_PAGE, 42 },
	{ "two adjacent mappings become RX in one call",
	  MPROTECT_TEST_TWO_MAPPINGS, 100 },
	{ "the raw bits PR | UR | UX of existing TAs are accepted",
	  MPROTECT_TEST_RAW_BITS, 42 },
	{ "RX memory is unmapped, its address reused for new code",
	  MPROTECT_TEST_REUSED, 58 },
};

static const struct protect_case protect_cases[] = {
	/* What is allowed */
	{ "own memory, read-only", MPROTECT_TEST_OWN, UR, 0, 2 * PAGE, OK },
	{ "own memory, read/write", MPROTECT_TEST_OWN, UR | UW, 0, 2 * PAGE,
	  OK },
	{ "own memory, read/write with PR | PW", MPROTECT_TEST_OWN,
	  UR | UW | PR | PW, 0, 2 * PAGE, OK },
	{ "own memory, read/execute", MPROTECT_TEST_OWN, UR | UX, 0, 2 * PAGE,
	  OK },

	/* Protection */
	{ "W+X refused", MPROTECT_TEST_OWN, UR | UW | UX, 0, PAGE, BAD },
	{ "W+X without read refused", MPROTECT_TEST_OWN, UW | UX, 0, PAGE,
	  BAD },
	{ "W+X by PW refused", MPROTECT_TEST_OWN, PR | PW | UR | UX, 0, PAGE,
	  BAD },
	{ "PX refused", MPROTECT_TEST_OWN, PR | PX | UR | UX, 0, PAGE, BAD },
	{ "PX alone refused", MPROTECT_TEST_OWN, PX, 0, PAGE, BAD },
	{ "PX with read refused", MPROTECT_TEST_OWN, PX | UR, 0, PAGE, BAD },
	{ "all six bits refused", MPROTECT_TEST_OWN,
	  PR | PW | PX | UR | UW | UX, 0, PAGE, BAD },
	{ "unknown bit 15 (guarded) refused", MPROTECT_TEST_OWN,
	  GUARDED | UR | UX, 0, PAGE, BAD },
	{ "unknown bit 0 refused", MPROTECT_TEST_OWN, 1u | UR, 0, PAGE, BAD },
	{ "unknown bit 10 refused", MPROTECT_TEST_OWN, 1u << 10 | UR, 0, PAGE,
	  BAD },
	{ "unknown bit 31 refused", MPROTECT_TEST_OWN, 1u << 31 | UR, 0, PAGE,
	  BAD },
	{ "no protection at all refused", MPROTECT_TEST_OWN, 0, 0, PAGE, BAD },
	{ "write-only refused", MPROTECT_TEST_OWN, UW, 0, PAGE, BAD },
	{ "execute-only refused", MPROTECT_TEST_OWN, UX, 0, PAGE, BAD },
	{ "kernel-only refused", MPROTECT_TEST_OWN, PR | PW, 0, PAGE, BAD },

	/* Range */
	{ "misaligned address refused", MPROTECT_TEST_OWN, UR | UX, 16, 16,
	  BAD },
	{ "length zero refused", MPROTECT_TEST_OWN, UR | UX, 0, 0, BAD },
	{ "range that wraps refused", MPROTECT_TEST_TOP, UR | UX, 0, 2 * PAGE,
	  BAD },
	{ "range that wraps to zero refused", MPROTECT_TEST_TOP, UR | UX, 0,
	  PAGE, BAD },
	{ "length near 4 GiB refused", MPROTECT_TEST_OWN, UR | UX, 0,
	  UINT32_MAX, BAD },
	{ "unmapped memory refused", MPROTECT_TEST_UNMAPPED, UR | UX, 0, PAGE,
	  BAD },
	{ "own page and a hole refused", MPROTECT_TEST_OWN_AND_HOLE, UR | UX, 0,
	  2 * PAGE, BAD },

	/* Memory that tee_map_zi() did not give, or not to this TA alone */
	{ "own page running into code or stack refused",
	  MPROTECT_TEST_OWN_AND_FOREIGN, UR | UX, 0, 2 * PAGE, BAD },
	{ "shareable memory refused", MPROTECT_TEST_SHAREABLE, UR | UX, 0, PAGE,
	  DENIED },
	{ "own stack refused", MPROTECT_TEST_STACK, UR | UX, 0, PAGE, DENIED },
	{ "own heap refused", MPROTECT_TEST_HEAP, UR | UX, 0, PAGE, DENIED },
	{ "own data refused", MPROTECT_TEST_DATA, UR | UX, 0, PAGE, DENIED },
	{ "own read-only data refused", MPROTECT_TEST_RODATA, UR | UW, 0, PAGE,
	  DENIED },
	{ "own code refused", MPROTECT_TEST_CODE, UR | UW, 0, PAGE, DENIED },
	{ "client's memory refused as code", MPROTECT_TEST_CLIENT, UR | UX, 0,
	  PAGE, DENIED },
	{ "client's memory refused as data", MPROTECT_TEST_CLIENT, UR, 0,
	  2 * PAGE, DENIED },
};

static const struct fault_case fault_cases[] = {
	{ "write to RX faults", MPROTECT_TEST_WRITE_TO_RX },
	{ "write to R faults", MPROTECT_TEST_WRITE_TO_R },
	{ "call of RW faults", MPROTECT_TEST_CALL_RW },
	{ "call of R faults", MPROTECT_TEST_CALL_R },
	{ "call of what is RW again faults", MPROTECT_TEST_CALL_RW_AGAIN },
	{ "TEE core does not write to RX for the TA",
	  MPROTECT_TEST_CORE_WRITES_TO_RX },
};

static const struct watch_case watch_cases[] = {
	{ "loop left by the handler", MPROTECT_TEST_LEAVE, 1, TEEC_SUCCESS,
	  42 },
	{ "loop without a handler panics", MPROTECT_TEST_LOOP, 1,
	  TEEC_ERROR_TARGET_DEAD, 0 },
	{ "loop of a client that says nothing panics", MPROTECT_TEST_SILENCE,
	  0, TEEC_ERROR_TARGET_DEAD, 0 },
	{ "loop in system calls panics", MPROTECT_TEST_CORE_LOOP, 1,
	  TEEC_ERROR_TARGET_DEAD, 0 },
	{ "loop in ldelf panics, and is not left by the handler",
	  MPROTECT_TEST_LDELF_LOOP, 1, TEEC_ERROR_TARGET_DEAD, 0 },
	{ "watching cannot be put off or ended", MPROTECT_TEST_RESIST, 1,
	  TEEC_ERROR_TARGET_DEAD, 0 },
	{ "waiting is ended", MPROTECT_TEST_WAIT, 1, TEEC_SUCCESS,
	  TEEC_ERROR_CANCEL },
	{ "words in a parameter that is a value refused", MPROTECT_TEST_VALUE,
	  1, TEEC_SUCCESS, BAD },
	{ "words in the fifth parameter refused", MPROTECT_TEST_NO_PARAM, 1,
	  TEEC_SUCCESS, BAD },
	{ "words behind the end of the parameter refused",
	  MPROTECT_TEST_BEYOND, 1, TEEC_SUCCESS, BAD },
	{ "words at an offset that wraps refused", MPROTECT_TEST_WRAPS, 1,
	  TEEC_SUCCESS, BAD },
	{ "misaligned words refused", MPROTECT_TEST_MISALIGNED_WORDS, 1,
	  TEEC_SUCCESS, BAD },
	{ "more than ten minutes refused", MPROTECT_TEST_TOO_LONG, 1,
	  TEEC_SUCCESS, BAD },
};

static const struct later_case later_cases[] = {
	{ "a later command is watched, too", MPROTECT_TEST_LEAVE_AGAIN, true,
	  TEEC_SUCCESS },
	{ "loop in a later command panics", MPROTECT_TEST_JUST_LOOP, true,
	  TEEC_ERROR_TARGET_DEAD },
	{ "loop in a later command without words panics",
	  MPROTECT_TEST_JUST_LOOP, false, TEEC_ERROR_TARGET_DEAD },
};

#define FORBIDDEN(name, what) \
	{ name " works before the seal only", MPROTECT_TEST_SEAL_FORBIDDEN, \
	  what, TEEC_SUCCESS, DENIED }

static const struct seal_case seal_cases[] = {
	{ "no system call is left with an empty list", MPROTECT_TEST_SEAL_ALL,
	  0, TEEC_SUCCESS, 0 },
	{ "no command of the system PTA is left, but for three",
	  MPROTECT_TEST_SEAL_COMMANDS, 0, TEEC_SUCCESS, 0 },
	FORBIDDEN("a session with another TA", MPROTECT_TEST_SESSION),
	FORBIDDEN("a digest", MPROTECT_TEST_STATE),
	FORBIDDEN("a key", MPROTECT_TEST_KEY),
	FORBIDDEN("the time", MPROTECT_TEST_TIME),
	FORBIDDEN("tee_mprotect()", MPROTECT_TEST_RX),
	{ "a second seal gives nothing back", MPROTECT_TEST_SEAL_UNDO, 0,
	  TEEC_SUCCESS, DENIED },
	{ "no seal with a session open to another TA",
	  MPROTECT_TEST_SEAL_WITH_SESSION, 0, TEEC_SUCCESS,
	  TEEC_ERROR_BAD_STATE },
	{ "opening sessions cannot be kept", MPROTECT_TEST_SEAL_KEEPING_OPEN,
	  0, TEEC_SUCCESS, BAD },
	{ "a system call that does not exist cannot be kept",
	  MPROTECT_TEST_SEAL_KEEPING_UNKNOWN, 0, TEEC_SUCCESS, BAD },
	{ "tee_watch() after the seal refused", MPROTECT_TEST_SEAL_WATCH, 0,
	  TEEC_SUCCESS, DENIED },
	{ "a sealed TA can panic", MPROTECT_TEST_SEAL_PANIC, 0,
	  TEEC_ERROR_TARGET_DEAD, 0 },
	{ "of objects those are left that begin as the seal says",
	  MPROTECT_TEST_SEAL_OBJECTS, 0, TEEC_SUCCESS, 0 },
	{ "no seal with another object open", MPROTECT_TEST_SEAL_OPEN_OBJECT, 0,
	  TEEC_SUCCESS, TEEC_ERROR_BAD_STATE },
	{ "a second seal gives no objects back",
	  MPROTECT_TEST_SEAL_MORE_OBJECTS, 0, TEEC_SUCCESS, DENIED },
	{ "a seal for more than an object ID refused",
	  MPROTECT_TEST_SEAL_LONG_PREFIX, 0, TEEC_SUCCESS, BAD },
	{ "without a seal all of these objects can be deleted",
	  MPROTECT_TEST_DELETE_OBJECTS, 0, TEEC_SUCCESS, 0 },
};

static const TEEC_UUID flagged = MPROTECT_TEST_UUID;
static const TEEC_UUID unflagged = MPROTECT_TEST_UNFLAGGED_UUID;
static TEEC_Context context;
static unsigned int number;
static unsigned int failed;

static void report(const char *name, const char *what, uint32_t got,
		   uint32_t expected)
{
	number++;
	if (got == expected) {
		printf("ok %u - %s\n", number, name);
	} else {
		failed++;
		printf("not ok %u - %s: %s: got 0x%" PRIx32 ", expected 0x%"
		       PRIx32 "\n", number, name, what, got, expected);
	}
	fflush(stdout);
}

/* One command in a session of its own, since a panic takes the session along */
static TEEC_Result invoke(const TEEC_UUID *uuid, uint32_t cmd,
			  TEEC_Operation *op)
{
	TEEC_Session session = { };
	TEEC_Result res = TEEC_SUCCESS;

	res = TEEC_OpenSession(&context, &session, uuid, TEEC_LOGIN_PUBLIC,
			       NULL, NULL, NULL);
	if (res) {
		printf("# TEEC_OpenSession: 0x%" PRIx32
		       ", is the TA in /lib/optee_armtz?\n", res);
		return res;
	}
	res = TEEC_InvokeCommand(&session, cmd, op, NULL);
	TEEC_CloseSession(&session);

	return res;
}

static void run_call(const struct call_case *c)
{
	TEEC_Operation op = { };
	TEEC_Result res = TEEC_SUCCESS;

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_VALUE_OUTPUT,
					 TEEC_NONE, TEEC_NONE);
	op.params[0].value.a = c->what;
	res = invoke(&flagged, MPROTECT_TEST_CMD_CALL, &op);
	if (res)
		report(c->name, "result", res, TEEC_SUCCESS);
	else
		report(c->name, "returned", op.params[1].value.a, c->sum);
}

static void run_protect(const TEEC_UUID *uuid, const struct protect_case *c,
			TEEC_SharedMemory *shm)
{
	TEEC_Operation op = { };
	TEEC_Result res = TEEC_SUCCESS;
	uint32_t last = TEEC_NONE;
	unsigned int tries = 5;

	if (c->memory == MPROTECT_TEST_CLIENT)
		last = TEEC_MEMREF_WHOLE;
	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_VALUE_INPUT,
					 TEEC_VALUE_OUTPUT, last);
	op.params[0].value.a = c->memory;
	op.params[0].value.b = c->prot;
	op.params[1].value.a = c->offset;
	op.params[1].value.b = c->len;
	op.params[3].memref.parent = shm;
	/* A TA loaded anew lies elsewhere, perhaps with room for the case */
	do {
		res = invoke(uuid, MPROTECT_TEST_CMD_PROTECT, &op);
	} while (res == TEEC_ERROR_ITEM_NOT_FOUND && --tries);
	if (res)
		report(c->name, "TA's result", res, TEEC_SUCCESS);
	else
		report(c->name, "tee_mprotect()", op.params[2].value.a,
		       c->expected);
}

static void run_fault(const struct fault_case *c)
{
	TEEC_Operation op = { };

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_NONE, TEEC_NONE,
					 TEEC_NONE);
	op.params[0].value.a = c->what;
	report(c->name, "result", invoke(&flagged, MPROTECT_TEST_CMD_FAULT, &op),
	       TEEC_ERROR_TARGET_DEAD);
}

static void run_watch(const struct watch_case *c)
{
	/* What tee_watch() looks at: a sign of life, and whether to end */
	uint32_t words[2] = { 0, c->stop };
	TEEC_Operation op = { };
	TEEC_Result res = TEEC_SUCCESS;

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_VALUE_OUTPUT,
					 TEEC_MEMREF_TEMP_INOUT, TEEC_NONE);
	op.params[0].value.a = c->what;
	op.params[2].tmpref.buffer = words;
	op.params[2].tmpref.size = sizeof(words);
	res = invoke(&flagged, MPROTECT_TEST_CMD_WATCH, &op);
	if (res || c->expected)
		report(c->name, "result", res, c->expected);
	else
		report(c->name, "tee_watch()", op.params[1].value.a, c->result);
}

/* Sets the watch, and then has words that say to end */
static void run_later(const struct later_case *c)
{
	uint32_t words[2] = { };
	TEEC_Operation op = { };
	TEEC_Session session = { };
	TEEC_Result res = TEEC_SUCCESS;

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_VALUE_OUTPUT,
					 TEEC_MEMREF_TEMP_INOUT, TEEC_NONE);
	op.params[0].value.a = MPROTECT_TEST_SET;
	op.params[2].tmpref.buffer = words;
	op.params[2].tmpref.size = sizeof(words);
	res = TEEC_OpenSession(&context, &session, &flagged, TEEC_LOGIN_PUBLIC,
			       NULL, NULL, NULL);
	if (!res)
		res = TEEC_InvokeCommand(&session, MPROTECT_TEST_CMD_WATCH, &op,
					 NULL);
	if (!res)
		res = op.params[1].value.a;
	if (res) {
		report(c->name, "setting the watch", res, TEEC_SUCCESS);
		return;
	}

	words[1] = 1;
	op.params[0].value.a = c->what;
	if (!c->words)
		op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT,
						 TEEC_VALUE_OUTPUT, TEEC_NONE,
						 TEEC_NONE);
	report(c->name, "result",
	       TEEC_InvokeCommand(&session, MPROTECT_TEST_CMD_WATCH, &op, NULL),
	       c->expected);
	TEEC_CloseSession(&session);
}

static void run_seal(const TEEC_UUID *uuid, const struct seal_case *c)
{
	TEEC_Operation op = { };
	TEEC_Result res = TEEC_SUCCESS;

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_VALUE_OUTPUT,
					 TEEC_NONE, TEEC_NONE);
	op.params[0].value.a = c->what;
	op.params[0].value.b = c->forbidden;
	res = invoke(uuid, MPROTECT_TEST_CMD_SEAL, &op);
	if (res || c->expected)
		report(c->name, "result", res, c->expected);
	else
		report(c->name, "after tee_seal()", op.params[1].value.a,
		       c->result);
}

static void run_bad_types(void)
{
	const char *name = "wrong parameter types refused";
	TEEC_Operation op = { };
	TEEC_Result res = TEEC_SUCCESS;

	op.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_OUTPUT, TEEC_NONE,
					 TEEC_NONE, TEEC_NONE);
	res = invoke(&flagged, MPROTECT_TEST_CMD_BAD_TYPES, &op);
	if (res)
		report(name, "TA's result", res, TEEC_SUCCESS);
	else
		report(name, "PTA", op.params[0].value.a, BAD);
}

static void run_unflagged(void)
{
	const struct protect_case cases[] = {
		{ "TA without the flag: RX refused", MPROTECT_TEST_OWN, UR | UX,
		  0, PAGE, DENIED },
		{ "TA without the flag: read-only refused", MPROTECT_TEST_OWN,
		  UR, 0, PAGE, DENIED },
		{ "TA without the flag: W+X refused", MPROTECT_TEST_OWN,
		  UR | UW | UX, 0, PAGE, DENIED },
	};
	const struct seal_case seal = {
		"TA without the flag: can seal itself", MPROTECT_TEST_SEAL_ALL,
		0, TEEC_SUCCESS, 0
	};
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(cases); n++)
		run_protect(&unflagged, cases + n, NULL);
	run_seal(&unflagged, &seal);
}

static int run_cases(void)
{
	TEEC_SharedMemory shm = {
		.size = 2 * PAGE,
		.flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT,
	};
	TEEC_Result res = TEEC_SUCCESS;
	size_t n = 0;

	res = TEEC_AllocateSharedMemory(&context, &shm);
	if (res) {
		fprintf(stderr, "mprotect_test: no shared memory: 0x%" PRIx32
			"\n", res);
		return EXIT_FAILURE;
	}

	for (n = 0; n < ARRAY_SIZE(call_cases); n++)
		run_call(call_cases + n);
	for (n = 0; n < ARRAY_SIZE(protect_cases); n++)
		run_protect(&flagged, protect_cases + n, &shm);
	run_bad_types();
	for (n = 0; n < ARRAY_SIZE(fault_cases); n++)
		run_fault(fault_cases + n);
	for (n = 0; n < ARRAY_SIZE(watch_cases); n++)
		run_watch(watch_cases + n);
	for (n = 0; n < ARRAY_SIZE(later_cases); n++)
		run_later(later_cases + n);
	for (n = 0; n < ARRAY_SIZE(seal_cases); n++)
		run_seal(&flagged, seal_cases + n);
	/* After the panics: the flagged TA still works */
	run_call(call_cases);
	run_unflagged();
	printf("1..%u\n", number);

	TEEC_ReleaseSharedMemory(&shm);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	TEEC_Result res = TEEC_SUCCESS;
	int status = EXIT_FAILURE;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--steps"))) {
		fprintf(stderr, "usage: mprotect_test [--steps <scripts]\n");
		return EXIT_FAILURE;
	}
	res = TEEC_InitializeContext(NULL, &context);
	if (res) {
		fprintf(stderr, "mprotect_test: no TEE: 0x%" PRIx32
			", is tee-supplicant running?\n", res);
		return EXIT_FAILURE;
	}
	if (argc == 2)
		status = run_scripts(&context, &flagged, &unflagged);
	else
		status = run_cases();
	TEEC_FinalizeContext(&context);

	return status;
}
