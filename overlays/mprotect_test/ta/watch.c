// SPDX-License-Identifier: Apache-2.0
/*
 * Loops that only TEE core can end, and what tee_watch() has to refuse
 */
#include <pta_system.h>
#include <setjmp.h>
#include <tee_internal_api_extensions.h>

#include "cases.h"

#define SOON_MS		200
#define TOO_LONG_MS	(10 * 60 * 1000 + 1)
#define LEFT		42

/* One instruction, of which the address is known */
void watch_loop(void);
__asm__(".pushsection .text.watch_loop, \"ax\"\n"
	".type watch_loop, %function\n"
	"watch_loop: b watch_loop\n"
	".size watch_loop, . - watch_loop\n"
	".popsection");

static uint32_t watch_and_loop(const struct pta_system_watch *watch)
{
	TEE_Result res = tee_watch(watch);

	if (!res)
		watch_loop();
	return res;
}

/* The loop is the code that may be interrupted, its handler longjmp() */
static uint32_t watch_and_leave(struct pta_system_watch *watch)
{
	jmp_buf end = { };

	watch->code = (vaddr_t)watch_loop;
	watch->code_size = sizeof(uint32_t);
	watch->handler = (vaddr_t)longjmp;
	watch->argument = (vaddr_t)end;
	if (setjmp(end))
		return LEFT;
	return watch_and_loop(watch);
}

TEE_Result watch_client(enum mprotect_test_watch what, void *words,
			uint32_t *result)
{
	static struct pta_system_watch_words own;
	struct pta_system_watch watch = {
		.words = (vaddr_t)words,
		.grace_ms = SOON_MS,
	};

	switch (what) {
	case MPROTECT_TEST_LEAVE:
		*result = watch_and_leave(&watch);
		return TEE_SUCCESS;
	case MPROTECT_TEST_LOOP:
		break;
	case MPROTECT_TEST_SILENCE:
		watch.alive_ms = SOON_MS;
		break;
	case MPROTECT_TEST_OWN_WORDS:
		watch.words = (vaddr_t)&own;
		break;
	case MPROTECT_TEST_MISALIGNED_WORDS:
		watch.words += 1;
		break;
	case MPROTECT_TEST_CODE_WRAPS:
		watch.code = (vaddr_t)watch_loop;
		watch.code_size = UINT64_MAX;
		break;
	case MPROTECT_TEST_TOO_LONG:
		watch.grace_ms = TOO_LONG_MS;
		break;
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}
	*result = watch_and_loop(&watch);

	return TEE_SUCCESS;
}
