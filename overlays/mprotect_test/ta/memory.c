// SPDX-License-Identifier: Apache-2.0
/*
 * All kinds of memory that a TA can see, each offered to tee_mprotect()
 */
#include <tee_internal_api_extensions.h>

#include "cases.h"

#define PAGE		MPROTECT_TEST_PAGE
#define TWO_PAGES	(2 * PAGE)
/* Neither stack nor code reach further than this from a place in them */
#define MANY_PAGES	64

static uint8_t data[3 * PAGE] = { 1 };
static const uint8_t rodata[3 * PAGE] = { 1 };

struct memory {
	uint8_t *base;		/* page aligned */
	size_t writeable;	/* bytes from base that the test may write */
};

uint8_t *page_of(const void *p)
{
	return (uint8_t *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
}

uint8_t *next_page(const void *p)
{
	return page_of(p) + PAGE;
}

/* A page of ours, the last free one before @foreign, or NULL */
static uint8_t *map_before(const void *foreign)
{
	uint8_t *va = page_of(foreign);
	size_t n = 0;

	for (n = 0; n < MANY_PAGES; n++) {
		va -= PAGE;
		if (tee_map_zi_va((vaddr_t)va, PAGE, 0) == va)
			return va;
	}

	return NULL;
}

/* ASLR decides which of them has room before it, rarely neither has */
static uint8_t *map_before_foreign(void)
{
	uint8_t on_stack = 0;
	uint8_t *va = map_before((void *)map_before_foreign);

	return va ? va : map_before(&on_stack);
}

static TEE_Result get_memory(enum mprotect_test_memory kind, void *client,
			     size_t client_len, struct memory *m)
{
	uint8_t local = 0;

	m->writeable = TWO_PAGES;

	switch (kind) {
	case MPROTECT_TEST_OWN:
		m->base = tee_map_zi(TWO_PAGES, 0);
		break;
	case MPROTECT_TEST_OWN_AND_FOREIGN:
		m->base = map_before_foreign();
		m->writeable = PAGE; /* what follows is in use */
		break;
	case MPROTECT_TEST_OWN_AND_HOLE:
		m->base = tee_map_zi(TWO_PAGES, 0);
		m->writeable = PAGE;
		if (m->base && tee_unmap(m->base + PAGE, PAGE))
			return TEE_ERROR_ITEM_NOT_FOUND;
		break;
	case MPROTECT_TEST_UNMAPPED:
		m->base = tee_map_zi(TWO_PAGES, 0);
		m->writeable = 0;
		if (m->base && tee_unmap(m->base, TWO_PAGES))
			return TEE_ERROR_ITEM_NOT_FOUND;
		break;
	case MPROTECT_TEST_TOP:
		m->base = page_of((void *)UINTPTR_MAX);
		m->writeable = 0;
		break;
	case MPROTECT_TEST_SHAREABLE:
		m->base = tee_map_zi(TWO_PAGES, TEE_MEMORY_ACCESS_ANY_OWNER);
		break;
	case MPROTECT_TEST_STACK:
		m->base = page_of(&local);
		m->writeable = 0; /* is written all the time */
		break;
	case MPROTECT_TEST_HEAP:
		m->base = TEE_Malloc(TWO_PAGES + PAGE, 0);
		if (m->base)
			m->base = next_page(m->base);
		break;
	case MPROTECT_TEST_DATA:
		m->base = next_page(data);
		break;
	case MPROTECT_TEST_RODATA:
		m->base = next_page(rodata);
		m->writeable = 0;
		break;
	case MPROTECT_TEST_CODE:
		m->base = page_of((void *)protect_memory);
		m->writeable = 0;
		break;
	case MPROTECT_TEST_CLIENT:
		if (client_len < TWO_PAGES || page_of(client) != client)
			return TEE_ERROR_ITEM_NOT_FOUND;
		m->base = client;
		break;
	default:
		return TEE_ERROR_BAD_PARAMETERS;
	}

	return m->base ? TEE_SUCCESS : TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result protect_memory(enum mprotect_test_memory kind, uint32_t prot,
			  size_t offset, size_t len, void *client,
			  size_t client_len, uint32_t *result)
{
	struct memory m = { };
	TEE_Result res = get_memory(kind, client, client_len, &m);
	size_t n = 0;

	if (res)
		return res;

	*result = tee_mprotect(m.base + offset, len, prot);
	if (*result == TEE_SUCCESS)
		return TEE_SUCCESS;

	for (n = 0; n < m.writeable; n += PAGE)
		*(volatile uint8_t *)(m.base + n) = 0xa5;

	return TEE_SUCCESS;
}
