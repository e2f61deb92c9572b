// SPDX-License-Identifier: Apache-2.0
/*
 * Loops that only TEE core can end, and what tee_watch() has to refuse
 */
#include <pta_system.h>
#include <setjmp.h>
#include <tee_internal_api_extensions.h>
#include <utee_syscalls.h>

#include "cases.h"

#define SOON_MS		200
#define LONG_MS		(10 * 60 * 1000)
#define LEFT		42

static jmp_buf end;
static uint8_t noise[1024 * 1024];

/* Code of the TA, but not code that it has made executable */
static void loop(void)
{
	while (true)
		asm volatile("nop");
}

/* The same as code that it has made executable: A64 "b ." */
static void loop_in_rx(void)
{
	uint32_t *code = tee_map_zi(MPROTECT_TEST_PAGE, 0);

	if (!code)
		TEE_Panic(TEE_ERROR_OUT_OF_MEMORY);
	*code = 0x14000000;
	if (tee_mprotect(code, MPROTECT_TEST_PAGE, TEE_MPROTECT_RX))
		TEE_Panic(TEE_ERROR_ACCESS_DENIED);
	((void (*)(void))(uintptr_t)code)();
}

/* Hardly any time is spent outside of TEE core */
static void loop_in_core(void)
{
	while (true)
		TEE_GenerateRandom(noise, sizeof(noise));
}

static TEE_TASessionHandle open_system_pta(void)
{
	static const TEE_UUID system_pta = PTA_SYSTEM_UUID;
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Result res = TEE_OpenTASession(&system_pta, TEE_TIMEOUT_INFINITE, 0,
					   NULL, &session, NULL);

	if (res)
		TEE_Panic(res);
	return session;
}

/*
 * Much of the time is spent in ldelf. It executes on behalf of the TA, but its
 * system calls are others: were it left by the handler, the TA would go on with
 * those.
 */
static void loop_in_ldelf(void)
{
	TEE_TASessionHandle session = open_system_pta();
	char symbol[1000] = { };
	TEE_UUID any = { };
	TEE_Param params[TEE_NUM_PARAMS] = {
		[0].memref = { &any, sizeof(any) },
		[1].memref = { symbol, sizeof(symbol) },
	};

	/* It computes a hash of the name */
	TEE_MemFill(symbol, 'x', sizeof(symbol) - 1);
	while (true)
		TEE_InvokeTACommand(session, TEE_TIMEOUT_INFINITE,
				    PTA_SYSTEM_DLSYM,
				    TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
						    TEE_PARAM_TYPE_MEMREF_INPUT,
						    TEE_PARAM_TYPE_VALUE_OUTPUT,
						    TEE_PARAM_TYPE_NONE),
				    params, NULL);
}

static TEE_Result set(struct pta_system_watch *watch)
{
	watch->handler = (vaddr_t)longjmp;
	watch->argument = (vaddr_t)end;
	return tee_watch(watch);
}

static uint32_t set_and_loop(struct pta_system_watch *watch, void (*f)(void))
{
	TEE_Result res = TEE_SUCCESS;

	if (setjmp(end))
		return LEFT;
	res = set(watch);
	if (!res)
		f();
	return res;
}

/* Whatever it tries meanwhile, it is over soon */
static uint32_t set_and_resist(struct pta_system_watch *watch)
{
	struct pta_system_watch longer = *watch;
	TEE_TASessionHandle session = TEE_HANDLE_NULL;
	TEE_Param none[TEE_NUM_PARAMS] = { };
	TEE_Result res = set(watch);

	longer.grace_ms = LONG_MS;
	longer.alive_ms = 0;
	if (res || tee_watch(&longer) != TEE_ERROR_BAD_STATE)
		return res;
	watch->param = 0;
	if (tee_watch(watch) != TEE_ERROR_BAD_STATE)
		return TEE_ERROR_GENERIC;
	session = open_system_pta();
	/* What once meant to stop watching */
	res = TEE_InvokeTACommand(session, TEE_TIMEOUT_INFINITE,
				  PTA_SYSTEM_WATCH,
				  TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
						  TEE_PARAM_TYPE_NONE,
						  TEE_PARAM_TYPE_NONE,
						  TEE_PARAM_TYPE_NONE),
				  none, NULL);
	if (res != TEE_ERROR_BAD_PARAMETERS)
		return TEE_ERROR_GENERIC;
	loop();
	return TEE_SUCCESS;
}

static uint32_t set_and_wait(struct pta_system_watch *watch)
{
	TEE_Result res = set(watch);

	return res ? res : _utee_wait(LONG_MS);
}

TEE_Result watch_client(enum mprotect_test_watch what, uint32_t *result)
{
	struct pta_system_watch watch = { .param = 2, .grace_ms = SOON_MS };

	switch (what) {
	case MPROTECT_TEST_LEAVE:
		*result = set_and_loop(&watch, loop_in_rx);
		return TEE_SUCCESS;
	case MPROTECT_TEST_LEAVE_AGAIN:
		*result = LEFT;
		if (!setjmp(end))
			loop_in_rx();
		return TEE_SUCCESS;
	case MPROTECT_TEST_SET:
		*result = set(&watch);
		return TEE_SUCCESS;
	case MPROTECT_TEST_JUST_LOOP:
		loop();
		return TEE_SUCCESS;
	case MPROTECT_TEST_CORE_LOOP:
		*result = set_and_loop(&watch, loop_in_core);
		return TEE_SUCCESS;
	case MPROTECT_TEST_LDELF_LOOP:
		*result = set_and_loop(&watch, loop_in_ldelf);
		return TEE_SUCCESS;
	case MPROTECT_TEST_RESIST:
		*result = set_and_resist(&watch);
		return TEE_SUCCESS;
	case MPROTECT_TEST_WAIT:
		*result = set_and_wait(&watch);
		return TEE_SUCCESS;
	case MPROTECT_TEST_LOOP:
		break;
	case MPROTECT_TEST_SILENCE:
		watch.alive_ms = SOON_MS;
		break;
	case MPROTECT_TEST_VALUE:
		watch.param = 0;
		break;
	case MPROTECT_TEST_NO_PARAM:
		watch.param = TEE_NUM_PARAMS;
		break;
	case MPROTECT_TEST_BEYOND:
		watch.offs = sizeof(uint32_t);
		break;
	case MPROTECT_TEST_WRAPS:
		watch.offs = UINT32_MAX;
		break;
	case MPROTECT_TEST_MISALIGNED_WORDS:
		watch.offs = 1;
		break;
	case MPROTECT_TEST_TOO_LONG:
		watch.grace_ms = LONG_MS + 1;
		break;
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}
	*result = set_and_loop(&watch, loop);

	return TEE_SUCCESS;
}
