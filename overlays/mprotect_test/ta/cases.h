/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the mprotect_test TA, parameter types already checked
 */
#ifndef CASES_H
#define CASES_H

#include <mprotect_test.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_internal_api.h>

/* tee_mprotect() on one kind of memory, see MPROTECT_TEST_CMD_PROTECT */
TEE_Result protect_memory(enum mprotect_test_memory kind, uint32_t prot,
			  size_t offset, size_t len, void *client,
			  size_t client_len, uint32_t *result);

/* Code that has to run, see MPROTECT_TEST_CMD_CALL */
TEE_Result call_code(enum mprotect_test_code what, uint32_t *sum);

/* What has to fault, see MPROTECT_TEST_CMD_FAULT */
TEE_Result provoke_fault(enum mprotect_test_fault what);

/* tee_watch(), then a loop, see MPROTECT_TEST_CMD_WATCH */
TEE_Result watch_client(enum mprotect_test_watch what, uint32_t *result);

/* tee_seal(), then what it forbids, see MPROTECT_TEST_CMD_SEAL */
TEE_Result seal_and_try(enum mprotect_test_seal what,
			enum mprotect_test_forbidden forbidden,
			uint32_t *result);

/* The steps of a script, see MPROTECT_TEST_CMD_STEPS */
TEE_Result carry_out(const struct mprotect_test_step *steps, size_t count,
		     struct mprotect_test_done *done, void *client);

/* Write a function that returns @value: A64 "mov w0, #value; ret" */
void write_function(void *where, uint16_t value);

/* Call such a function */
uint32_t call(const void *where);

/* The page that @p is in, and the one after it */
uint8_t *page_of(const void *p);
uint8_t *next_page(const void *p);

#endif /* CASES_H */
