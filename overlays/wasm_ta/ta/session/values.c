// SPDX-License-Identifier: Apache-2.0
#include "session/values.h"

#include <inttypes.h>
#include <string.h>
#include <util.h>

/* In WebAssembly's binary format, and the cells that WAMR has them in */
static const struct {
	uint8_t type;
	uint8_t cells;
	const char *name;
} kinds[] = {
	{ WASM_TA_I32, 1, "i32" },
	{ WASM_TA_I64, 2, "i64" },
	{ WASM_TA_F32, 1, "f32" },
	{ WASM_TA_F64, 2, "f64" },
	{ WASM_TA_FUNCREF, 1, "funcref" },
	{ WASM_TA_EXTERNREF, 1, "externref" },
};

static size_t kind_of(uint32_t type)
{
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(kinds); n++)
		if (kinds[n].type == type)
			break;

	return n;
}

static const char *kind_name(uint32_t type)
{
	size_t n = kind_of(type);

	return n < ARRAY_SIZE(kinds) ? kinds[n].name : "another type";
}

bool values_check(struct outcome *outcome,
		  const struct optee_function_type *type,
		  const struct wasm_ta_call *call)
{
	uint32_t n = 0;

	if (type->param_count != call->argc)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "%s takes %"PRIu32" arguments, not %"PRIu32,
				  call->name, type->param_count, call->argc);
	if (type->result_count > WASM_TA_CALL_VALUES)
		return outcome_is(outcome, WASM_TA_REFUSED,
				  "%s returns %"PRIu32" values, more than %d",
				  call->name, type->result_count,
				  WASM_TA_CALL_VALUES);

	for (n = 0; n < type->param_count; n++)
		if (type->types[n] != call->args[n].type ||
		    kind_of(type->types[n]) == ARRAY_SIZE(kinds))
			return outcome_is(outcome, WASM_TA_REFUSED,
					  "argument %"PRIu32" of %s is %s, not %s",
					  n + 1, call->name,
					  kind_name(type->types[n]),
					  kind_name(call->args[n].type));

	for (n = 0; n < type->param_count; n++)
		if (type->types[n] == WASM_TA_FUNCREF &&
		    call->args[n].bits != WASM_TA_NULL_REF)
			return outcome_is(outcome, WASM_TA_REFUSED,
					  "argument %"PRIu32" of %s is a function, and only a null can be passed",
					  n + 1, call->name);

	for (n = 0; n < type->result_count; n++)
		if (kind_of(type->types[type->param_count + n]) ==
		    ARRAY_SIZE(kinds))
			return outcome_is(outcome, WASM_TA_REFUSED,
					  "result %"PRIu32" of %s is of a type that cannot be returned",
					  n + 1, call->name);

	return true;
}

/* The bits of a value are kept as they are, those of a NaN as well */
static uint32_t *to_cells(uint32_t *cell, const struct wasm_ta_value *value)
{
	uint8_t cells = kinds[kind_of(value->type)].cells;

	memcpy(cell, &value->bits, cells * sizeof(*cell));
	return cell + cells;
}

static const uint32_t *from_cells(struct wasm_ta_value *value, uint8_t type,
				  const uint32_t *cell)
{
	uint8_t cells = kinds[kind_of(type)].cells;

	*value = (struct wasm_ta_value){ .type = type };
	memcpy(&value->bits, cell, cells * sizeof(*cell));
	return cell + cells;
}

uint32_t values_to_cells(uint32_t cells[VALUES_CELLS],
			 const struct wasm_ta_call *call)
{
	uint32_t *cell = cells;
	uint32_t n = 0;

	for (n = 0; n < call->argc; n++)
		cell = to_cells(cell, &call->args[n]);
	return cell - cells;
}

void values_from_cells(struct wasm_ta_returned *returned,
		       const struct optee_function_type *type,
		       const uint32_t cells[VALUES_CELLS])
{
	const uint32_t *cell = cells;
	uint32_t n = 0;

	returned->count = type->result_count;
	for (n = 0; n < type->result_count; n++)
		cell = from_cells(&returned->values[n],
				  type->types[type->param_count + n], cell);
}
