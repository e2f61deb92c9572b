// SPDX-License-Identifier: Apache-2.0
/*
 * What a sealed instance gets for whatever it asks of TEE core
 */
#include <pta_system.h>
#include <string.h>
#include <tee_internal_api_extensions.h>
#include <tee_syscall_numbers.h>
#include <utee_syscalls.h>

#include "cases.h"
#include "objects.h"

#define PAGE		MPROTECT_TEST_PAGE
#define BEYOND		64
#define COMMANDS	64

static const TEE_UUID system_pta = PTA_SYSTEM_UUID;
static const TEE_UUID other_ta = MPROTECT_TEST_UNFLAGGED_UUID;
static const uint8_t memory_only[] = {
	TEE_SCN_INVOKE_TA_COMMAND, TEE_SCN_CHECK_ACCESS_RIGHTS,
};

static uint8_t buffer[2 * PAGE] __aligned(PAGE);

static TEE_Result seal_but_memory(void)
{
	return tee_seal(memory_only, ARRAY_SIZE(memory_only), NULL, 0);
}

/* A system call by its number, with whatever arguments */
static uint32_t scall(uint64_t number, const uint64_t args[8])
{
	register uint64_t x0 asm("x0") = args[0];
	register uint64_t x1 asm("x1") = args[1];
	register uint64_t x2 asm("x2") = args[2];
	register uint64_t x3 asm("x3") = args[3];
	register uint64_t x4 asm("x4") = args[4];
	register uint64_t x5 asm("x5") = args[5];
	register uint64_t x6 asm("x6") = args[6];
	register uint64_t x7 asm("x7") = args[7];
	register uint64_t x8 asm("x8") = number;

	asm volatile("svc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
		     "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
		     : "r"(x8) : "memory", "cc");
	return x0;
}

/* How many system calls are answered in another way than they should be */
static uint32_t call_each(void)
{
	const uint64_t words[] = { 0, 1, (vaddr_t)buffer, UINT64_MAX, PAGE };
	uint64_t args[8] = { };
	uint64_t number = 0;
	uint32_t wrong = 0;
	size_t set = 0;
	size_t n = 0;

	for (number = 0; number <= TEE_SCN_MAX + BEYOND; number++) {
		uint32_t expected = number <= TEE_SCN_MAX ?
				    TEE_ERROR_ACCESS_DENIED :
				    TEE_ERROR_NOT_SUPPORTED;

		if (number == TEE_SCN_RETURN || number == TEE_SCN_PANIC)
			continue;
		for (set = 0; set < ARRAY_SIZE(words) * 2; set++) {
			for (n = 0; n < ARRAY_SIZE(args); n++)
				args[n] = words[set < ARRAY_SIZE(words) ? set :
						(set + n * 3) %
						ARRAY_SIZE(words)];
			wrong += scall(number, args) != expected;
		}
	}
	/* Numbers whose lower bits are those of calls that are kept */
	for (number = 0; number <= TEE_SCN_MAX; number++)
		wrong += scall(number | 1ULL << 32, args) !=
			 TEE_ERROR_NOT_SUPPORTED;
	return wrong;
}

static TEE_Result open_system_pta(TEE_TASessionHandle *session)
{
	return TEE_OpenTASession(&system_pta, TEE_TIMEOUT_INFINITE, 0, NULL,
				 session, NULL);
}

/* How many commands of the system pseudo TA are not refused, but for three */
static uint32_t invoke_each(TEE_TASessionHandle session)
{
	const uint32_t types[] = {
		0, 0x11, 0x5, 0x65, 0x115, 0x131, 0x175, 0x3331,
	};
	uint32_t command = 0;
	uint32_t wrong = 0;
	size_t n = 0;

	for (command = 0; command < COMMANDS; command++) {
		if (command == PTA_SYSTEM_MAP_ZI ||
		    command == PTA_SYSTEM_UNMAP || command == PTA_SYSTEM_SEAL)
			continue;
		for (n = 0; n < ARRAY_SIZE(types); n++) {
			TEE_Param params[TEE_NUM_PARAMS] = { };

			params[0].memref.buffer = buffer;
			params[0].memref.size = 64;
			params[1].memref.buffer = buffer;
			params[1].memref.size = 64;
			wrong += TEE_InvokeTACommand(session,
						     TEE_TIMEOUT_INFINITE,
						     command, types[n], params,
						     NULL) !=
				 TEE_ERROR_ACCESS_DENIED;
		}
	}
	return wrong;
}

