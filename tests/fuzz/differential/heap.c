// SPDX-License-Identifier: Apache-2.0
/*
 * WAMR as runtime.c of the TA starts it, but with a heap in which the sanitizer
 * sees every block; and behind a linear memory nothing is mapped as far as an
 * address and an offset of 32 bits reach: code that lacks a check is caught.
 */
#include <optee_platform.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <util.h>
#include <wasm_export.h>

#include "aot/runtime.h"
#include "wasi/wasi.h"

#define PAGE_SIZE	4096
#define GUARD		(9ull << 30)
#define BLOCK_MAX	(256 * 1024 * 1024)
/* Blocks that may be a linear memory, which has whole pages of 64 KiB */
#define GUARDED_MIN	(64 * 1024)
#define GUARDED_COUNT	256

static struct guarded {
	uint8_t *block;
	size_t size;
	uint8_t *mapping;
	size_t mapping_size;
} guarded[GUARDED_COUNT];

static uint32_t users;

static struct guarded *find(const void *block)
{
	size_t n = 0;

	for (n = 0; n < GUARDED_COUNT; n++)
		if (guarded[n].block == block)
			return &guarded[n];
	return NULL;
}

/* Ends where the guard begins, but for what alignment takes */
static void *map(size_t size)
{
	struct guarded *entry = find(NULL);
	size_t room = ROUNDUP(size, PAGE_SIZE);
	uint8_t *mapping = NULL;

	if (!entry)
		return NULL;
	mapping = mmap(NULL, room + GUARD, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		return NULL;
	if (mprotect(mapping, room, PROT_READ | PROT_WRITE)) {
		munmap(mapping, room + GUARD);
		return NULL;
	}
	*entry = (struct guarded){
		.block = mapping + room - ROUNDUP(size, 16), .size = size,
		.mapping = mapping, .mapping_size = room + GUARD,
	};
	return entry->block;
}

static void *take(unsigned int size)
{
	if (size > BLOCK_MAX)
		return NULL;
	return size >= GUARDED_MIN ? map(size) : malloc(size);
}

static void give_back(void *block)
{
	struct guarded *entry = block ? find(block) : NULL;

	if (!entry) {
		free(block);
		return;
	}
	munmap(entry->mapping, entry->mapping_size);
	*entry = (struct guarded){ };
}

/* Always elsewhere, so that nobody keeps a pointer to where it was */
static void *resize(void *block, unsigned int size)
{
	struct guarded *entry = block ? find(block) : NULL;
	uint8_t *other = NULL;

	if (!entry && size < GUARDED_MIN)
		return realloc(block, size);
	other = take(size);
	if (!other || !block)
		return other;
	if (entry) {
		memcpy(other, block, MIN(size, entry->size));
		give_back(block);
		return other;
	}
	give_back(other);
	return size <= BLOCK_MAX ? realloc(block, size) : NULL;
}

bool runtime_get(struct outcome *outcome, const struct aot_info *info __unused)
{
	RuntimeInitArgs init = {
		.mem_alloc_type = Alloc_With_Allocator,
		.mem_alloc_option.allocator = {
			.malloc_func = take,
			.realloc_func = resize,
			.free_func = give_back,
		},
	};

	if (!users && (!wasm_runtime_full_init(&init) || !wasi_register()))
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the runtime does not start");
	users++;
	return true;
}

/* On the TA's own stack, as long as none is configured */
uint32_t runtime_stack_size(void)
{
	return optee_platform_stack_size();
}

void runtime_call(void *argument)
{
	struct runtime_call *call = argument;

	call->function(call->argument);
}

void runtime_called(void)
{
}

void runtime_put(void)
{
	if (!--users)
		wasm_runtime_destroy();
}
