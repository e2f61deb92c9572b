// SPDX-License-Identifier: Apache-2.0
/*
 * WAMR is a single one in a TA instance, and so in a session.
 */
#include "runtime.h"

#include <inttypes.h>
#include <tee_internal_api_extensions.h>
#include <wasm_export.h>

#include "wasi.h"

static void *heap;
static uint32_t heap_size;
static uint32_t users;

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

bool runtime_get(struct outcome *outcome, const struct aot_info *info)
{
	uint32_t size = outcome->result->heap_size;

	if (users) {
		users++;
		return true;
	}

	heap = tee_map_zi(size, 0);
	if (!heap)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "the TEE has no memory for a heap of %"PRIu32" bytes: this module needs about %"PRIu64,
				  size, info->heap_needed);

	heap_size = size;
	if (!start()) {
		tee_unmap(heap, heap_size);
		return outcome_heap_too_small(outcome, info,
					      "the runtime does not start");
	}

	users = 1;
	return true;
}

void runtime_put(void)
{
	if (--users)
		return;

	wasm_runtime_destroy();
	tee_unmap(heap, heap_size);
}
