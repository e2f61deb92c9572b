// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of WAMR inside a TA: the heap, and pages that become executable.
 *
 * W^X holds at every moment. The AOT loader asks for memory that is readable,
 * writable and executable at once, copies and relocates the code, and then
 * calls os_mprotect(READ | EXEC): here it gets writable memory, and the flip to
 * executable is that last call. Every other request for WRITE with EXEC fails.
 */
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>

#include "optee_platform.h"
#include "platform_api_vmcore.h"

#define PAGE_SIZE	4096
#define MAX_MAPPING	(UINT32_MAX - PAGE_SIZE)

static TEE_Result protect_result = TEE_SUCCESS;

TEE_Result optee_platform_protect_result(void)
{
	TEE_Result res = protect_result;

	protect_result = TEE_SUCCESS;
	return res;
}

void *os_malloc(unsigned int size)
{
	return TEE_Malloc(size, TEE_MALLOC_FILL_ZERO);
}

void *os_realloc(void *ptr, unsigned int size)
{
	return TEE_Realloc(ptr, size);
}

void os_free(void *ptr)
{
	TEE_Free(ptr);
}

void *os_mmap(void *hint __unused, size_t size, int prot, int flags)
{
	/* Nothing in the runtime needs a fixed address or an unused guard */
	if (!size || size > MAX_MAPPING || (flags & MMAP_MAP_FIXED) ||
	    !(prot & MMAP_PROT_WRITE))
		return NULL;

	return tee_map_zi(size, 0);
}

void os_munmap(void *addr, size_t size)
{
	/*
	 * tee_unmap() takes whole mappings only, with the length given to
	 * tee_map_zi() up to page rounding, which is how the runtime calls it.
	 */
	if (addr && size && tee_unmap(addr, size) != TEE_SUCCESS)
		EMSG("cannot unmap %zu bytes at %p", size, addr);
}

int os_mprotect(void *addr, size_t size, int prot)
{
	uint32_t tee_prot = TEE_MPROTECT_R;
	TEE_Result res = TEE_SUCCESS;

	/* Data sections may be empty: the loader protects them all the same */
	if (!size)
		return 0;
	if (!addr || !(prot & MMAP_PROT_READ))
		return -1;
	if ((prot & MMAP_PROT_WRITE) && (prot & MMAP_PROT_EXEC))
		return -1;

	if (prot & MMAP_PROT_WRITE)
		tee_prot = TEE_MPROTECT_RW;
	else if (prot & MMAP_PROT_EXEC)
		tee_prot = TEE_MPROTECT_RX;

	res = tee_mprotect(addr, size, tee_prot);
	if (res == TEE_SUCCESS)
		return 0;

	/* The loader does not look at what this returns: keep it for the TA */
	protect_result = res;
	return -1;
}

void os_dcache_flush(void)
{
	/* The core cleans and invalidates when it makes pages executable */
}
