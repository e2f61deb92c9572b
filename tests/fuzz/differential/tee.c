// SPDX-License-Identifier: Apache-2.0
/*
 * What the TA needs of a TEE to execute AOT code, beyond ../shim.c: entry points
 * are called, its stack has the size that it has in the TEE, code becomes
 * executable, and what loops is ended by a watch.
 */
#define _GNU_SOURCE
#include "tee.h"

#include <optee_platform.h>
#include <pthread.h>
#include <pta_system.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <ucontext.h>
#include <unistd.h>
#include <util.h>

#include "aot/aot.h"
#include "platform_api_vmcore.h"
#include "session/watch.h"
#include "trust/evidence.h"
#include "user_ta_header_defines.h"

#define PAGE_SIZE	4096
#define POLL_US		20000
/* Below it longjmp() has room, whatever the code has on its stack */
#define RED_ZONE	512

static uint8_t *stack_base;
static uint8_t *stack_entry;
static uint8_t *code_begin;
static size_t code_size;
static void *context;

static pthread_t ta_thread;
static struct pta_system_watch watched;
/* In the parameters of the command that is being executed, or NULL */
static const struct pta_system_watch_words *words;

/* In the thread of the TA: what loops in AOT code goes on in the handler */
static void leave(int signal __unused, siginfo_t *info __unused, void *state)
{
	greg_t *registers = ((ucontext_t *)state)->uc_mcontext.gregs;
	uint64_t place = registers[REG_RIP];

	if (place < (vaddr_t)code_begin ||
	    place >= (vaddr_t)code_begin + code_size)
		return;

	registers[REG_RIP] = watched.handler;
	registers[REG_RDI] = watched.argument;
	registers[REG_RSI] = 1;
	registers[REG_RSP] = ((registers[REG_RSP] - RED_ZONE) & ~15LL) - 8;
}

static void *watch(void *argument __unused)
{
	for (;; usleep(POLL_US)) {
		const struct pta_system_watch_words *now =
			__atomic_load_n(&words, __ATOMIC_ACQUIRE);

		if (now && __atomic_load_n(&now->stop, __ATOMIC_ACQUIRE))
			pthread_kill(ta_thread, SIGUSR1);
	}
	return NULL;
}

TEE_Result tee_watch(const struct pta_system_watch *what)
{
	watched = *what;
	return TEE_SUCCESS;
}

/* There is no core that could refuse anything */
TEE_Result tee_seal(const uint8_t *keep __unused, size_t count __unused,
		    const void *oid_prefix __unused,
		    size_t oid_prefix_len __unused)
{
	return TEE_SUCCESS;
}

