// SPDX-License-Identifier: Apache-2.0
/*
 * WAMR is a single one in a TA instance, and so in a session.
 */
#include "aot/runtime.h"

#include <inttypes.h>
#include <optee_platform.h>
#include <tee_internal_api_extensions.h>
#include <trace.h>
#include <util.h>
#include <wasm_export.h>

#include "aot/stack.h"
#include "wasi/wasi.h"

/* Below the stack, for code that would go beyond its end to fault */
#define GUARD_SIZE	(64 * 1024)
#define STACK_ALIGN	4096

static void *heap;
static uint32_t heap_size;

/* One that was configured: GUARD_SIZE that cannot be written, and then itself */
static uint8_t *stack;
static uint32_t stack_size;

static bool start(void)
{
	RuntimeInitArgs init = {
		.mem_alloc_type = Alloc_With_Pool,
		.mem_alloc_option.pool.heap_buf = heap,
		.mem_alloc_option.pool.heap_size = heap_size,
	};

	if (!wasm_runtime_full_init(&init))
		return false;
	if (wasi_register())
		return true;

	wasm_runtime_destroy();
	return false;
}

static bool map_stack(struct outcome *outcome)
{
	if (!outcome->stack_size)
		return true;

	stack_size = ROUNDUP(outcome->stack_size +
			     optee_platform_stack_reserve(), STACK_ALIGN);
	stack = tee_map_zi(GUARD_SIZE + stack_size, 0);
	if (!stack)
		return outcome_no_memory(outcome,
					 "the TEE has no memory for a stack of %"PRIu32" bytes beside a heap of %"PRIu32,
					 stack_size, heap_size);

	if (tee_mprotect(stack, GUARD_SIZE, TEE_MPROTECT_R) != TEE_SUCCESS)
		EMSG("the stack has no guard");
	return true;
}

static void unmap_stack(void)
{
	if (!stack)
		return;

	/* Two pieces, since the first one was protected */
	if (tee_unmap(stack, GUARD_SIZE) != TEE_SUCCESS ||
	    tee_unmap(stack + GUARD_SIZE, stack_size) != TEE_SUCCESS)
		EMSG("cannot unmap the stack");
	stack = NULL;
}

bool runtime_get(struct outcome *outcome, const struct aot_info *info)
{
	uint32_t size = outcome->result->heap_size;

	heap = tee_map_zi(size, 0);
	if (!heap)
		return outcome_no_memory(outcome,
					 "the TEE has no memory for a heap of %"PRIu32" bytes: this module needs about %"PRIu64,
					 size, info->heap_needed);

	heap_size = size;
	if (!map_stack(outcome)) {
		tee_unmap(heap, heap_size);
		return false;
	}
	if (!start()) {
		unmap_stack();
		tee_unmap(heap, heap_size);
		return outcome_heap_too_small(outcome, info->heap_needed,
					      info->memory_size,
					      "the runtime does not start");
	}

	outcome->result->stack_size = runtime_stack_size();
	return true;
}

uint32_t runtime_stack_size(void)
{
	return stack ? stack_size - optee_platform_stack_reserve() :
		       optee_platform_stack_size();
}

void runtime_call(void *argument)
{
	struct runtime_call *call = argument;

	if (!stack) {
		call->function(call->argument);
		return;
	}

	optee_platform_use_stack(stack + GUARD_SIZE);
	stack_call(call->function, call->argument,
		   stack + GUARD_SIZE + stack_size);
}

void runtime_called(void)
{
	optee_platform_use_stack(NULL);
}

void runtime_put(void)
{
	wasm_runtime_destroy();
	unmap_stack();
	tee_unmap(heap, heap_size);
}
