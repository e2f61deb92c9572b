// SPDX-License-Identifier: Apache-2.0
/*
 * Code written by the TA itself: where it must run and where it must fault
 */
#include <tee_internal_api_extensions.h>

#include "cases.h"

#define PAGE		MPROTECT_TEST_PAGE
#define RAW_RX		(TEE_MPROTECT_RX | TEE_MPROTECT_PR)

typedef uint32_t (*function_t)(void);

void write_function(void *where, uint16_t value)
{
	volatile uint32_t *insn = where;

	insn[0] = 0x52800000 | (uint32_t)value << 5;
	insn[1] = 0xd65f03c0;
}

uint32_t call(const void *where)
{
	return ((function_t)(uintptr_t)where)();
}

static void *map(size_t len)
{
	void *p = tee_map_zi(len, 0);

	if (!p)
		TEE_Panic(TEE_ERROR_OUT_OF_MEMORY);
	return p;
}

static TEE_Result call_once(uint32_t prot, uint32_t *sum)
{
	void *p = map(PAGE);
	TEE_Result res = TEE_SUCCESS;

	write_function(p, 42);
	res = tee_mprotect(p, PAGE, prot);
	if (!res)
		*sum = call(p);

	return res;
}

static TEE_Result call_rewritten(uint32_t *sum)
{
	void *p = map(PAGE);
	TEE_Result res = TEE_SUCCESS;

	write_function(p, 42);
	res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
	if (res)
		return res;
	*sum = call(p);

	res = tee_mprotect(p, PAGE, TEE_MPROTECT_RW);
	if (res)
		return res;
	write_function(p, 58);
	res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
	if (!res)
		*sum += call(p);

	return res;
}

static TEE_Result call_middle_page(uint32_t *sum)
{
	uint8_t *p = map(3 * PAGE);
	TEE_Result res = TEE_SUCCESS;

	write_function(p + PAGE, 42);
	/* A length that is no multiple of the page covers the page */
	res = tee_mprotect(p + PAGE, 8, TEE_MPROTECT_RX);
	if (res)
		return res;
	*sum = call(p + PAGE);
	write_function(p + PAGE - 8, 1);
	write_function(p + 2 * PAGE, 1);

	return tee_unmap(p, 3 * PAGE);
}

static TEE_Result call_two_mappings(uint32_t *sum)
{
	uint8_t *p = map(2 * PAGE);
	TEE_Result res = TEE_SUCCESS;

	/* Map the second page on its own */
	if (tee_unmap(p + PAGE, PAGE) ||
	    tee_map_zi_va((vaddr_t)p + PAGE, PAGE, 0) != p + PAGE)
		return TEE_ERROR_ITEM_NOT_FOUND;

	write_function(p, 42);
	write_function(p + PAGE, 58);
	res = tee_mprotect(p, 2 * PAGE, TEE_MPROTECT_RX);
	if (!res)
		*sum = call(p) + call(p + PAGE);

	return res;
}

/* The same address must be data again, and then run what is new */
static TEE_Result call_reused(uint32_t *sum)
{
	uint8_t *p = map(PAGE);
	TEE_Result res = TEE_SUCCESS;

	write_function(p, 42);
	res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
	if (res)
		return res;
	if (call(p) != 42 || tee_unmap(p, PAGE))
		return TEE_ERROR_GENERIC;

	if (tee_map_zi_va((vaddr_t)p, PAGE, 0) != p)
		return TEE_ERROR_ITEM_NOT_FOUND;
	write_function(p, 58);
	res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
	if (!res)
		*sum = call(p);

	return res;
}

TEE_Result call_code(enum mprotect_test_code what, uint32_t *sum)
{
	switch (what) {
	case MPROTECT_TEST_ONCE:
		return call_once(TEE_MPROTECT_RX, sum);
	case MPROTECT_TEST_REWRITTEN:
		return call_rewritten(sum);
	case MPROTECT_TEST_MIDDLE_PAGE:
		return call_middle_page(sum);
	case MPROTECT_TEST_TWO_MAPPINGS:
		return call_two_mappings(sum);
	case MPROTECT_TEST_RAW_BITS:
		return call_once(RAW_RX, sum);
	case MPROTECT_TEST_REUSED:
		return call_reused(sum);
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}
}

TEE_Result provoke_fault(enum mprotect_test_fault what)
{
	void *p = map(PAGE);
	TEE_Result res = TEE_SUCCESS;

	write_function(p, 42);

	switch (what) {
	case MPROTECT_TEST_WRITE_TO_RX:
		res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
		if (!res)
			write_function(p, 58);
		return res;
	case MPROTECT_TEST_WRITE_TO_R:
		res = tee_mprotect(p, PAGE, TEE_MPROTECT_R);
		if (!res)
			write_function(p, 58);
		return res;
	case MPROTECT_TEST_CALL_RW:
		call(p);
		return TEE_SUCCESS;
	case MPROTECT_TEST_CALL_R:
		res = tee_mprotect(p, PAGE, TEE_MPROTECT_R);
		if (!res)
			call(p);
		return res;
	case MPROTECT_TEST_CALL_RW_AGAIN:
		res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
		if (!res && call(p) == 42)
			res = tee_mprotect(p, PAGE, TEE_MPROTECT_RW);
		if (!res)
			call(p);
		return res;
	case MPROTECT_TEST_CORE_WRITES_TO_RX:
		res = tee_mprotect(p, PAGE, TEE_MPROTECT_RX);
		if (!res)
			TEE_GenerateRandom(p, 16);
		return res;
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}
}