/* Not with the functions of libutee, which panic when they are refused */
static uint32_t try(enum mprotect_test_forbidden what, void *page)
{
	struct utee_params none = { };
	uint32_t session = 0;
	uint32_t origin = 0;
	uint32_t state = 0;
	TEE_Time now = { };
	uint32_t res = 0;

	switch (what) {
	case MPROTECT_TEST_SESSION:
		res = _utee_open_ta_session(&other_ta, TEE_TIMEOUT_INFINITE,
					    &none, &session, &origin);
		if (!res)
			_utee_close_ta_session(session);
		return res;
	case MPROTECT_TEST_STATE:
		return _utee_cryp_state_alloc(TEE_ALG_SHA256, TEE_MODE_DIGEST,
					      0, 0, &state);
	case MPROTECT_TEST_KEY:
		return _utee_cryp_obj_alloc(TEE_TYPE_AES, 256, &state);
	case MPROTECT_TEST_TIME:
		return _utee_get_time(UTEE_TIME_CAT_SYSTEM, &now);
	case MPROTECT_TEST_RX:
		return tee_mprotect(page, PAGE, TEE_MPROTECT_RX);
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}
}

static uint32_t try_before_and_after(enum mprotect_test_forbidden what)
{
	void *page = tee_map_zi(PAGE, 0);
	uint32_t res = try(what, page);

	if (res)
		return TEE_ERROR_GENERIC;
	res = seal_but_memory();
	if (res)
		return res;
	if (!tee_map_zi(PAGE, 0))
		return TEE_ERROR_OUT_OF_MEMORY;
	return try(what, tee_map_zi(PAGE, 0));
}

/* The second list is longer: it gives nothing back */
static uint32_t undo(void)
{
	static const uint8_t more[] = {
		TEE_SCN_INVOKE_TA_COMMAND, TEE_SCN_CHECK_ACCESS_RIGHTS,
		TEE_SCN_LOG, TEE_SCN_GET_TIME,
		TEE_SCN_CRYP_STATE_ALLOC, TEE_SCN_CRYP_OBJ_ALLOC,
	};
	uint32_t res = seal_but_memory();

	if (res || tee_seal(more, ARRAY_SIZE(more), NULL, 0))
		return TEE_ERROR_GENERIC;
	res = try(MPROTECT_TEST_STATE, NULL);
	return res == TEE_ERROR_ACCESS_DENIED ? try(MPROTECT_TEST_TIME, NULL) :
						res;
}

static uint32_t seal_with_session(void)
{
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	uint32_t res = TEE_OpenTASession(&other_ta, TEE_TIMEOUT_INFINITE, 0,
					 NULL, &session, NULL);
	uint32_t refused = 0;

	if (res)
		return res;
	refused = seal_but_memory();
	/* Nothing was given up: it can be closed, and then it works */
	TEE_CloseTASession(session);
	res = seal_but_memory();
	return res ? res : refused;
}

static uint32_t seal_keeping(uint8_t number)
{
	return tee_seal(&number, 1, NULL, 0);
}

static uint32_t watch_after_seal(void)
{
	struct pta_system_watch watch = { .param = 2 };
	uint32_t res = seal_but_memory();

	return res ? res : tee_watch(&watch);
}

TEE_Result seal_and_try(enum mprotect_test_seal what,
			enum mprotect_test_forbidden forbidden,
			uint32_t *result)
{
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Result res = TEE_SUCCESS;

	switch (what) {
	case MPROTECT_TEST_SEAL_ALL:
		*result = tee_seal(NULL, 0, NULL, 0);
		if (!*result)
			*result = call_each();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_COMMANDS:
		res = open_system_pta(&session);
		if (!res)
			res = seal_but_memory();
		if (!res)
			*result = invoke_each(session);
		return res;
	case MPROTECT_TEST_SEAL_FORBIDDEN:
		*result = try_before_and_after(forbidden);
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_UNDO:
		*result = undo();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_WITH_SESSION:
		*result = seal_with_session();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_KEEPING_OPEN:
		*result = seal_keeping(TEE_SCN_OPEN_TA_SESSION);
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_KEEPING_UNKNOWN:
		*result = seal_keeping(TEE_SCN_MAX + 1);
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_WATCH:
		*result = watch_after_seal();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_PANIC:
		res = tee_seal(NULL, 0, NULL, 0);
		if (!res)
			TEE_Panic(TEE_ERROR_GENERIC);
		return res;
	case MPROTECT_TEST_SEAL_OBJECTS:
		*result = seal_objects();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_OPEN_OBJECT:
		*result = seal_with_object();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_MORE_OBJECTS:
		*result = seal_for_more();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SEAL_LONG_PREFIX:
		*result = seal_for_too_long();
		return TEE_SUCCESS;
	case MPROTECT_TEST_DELETE_OBJECTS:
		*result = delete_objects();
		return TEE_SUCCESS;
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}
}
