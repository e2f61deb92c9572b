// SPDX-License-Identifier: Apache-2.0
/*
 * Carries out whatever a script of tests/fuzz/pta says; what must come of it
 * is known there. Each step is told to have begun before it is done: some end
 * the instance.
 */
#include <pta_system.h>
#include <string.h>
#include <tee_internal_api_extensions.h>
#include <utee_syscalls.h>

#include "cases.h"

#define PAGE		MPROTECT_TEST_PAGE
#define AT(n)		MPROTECT_TEST_AT_##n

#ifdef MPROTECT_TEST_UNFLAGGED
#define OTHER_UUID	MPROTECT_TEST_UUID
#else
#define OTHER_UUID	MPROTECT_TEST_UNFLAGGED_UUID
#endif

static uint8_t data[3 * PAGE] = { 1 };

struct state {
	uint64_t places[MPROTECT_TEST_PLACES];
	uint32_t system;	/* sessions */
	uint32_t other;
	uint64_t value;		/* of the step */
};

/* Not with the functions of libutee, which panic when they are refused */
static uint32_t open_session(const TEE_UUID *uuid, uint32_t *session)
{
	struct utee_params none = { };
	uint32_t origin = 0;

	return _utee_open_ta_session(uuid, TEE_TIMEOUT_INFINITE, &none, session,
				     &origin);
}

static uint32_t invoke(const struct state *s, uint32_t command,
		       struct utee_params *params)
{
	uint32_t origin = 0;

	return _utee_invoke_ta_command(s->system, TEE_TIMEOUT_INFINITE, command,
				       params, &origin);
}

static uint32_t map(struct state *s, const struct mprotect_test_step *step,
		    struct utee_params *params)
{
	uint32_t res = invoke(s, PTA_SYSTEM_MAP_ZI, params);

	if (!res) {
		s->value = params->vals[2] << 32 | params->vals[3];
		s->places[1 + step->slot % MPROTECT_TEST_SLOTS] = s->value;
	}
	return res;
}

static uint32_t set_watch(const struct state *s, const uint64_t *values)
{
	struct pta_system_watch watch = {
		.param = values[0],
		.offs = values[1],
		.handler = values[2],
		.argument = values[3],
		.alive_ms = values[4],
		.grace_ms = values[5],
	};
	struct utee_params params = {
		.types = TEE_PARAM_TYPES(TEE_PARAM_TYPE_MEMREF_INPUT,
					 TEE_PARAM_TYPE_NONE,
					 TEE_PARAM_TYPE_NONE,
					 TEE_PARAM_TYPE_NONE),
		.vals = { (vaddr_t)&watch, sizeof(watch) },
	};

	return invoke(s, PTA_SYSTEM_WATCH, &params);
}

/* A64 "movz w0, #rounds, lsl #16; 1: subs w0, w0, #1; b.ne 1b; ret" */
static void write_loop(void *where, uint16_t rounds)
{
	volatile uint32_t *insn = where;

	insn[0] = 0x52a00000 | (uint32_t)rounds << 5;
	insn[1] = 0x71000400;
	insn[2] = 0x54ffffe1;
	insn[3] = 0xd65f03c0;
}

static uint32_t carry_out_one(struct state *s,
			      const struct mprotect_test_step *step,
			      struct utee_params *params)
{
	static const TEE_UUID other_ta = OTHER_UUID;
	const uint64_t *values = params->vals;
	void *address = (void *)(vaddr_t)values[0];

	switch (step->kind) {
	case MPROTECT_TEST_INVOKE:
		return invoke(s, step->command, params);
	case MPROTECT_TEST_MAP:
		return map(s, step, params);
	case MPROTECT_TEST_SET_WATCH:
		return set_watch(s, values);
	case MPROTECT_TEST_ACCESS:
		return _utee_check_access_rights(values[0],
						 (void *)(vaddr_t)values[1],
						 values[2]);
	case MPROTECT_TEST_WRITE:
		write_function(address, values[1]);
		return TEE_SUCCESS;
	case MPROTECT_TEST_WRITE_LOOP:
		write_loop(address, values[1]);
		return TEE_SUCCESS;
	case MPROTECT_TEST_RUN:
		s->value = call(address);
		return TEE_SUCCESS;
	case MPROTECT_TEST_OPEN:
		return open_session(&other_ta, &s->other);
	case MPROTECT_TEST_CLOSE:
		return _utee_close_ta_session(s->other);
	default:
		return TEE_ERROR_NOT_SUPPORTED;
	}
}

static void resolve(const struct state *s,
		    const struct mprotect_test_step *step,
		    struct utee_params *params)
{
	const uint8_t halves = MPROTECT_TEST_HIGH | MPROTECT_TEST_LOW;
	size_t n = 0;

	params->types = step->types;
	for (n = 0; n < ARRAY_SIZE(params->vals); n++) {
		uint8_t place = step->places[n] & ~halves;
		uint64_t value = step->values[n];

		if (place < MPROTECT_TEST_PLACES)
			value += s->places[place];
		if (step->places[n] & MPROTECT_TEST_HIGH)
			value >>= 32;
		if (step->places[n] & halves)
			value &= UINT32_MAX;
		params->vals[n] = value;
	}
}

TEE_Result carry_out(const struct mprotect_test_step *steps, size_t count,
		     struct mprotect_test_done *done, void *client)
{
	static const TEE_UUID system_pta = PTA_SYSTEM_UUID;
	uint8_t on_stack[2 * PAGE] = { };
	volatile struct mprotect_test_done *told = done;
	struct state s = { };
	TEE_Result res = TEE_SUCCESS;
	void *heap = NULL;
	size_t n = 0;

	if (!count)
		return TEE_SUCCESS;
	res = open_session(&system_pta, &s.system);
	if (res)
		return res;
	heap = TEE_Malloc(3 * PAGE, TEE_MALLOC_FILL_ZERO);
	if (!heap)
		return TEE_ERROR_OUT_OF_MEMORY;

	s.places[AT(STACK)] = (vaddr_t)next_page(on_stack);
	s.places[AT(HEAP)] = (vaddr_t)next_page(heap);
	s.places[AT(DATA)] = (vaddr_t)next_page(data);
	s.places[AT(CODE)] = (vaddr_t)page_of((void *)carry_out);
	s.places[AT(CLIENT)] = (vaddr_t)client;
	s.places[AT(STEPS)] = (vaddr_t)steps;
	for (n = 0; n < MPROTECT_TEST_PLACES; n++)
		told->places[n] = s.places[n];

	for (n = 0; n < count; n++) {
		struct utee_params params = { };

		s.value = 0;
		told->steps[n].result = MPROTECT_TEST_BEGUN;
		resolve(&s, steps + n, &params);
		res = carry_out_one(&s, steps + n, &params);
		told->steps[n].value = s.value;
		told->steps[n].result = res;
	}

	return TEE_SUCCESS;
}
