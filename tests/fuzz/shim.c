// SPDX-License-Identifier: Apache-2.0
/*
 * What the TA and WAMR's platform layer call, made up for this host: memory
 * whose bounds the sanitizer knows, a clock that advances, no other world. Where
 * AOT code is executed (SHIM_EXECUTES), differential/tee.c has its part of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <util.h>

#include "base/outcome.h"
#include "platform_api_vmcore.h"
#include "shim.h"
#include "trust/evidence.h"
#include "trust/hpke.h"

#define PAGE_SIZE	4096
#define MAPPING_MAX	(512 * 1024 * 1024)

size_t shim_budget = MAPPING_MAX;

/* Pages are as large as asked for, so that the first byte behind is noticed */
void *tee_map_zi(size_t len, uint32_t flags __unused)
{
	if (!len || len > shim_budget)
		return NULL;

	shim_budget -= len;
	return calloc(1, len);
}

TEE_Result tee_unmap(void *buf, size_t len)
{
	shim_budget += len;
	free(buf);
	return TEE_SUCCESS;
}

void *TEE_Malloc(size_t size, uint32_t hint __unused)
{
	return size < 64 * 1024 * 1024 ? calloc(1, size) : NULL;
}

void *TEE_Realloc(void *buffer, size_t size)
{
	return size < 64 * 1024 * 1024 ? realloc(buffer, size) : NULL;
}

void TEE_Free(void *buffer)
{
	free(buffer);
}

/* Every look at the clock is a second later: waits and deadlines come to an end */
uint32_t shim_seconds;
uint32_t shim_ree_seconds;
void (*shim_host)(void);

void TEE_GetSystemTime(TEE_Time *time)
{
	*time = (TEE_Time){ .seconds = shim_seconds++ };
}

void TEE_GetREETime(TEE_Time *time)
{
	*time = (TEE_Time){ .seconds = shim_ree_seconds + shim_seconds++ };
}

TEE_Result TEE_Wait(uint32_t timeout __unused)
{
	if (shim_host)
		shim_host();
	return TEE_SUCCESS;
}

void TEE_GenerateRandom(void *buffer, size_t length)
{
	memset(buffer, 4, length);
}

/* Digests are zeros: who must not be fooled by that is tested elsewhere */
TEE_Result TEE_AllocateOperation(TEE_OperationHandle *operation,
				 uint32_t algorithm __unused,
				 uint32_t mode __unused, uint32_t size __unused)
{
	*operation = TEE_HANDLE_NULL;
	return TEE_SUCCESS;
}

TEE_Result TEE_DigestDoFinal(TEE_OperationHandle operation __unused,
			     const void *chunk __unused, size_t size __unused,
			     void *hash, size_t *hash_size)
{
	memset(hash, 0, *hash_size);
	return TEE_SUCCESS;
}

void TEE_DigestUpdate(TEE_OperationHandle operation __unused,
		      const void *chunk __unused, size_t size __unused)
{
}

void TEE_FreeOperation(TEE_OperationHandle operation __unused)
{
}

#ifndef SHIM_EXECUTES
/* outcome.c is not here */
bool outcome_is(struct outcome *outcome, enum wasm_ta_outcome how,
		const char *format __unused, ...)
{
	outcome->result->outcome = how;
	return false;
}
#endif

const char trace_ext_prefix[] = "TA";
int trace_level;

void trace_printf(const char *func __unused, int line __unused,
		  int level __unused, bool level_ok __unused,
		  const char *fmt __unused, ...)
{
}

/* The platform layer of WAMR */

int bh_platform_init(void)
{
	return 0;
}

void bh_platform_destroy(void)
{
}

void *os_malloc(unsigned int size)
{
	return malloc(size);
}

void *os_realloc(void *ptr, unsigned int size)
{
	return realloc(ptr, size);
}

void os_free(void *ptr)
{
	free(ptr);
}

#ifndef SHIM_EXECUTES
/*
 * Code and data of a module are near each other, for relocations to reach, and
 * end where a page ends that cannot be accessed. Start is aligned as malloc().
 */
static size_t mapping_size(size_t size)
{
	return ROUNDUP(size, PAGE_SIZE) + PAGE_SIZE;
}

void *os_mmap(void *hint __unused, size_t size, int prot __unused,
	      int flags __unused)
{
	size_t mapping = mapping_size(size);
	uint8_t *begin = NULL;

	if (!size || size > MAPPING_MAX)
		return NULL;

	begin = mmap(NULL, mapping, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (begin == MAP_FAILED)
		return NULL;
	mprotect(begin + mapping - PAGE_SIZE, PAGE_SIZE, PROT_NONE);
	return begin + mapping - PAGE_SIZE - ROUNDUP(size, 16);
}

void os_munmap(void *addr, size_t size)
{
	size_t mapping = mapping_size(size);

	if (addr && size)
		munmap((uint8_t *)addr + ROUNDUP(size, 16) + PAGE_SIZE - mapping,
		       mapping);
}

int os_mprotect(void *addr __unused, size_t size __unused, int prot __unused)
{
	return 0;
}
#endif

void os_dcache_flush(void)
{
}

korp_tid os_self_thread(void)
{
	return 1;
}

#ifndef SHIM_EXECUTES
uint8 *os_thread_get_stack_boundary(void)
{
	return NULL;
}
#endif

uint64 os_time_get_boot_microsecond(void)
{
	return shim_seconds;
}

int os_mutex_init(korp_mutex *mutex)
{
	*mutex = 0;
	return 0;
}

int os_mutex_destroy(korp_mutex *mutex __unused)
{
	return 0;
}

int os_mutex_lock(korp_mutex *mutex __unused)
{
	return 0;
}

int os_mutex_unlock(korp_mutex *mutex __unused)
{
	return 0;
}

int os_vprintf(const char *format __unused, va_list ap __unused)
{
	return 0;
}

int os_printf(const char *format __unused, ...)
{
	return 0;
}

#ifndef SHIM_EXECUTES
/* AOT code is for another machine: a call of it returns at once */
void invokeNative(void *code, uint64 *argv, uint64 argc);

void invokeNative(void *code __unused, uint64 *argv __unused,
		  uint64 argc __unused)
{
}
#endif

/* Named by parts of the runtime that the linker throws out of the TA */
uint32 bh_get_tick_ms(void);
void wasm_trap_delete(void *trap);

uint32 bh_get_tick_ms(void)
{
	return shim_seconds;
}

void wasm_trap_delete(void *trap __unused)
{
}

/* There is evidence, and what was sent to it is right if it begins as a point does */
const uint8_t *evidence_token(size_t *size)
{
	static const uint8_t token[100] = { 0xd2 };

	*size = sizeof(token);
	return token;
}

const uint8_t *evidence_point(void)
{
	static const uint8_t point[P256_POINT_SIZE] = { 4 };

	return point;
}

TEE_Result evidence_receive(const uint8_t *message, size_t size, uint8_t *out)
{
	if (message[0] != 4)
		return TEE_ERROR_MAC_INVALID;

	memcpy(out, message + P256_POINT_SIZE, size - HPKE_OVERHEAD);
	return TEE_SUCCESS;
}

void TEE_MemFill(void *buffer, uint32_t x, size_t size)
{
	memset(buffer, x, size);
}