static void start_to_watch(void)
{
	struct sigaction action = {
		.sa_sigaction = leave, .sa_flags = SA_SIGINFO | SA_RESTART,
	};
	sigset_t signals;
	pthread_t thread;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaction(SIGUSR1, &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
	if (ta_thread)
		return;

	ta_thread = pthread_self();
	sigfillset(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, &signals);
	if (pthread_create(&thread, NULL, watch, NULL))
		abort();
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

uint32_t ta_open(void)
{
	TEE_Param params[TEE_NUM_PARAMS] = { };

	return TA_OpenSessionEntryPoint(0, params, &context);
}

void ta_close(void)
{
	TA_CloseSessionEntryPoint(context);
	context = NULL;
}

static const void *streams_words(const struct ta_param *param)
{
	return (uint8_t *)param->buffer +
	       offsetof(struct wasm_streams, heartbeat);
}

uint32_t ta_invoke(uint32_t command, struct ta_param params[TEE_NUM_PARAMS])
{
	TEE_Param passed[TEE_NUM_PARAMS] = { };
	uint32_t types = 0;
	uint32_t res = 0;
	size_t n = 0;

	start_to_watch();
	for (n = 0; n < TEE_NUM_PARAMS; n++) {
		types |= params[n].type << 4 * n;
		if (params[n].type >= TEE_PARAM_TYPE_MEMREF_INPUT) {
			passed[n].memref.buffer = params[n].buffer;
			passed[n].memref.size = params[n].size;
		} else {
			passed[n].value.a = params[n].a;
			passed[n].value.b = params[n].b;
		}
	}
	/* All commands have them in the same one, if any */
	if (params[WATCH_PARAM].type == TEE_PARAM_TYPE_MEMREF_INOUT)
		__atomic_store_n(&words, streams_words(&params[WATCH_PARAM]),
				 __ATOMIC_RELEASE);
	res = TA_InvokeCommandEntryPoint(context, command, types, passed);
	__atomic_store_n(&words, NULL, __ATOMIC_RELEASE);
	for (n = 0; n < TEE_NUM_PARAMS; n++) {
		params[n].a = passed[n].value.a;
		params[n].b = passed[n].value.b;
	}
	return res;
}

void TEE_MemMove(void *to, const void *from, size_t size)
{
	memmove(to, from, size);
}

/* The check knows AArch64 only; fuzz_module.c is there for it */
bool __wrap_aot_check(const uint8_t *file, size_t size, struct aot_info *info,
		      char *message, size_t message_size);

bool __wrap_aot_check(const uint8_t *file __unused, size_t size __unused,
		      struct aot_info *info, char *message __unused,
		      size_t message_size __unused)
{
	*info = (struct aot_info){ };
	return true;
}

/* As optee_platform.c has it */
bool optee_platform_enter(const void *frame)
{
	vaddr_t base = (vaddr_t)frame - TA_STACK_SIZE;

	stack_base = (uint8_t *)((base + PAGE_SIZE - 1) &
				 ~(vaddr_t)(PAGE_SIZE - 1));
	stack_entry = (uint8_t *)(vaddr_t)frame;
	return true;
}

size_t optee_platform_stack_size(void)
{
	return stack_entry - stack_base -
	       RESERVED_BYTES_TO_NATIVE_STACK_BOUNDARY;
}

size_t optee_platform_stack_reserve(void)
{
	return RESERVED_BYTES_TO_NATIVE_STACK_BOUNDARY;
}

uint8 *os_thread_get_stack_boundary(void)
{
	return stack_base;
}

TEE_Result optee_platform_protect_result(void)
{
	return TEE_SUCCESS;
}

/* Low, since code reaches data by 32 bits; behind the end nothing is mapped */
void *os_mmap(void *hint __unused, size_t size, int prot __unused,
	      int flags __unused)
{
	size_t whole = ROUNDUP(size, PAGE_SIZE);
	uint8_t *begin = mmap(NULL, whole + PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (!size || begin == MAP_FAILED)
		return NULL;
	mprotect(begin + whole, PAGE_SIZE, PROT_NONE);
	return begin;
}

void os_munmap(void *addr, size_t size)
{
	if (addr == code_begin)
		code_size = 0;
	if (addr && size)
		munmap(addr, ROUNDUP(size, PAGE_SIZE) + PAGE_SIZE);
}

/* Never writable and executable at once, as in the TEE */
int os_mprotect(void *addr, size_t size, int prot)
{
	int to = PROT_READ;

	if (!size)
		return 0;
	if (prot & MMAP_PROT_WRITE)
		to |= PROT_WRITE;
	else if (prot & MMAP_PROT_EXEC)
		to |= PROT_EXEC;
	if (to & PROT_EXEC) {
		code_begin = addr;
		code_size = size;
	}
	return mprotect(addr, ROUNDUP(size, PAGE_SIZE), to);
}

/* No nonce is given here, so no evidence is wanted: ../shim.c has the rest of it */
void evidence_begin(void)
{
}

bool evidence_make(struct outcome *outcome __unused,
		   const struct token_module *module __unused)
{
	return true;
}

TEE_Result evidence_command(uint32_t command __unused,
			    uint32_t param_types __unused,
			    TEE_Param params[TEE_NUM_PARAMS] __unused)
{
	return TEE_ERROR_NOT_SUPPORTED;
}

void evidence_close(void)
{
}
