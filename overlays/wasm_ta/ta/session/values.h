/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function is called with and what it returns, as the host app has it and
 * in cells, as WAMR has it.
 */
#ifndef VALUES_H
#define VALUES_H

#include <optee_function.h>
#include <stdbool.h>
#include <stdint.h>
#include <wasm_ta.h>

#include "base/outcome.h"

/* 64 bits take two */
#define VALUES_CELLS	(2 * WASM_TA_CALL_VALUES)

/*
 * values_check() - whether what a caller passes is what a function takes, and
 * what it returns can be returned; if not, @outcome says so
 */
bool values_check(struct outcome *outcome,
		  const struct optee_function_type *type,
		  const struct wasm_ta_call *call);

/*
 * values_to_cells() - put the arguments of a call that was checked into cells
 * values_from_cells() - take the results out of them
 *
 * The first returns how many cells the arguments are.
 */
uint32_t values_to_cells(uint32_t cells[VALUES_CELLS],
			 const struct wasm_ta_call *call);
void values_from_cells(struct wasm_ta_returned *returned,
		       const struct optee_function_type *type,
		       const uint32_t cells[VALUES_CELLS]);

#endif /* VALUES_H */
