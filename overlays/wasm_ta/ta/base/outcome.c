// SPDX-License-Identifier: Apache-2.0
/*
 * Fills in the result of a command.
 */
#include "base/outcome.h"

#include <inttypes.h>
#include <optee_platform.h>
#include <stdarg.h>
#include <stdio.h>
#include <trace.h>

static uint32_t elapsed_ms(const TEE_Time *since, const TEE_Time *now)
{
	return (now->seconds - since->seconds) * 1000 + now->millis -
	       since->millis;
}

static void end_stage(struct outcome *outcome)
{
	struct wasm_ta_result *result = outcome->result;
	TEE_Time now = { };

	TEE_GetSystemTime(&now);
	if (result->stage)
		result->stage_ms[result->stage] +=
			elapsed_ms(&outcome->stage_begin, &now);
	outcome->stage_begin = now;
}

void outcome_open(struct outcome *outcome, struct wasm_ta_result *result,
		  uint32_t heap_size, uint32_t stack_size)
{
	*result = (struct wasm_ta_result){
		.version = WASM_TA_VERSION,
		.heap_size = heap_size,
		.stack_size = optee_platform_stack_size(),
	};
	*outcome = (struct outcome){
		.result = result,
		.stack_size = stack_size,
	};
}

void outcome_stage(struct outcome *outcome, enum wasm_ta_stage stage)
{
	end_stage(outcome);
	outcome->result->stage = stage;
}

/* Files and programs are quoted, and this ends up on consoles */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void __printf(2, 0) put_message(struct wasm_ta_result *result,
				       const char *format, va_list ap)
{
	vsnprintf(result->message, sizeof(result->message), format, ap);
	make_plain(result->message);
}

bool outcome_is(struct outcome *outcome, enum wasm_ta_outcome how,
		const char *format, ...)
{
	va_list ap = { };

	outcome->result->outcome = how;
	va_start(ap, format);
	put_message(outcome->result, format, ap);
	va_end(ap);
	return false;
}

bool outcome_no_memory(struct outcome *outcome, const char *format, ...)
{
	va_list ap = { };

	outcome->result->outcome = WASM_TA_REFUSED;
	outcome->result->flags |= WASM_TA_NO_MEMORY;
	va_start(ap, format);
	put_message(outcome->result, format, ap);
	va_end(ap);
	return false;
}

void outcome_storage(struct outcome *outcome, const char *trouble)
{
	struct wasm_ta_result *result = outcome->result;

	snprintf(result->storage, sizeof(result->storage), "%s", trouble);
	make_plain(result->storage);
}

bool outcome_heap_too_small(struct outcome *outcome, uint64_t needed,
			    uint64_t memory, const char *reason)
{
	return outcome_is(outcome, WASM_TA_REFUSED,
			  "the heap of %"PRIu32" bytes is too small (%s): this module needs about %"PRIu64", %"PRIu64" of them linear memory",
			  outcome->result->heap_size, reason, needed, memory);
}

void outcome_close(struct outcome *outcome)
{
	const struct wasm_ta_result *result = outcome->result;

	end_stage(outcome);
	switch (result->outcome) {
	case WASM_TA_EXITED:
		IMSG("module exit status %"PRIu32, result->exit_status);
		break;
	case WASM_TA_TRAPPED:
		IMSG("module trapped: %s", result->message);
		break;
	case WASM_TA_REFUSED:
		IMSG("module refused: %s", result->message);
		break;
	case WASM_TA_LOADED:
	case WASM_TA_RETURNED:
		break;
	default:
		IMSG("module failed: %s", result->message);
		break;
	}
}
