// SPDX-License-Identifier: Apache-2.0
/*
 * Start, stop, log, clock and stack limit of WAMR inside a TA.
 */
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <user_ta_header.h>

#include "config.h"
#include "optee_platform.h"
#include "platform_api_vmcore.h"

#define PAGE_SIZE	4096
#define LOG_LINE_SIZE	160

extern const struct ta_head ta_head;

static uint8_t *stack_base;
static uint8_t *stack_entry;
static uint8_t *other_stack;

bool optee_platform_enter(const void *frame)
{
	/*
	 * ldelf maps ta_head.stack_size bytes, page aligned, and starts the
	 * TA at their end. The frames above @frame (utee_params, __ta_entry,
	 * __utee_entry) take less than a page, so that rounding up gives back
	 * the first byte of the mapping.
	 */
	vaddr_t base = (vaddr_t)frame - ta_head.stack_size;

	base = (base + PAGE_SIZE - 1) & ~(vaddr_t)(PAGE_SIZE - 1);
	if (TEE_CheckMemoryAccessRights(TEE_MEMORY_ACCESS_READ |
					TEE_MEMORY_ACCESS_WRITE, (void *)base,
					(vaddr_t)frame - base) != TEE_SUCCESS)
		return false;

	stack_base = (uint8_t *)base;
	stack_entry = (uint8_t *)(vaddr_t)frame;
	return true;
}

size_t optee_platform_stack_size(void)
{
	/* WAMR adds what it reserves for natives to the boundary */
	if (stack_entry < stack_base + RESERVED_BYTES_TO_NATIVE_STACK_BOUNDARY)
		return 0;

	return stack_entry - stack_base -
	       RESERVED_BYTES_TO_NATIVE_STACK_BOUNDARY;
}

size_t optee_platform_stack_reserve(void)
{
	return RESERVED_BYTES_TO_NATIVE_STACK_BOUNDARY;
}

void optee_platform_use_stack(void *base)
{
	other_stack = base;
}

uint8 *os_thread_get_stack_boundary(void)
{
	return other_stack ? other_stack : stack_base;
}

int bh_platform_init(void)
{
	return stack_base ? 0 : -1;
}

void bh_platform_destroy(void)
{
}

korp_tid os_self_thread(void)
{
	return 1;
}

uint64 os_time_get_boot_microsecond(void)
{
	TEE_Time now = { };

	TEE_GetSystemTime(&now);
	return (uint64)now.seconds * 1000000 + (uint64)now.millis * 1000;
}

/*
 * bh_log() prints one line in several calls, while the trace service ends each
 * message with a line feed: keep the pieces until the line is whole.
 */
int __printf(1, 0) os_vprintf(const char *format, va_list ap)
{
	static char line[LOG_LINE_SIZE];
	static size_t used;
	size_t room = sizeof(line) - used;
	int length = 0;

	length = vsnprintf(line + used, room, format, ap);
	if (length < 0)
		return length;

	used += MIN((size_t)length, room - 1);
	if (used == sizeof(line) - 1 || (used && line[used - 1] == '\n')) {
		if (line[used - 1] == '\n')
			line[used - 1] = '\0';
		IMSG_RAW("%s", line);
		used = 0;
	}

	return length;
}

int __printf(1, 2) os_printf(const char *format, ...)
{
	va_list ap = { };
	int length = 0;

	va_start(ap, format);
	length = os_vprintf(format, ap);
	va_end(ap);

	return length;
}
