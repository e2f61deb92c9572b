/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command went, as it becomes known: stages, their times, and the end.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include <tee_internal_api.h>
#include <wasm_ta.h>

struct outcome {
	struct wasm_ta_result *result;
	uint32_t stack_size;		/* as configured; 0: the TA's own stack */
	TEE_Time stage_begin;
};

/* Starts with a @result that says nothing yet */
void outcome_open(struct outcome *outcome, struct wasm_ta_result *result,
		  uint32_t heap_size, uint32_t stack_size);

/* Ends the stage before and begins @stage */
void outcome_stage(struct outcome *outcome, enum wasm_ta_stage stage);

/* Beside how it ended: what went wrong with /secure, empty if nothing did */
void outcome_storage(struct outcome *outcome, const char *trouble);

/* Ends the last stage, and logs how it went */
void outcome_close(struct outcome *outcome);

/* Each of these is how it ended; always false, for the caller to return */
bool outcome_is(struct outcome *outcome, enum wasm_ta_outcome how,
		const char *format, ...) __printf(3, 4);
/* ... that it was refused for memory which another run may hold meanwhile */
bool outcome_no_memory(struct outcome *outcome, const char *format, ...)
	__printf(2, 3);
/* ... that the module needs more, of which @memory bytes are linear memory */
bool outcome_heap_too_small(struct outcome *outcome, uint64_t needed,
			    uint64_t memory, const char *reason);

#endif /* OUTCOME_H */
