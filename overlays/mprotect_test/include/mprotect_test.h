/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the mprotect_test TA and its host app agree on
 */
#ifndef MPROTECT_TEST_H
#define MPROTECT_TEST_H

#include <stdint.h>

/* With TA_FLAG_MPROTECT */
#define MPROTECT_TEST_UUID \
	{ 0xb0a1c4d2, 0x6e0f, 0x4f0c, \
	  { 0x8a, 0x57, 0x3d, 0x9f, 0x2c, 0x1e, 0x7b, 0x20 } }

/* The same TA without it */
#define MPROTECT_TEST_UNFLAGGED_UUID \
	{ 0xc3f0a9d4, 0x2b7e, 0x4d15, \
	  { 0x9c, 0x86, 0x51, 0xe0, 0x7a, 0x3b, 0x84, 0xf2 } }

#define MPROTECT_TEST_PAGE	4096

/*
 * Call tee_mprotect() on one kind of memory, then write to the memory if it
 * was writeable before and the call was refused, which panics the TA if the
 * protection was changed nevertheless.
 *
 * [in]  value[0].a: enum mprotect_test_memory
 * [in]  value[0].b: Protection
 * [in]  value[1].a: Offset of the range from the start of the memory
 * [in]  value[1].b: Length of the range
 * [out] value[2].a: Result of tee_mprotect()
 * [in/out] memref[3]: Two pages of the client, only for MPROTECT_TEST_CLIENT
 *
 * TEE_ERROR_ITEM_NOT_FOUND: the memory asked for cannot be had
 */
#define MPROTECT_TEST_CMD_PROTECT	0

enum mprotect_test_memory {
	MPROTECT_TEST_OWN,		/* two pages from tee_map_zi() */
	MPROTECT_TEST_OWN_AND_FOREIGN,	/* a page of ours, then code or stack */
	MPROTECT_TEST_OWN_AND_HOLE,	/* a page of ours, then nothing */
	MPROTECT_TEST_UNMAPPED,		/* two pages given back */
	MPROTECT_TEST_TOP,		/* last page of the address space */
	MPROTECT_TEST_SHAREABLE,	/* open to other TAs */
	MPROTECT_TEST_STACK,
	MPROTECT_TEST_HEAP,
	MPROTECT_TEST_DATA,
	MPROTECT_TEST_RODATA,
	MPROTECT_TEST_CODE,
	MPROTECT_TEST_CLIENT,		/* of the normal world */
};

/*
 * Write functions to memory, make it executable and call them
 *
 * [in]  value[0].a: enum mprotect_test_code
 * [out] value[1].a: What the function returned, or both summed up
 */
#define MPROTECT_TEST_CMD_CALL		1

enum mprotect_test_code {
	MPROTECT_TEST_ONCE,		/* 42 */
	MPROTECT_TEST_REWRITTEN,	/* 42, RW again, 58: 100 */
	MPROTECT_TEST_MIDDLE_PAGE,	/* 42, pages around it stay RW */
	MPROTECT_TEST_TWO_MAPPINGS,	/* 42 + 58 by one tee_mprotect() */
	MPROTECT_TEST_RAW_BITS,		/* 42, all of PR | UR | UX given */
	MPROTECT_TEST_REUSED,		/* 42, unmapped, mapped again: 58 */
};

/*
 * Do what must fault, so that the client sees TEE_ERROR_TARGET_DEAD
 *
 * [in]  value[0].a: enum mprotect_test_fault
 */
#define MPROTECT_TEST_CMD_FAULT		2

enum mprotect_test_fault {
	MPROTECT_TEST_WRITE_TO_RX,
	MPROTECT_TEST_WRITE_TO_R,
	MPROTECT_TEST_CALL_RW,
	MPROTECT_TEST_CALL_R,
	MPROTECT_TEST_CALL_RW_AGAIN,	/* RX, then RW */
	MPROTECT_TEST_CORE_WRITES_TO_RX, /* TEE_GenerateRandom() into it */
};

/*
 * Send PTA_SYSTEM_MPROTECT with other parameter types than documented
 *
 * [out] value[0].a: Result of the PTA
 */
#define MPROTECT_TEST_CMD_BAD_TYPES	3

/*
 * Call tee_watch(), then do what only TEE core can end if it was accepted
 *
 * [in]  value[0].a: enum mprotect_test_watch
 * [out] value[1].a: Result of tee_watch() if refused, 42 if the loop was left
 * [in/out] memref[2]: struct pta_system_watch_words, or no parameter
 */
#define MPROTECT_TEST_CMD_WATCH		4

enum mprotect_test_watch {
	MPROTECT_TEST_LEAVE,		/* by the handler */
	MPROTECT_TEST_LEAVE_AGAIN,	/* the same, watched since before */
	MPROTECT_TEST_LOOP,		/* in code that is not interrupted */
	MPROTECT_TEST_SILENCE,		/* the same, the client says nothing */
	MPROTECT_TEST_SET,		/* and return */
	MPROTECT_TEST_JUST_LOOP,	/* watched since before, or never */
	MPROTECT_TEST_CORE_LOOP,	/* in system calls */
	MPROTECT_TEST_LDELF_LOOP,	/* in dlsym(), which ldelf does */
	MPROTECT_TEST_RESIST,		/* try to put it off, then loop */
	MPROTECT_TEST_WAIT,		/* ten minutes */
	MPROTECT_TEST_VALUE,		/* a parameter that is no memory */
	MPROTECT_TEST_NO_PARAM,
	MPROTECT_TEST_BEYOND,		/* words that end behind the memory */
	MPROTECT_TEST_WRAPS,
	MPROTECT_TEST_MISALIGNED_WORDS,
	MPROTECT_TEST_TOO_LONG,
};

/*
 * Call tee_seal(), then do what it forbids
 *
 * [in]  value[0].a: enum mprotect_test_seal
 * [in]  value[0].b: enum mprotect_test_forbidden
 * [out] value[1].a: How many were not refused, or what one attempt came to
 */
#define MPROTECT_TEST_CMD_SEAL		5

enum mprotect_test_seal {
	MPROTECT_TEST_SEAL_ALL,		/* each system call, and beyond */
	MPROTECT_TEST_SEAL_COMMANDS,	/* each command of the system PTA */
	MPROTECT_TEST_SEAL_FORBIDDEN,	/* one, which works before */
	MPROTECT_TEST_SEAL_UNDO,	/* a second, longer list */
	MPROTECT_TEST_SEAL_WITH_SESSION, /* while one is open to another TA */
	MPROTECT_TEST_SEAL_KEEPING_OPEN, /* TEE_SCN_OPEN_TA_SESSION */
	MPROTECT_TEST_SEAL_KEEPING_UNKNOWN,
	MPROTECT_TEST_SEAL_WATCH,	/* tee_watch() */
	MPROTECT_TEST_SEAL_PANIC,
	MPROTECT_TEST_SEAL_OBJECTS,	/* others than are left, by each way */
	MPROTECT_TEST_SEAL_OPEN_OBJECT,	/* while another one is open */
	MPROTECT_TEST_SEAL_MORE_OBJECTS, /* a second time, for others */
	MPROTECT_TEST_SEAL_LONG_PREFIX,
	MPROTECT_TEST_DELETE_OBJECTS,	/* no seal: what the ones before left */
};

enum mprotect_test_forbidden {
	MPROTECT_TEST_SESSION,		/* with another TA */
	MPROTECT_TEST_STATE,		/* of a digest */
	MPROTECT_TEST_KEY,
	MPROTECT_TEST_TIME,
	MPROTECT_TEST_RX,		/* tee_mprotect() */
};

/*
 * Carry out steps one after the other, as tests/fuzz/pta makes them up
 *
 * [in]     memref[0]: struct mprotect_test_step[]
 * [out]    memref[1]: struct mprotect_test_done
 * [in/out] memref[2]: Two pages, with the words that a watch looks at first
 *
 * With no steps nothing is done, which an instance that is sealed can do, too.
 */
#define MPROTECT_TEST_CMD_STEPS		6

#define MPROTECT_TEST_MOST_STEPS	64
#define MPROTECT_TEST_SLOTS		8

enum mprotect_test_kind {
	MPROTECT_TEST_INVOKE,		/* @command of the system PTA */
	MPROTECT_TEST_MAP,		/* the same, the address is for @slot */
	MPROTECT_TEST_SET_WATCH,	/* PTA_SYSTEM_WATCH, with the values */
	MPROTECT_TEST_ACCESS,		/* flags, address, length */
	MPROTECT_TEST_WRITE,		/* address, what a function returns */
	MPROTECT_TEST_WRITE_LOOP,	/* address, rounds / 65536; returns 0 */
	MPROTECT_TEST_RUN,		/* address */
	MPROTECT_TEST_OPEN,		/* a session with the other test TA */
	MPROTECT_TEST_CLOSE,		/* that */
};

/* What an address is counted from; a slot is 1 + its number */
enum mprotect_test_place {
	MPROTECT_TEST_LITERAL,
	MPROTECT_TEST_AT_STACK = 1 + MPROTECT_TEST_SLOTS,
	MPROTECT_TEST_AT_HEAP,
	MPROTECT_TEST_AT_DATA,
	MPROTECT_TEST_AT_CODE,
	MPROTECT_TEST_AT_CLIENT,	/* memref[2] */
	MPROTECT_TEST_AT_STEPS,		/* memref[0] */
	MPROTECT_TEST_PLACES,
};

/* Of the sum of place and value the upper or the lower 32 bits alone */
#define MPROTECT_TEST_HIGH		0x40
#define MPROTECT_TEST_LOW		0x80

struct mprotect_test_step {
	uint32_t kind;			/* enum mprotect_test_kind */
	uint32_t command;
	uint32_t types;
	uint32_t slot;
	uint8_t places[8];		/* enum mprotect_test_place */
	uint64_t values[8];
};

#define MPROTECT_TEST_NOT_BEGUN		0xa0a0a0a0
#define MPROTECT_TEST_BEGUN		0xb0b0b0b0

struct mprotect_test_done {
	uint64_t places[MPROTECT_TEST_PLACES];
	struct {
		uint32_t result;	/* or one of the two above */
		uint32_t pad;
		uint64_t value;		/* an address, or what was returned */
	} steps[MPROTECT_TEST_MOST_STEPS];
};

/*
 * What `mprotect_test --steps` reads again and again: this, and so many steps.
 * For each it writes the result of the command, the result of one without
 * steps after it, and struct mprotect_test_done.
 */
struct mprotect_test_script {
	uint32_t unflagged;		/* for the TA without TA_FLAG_MPROTECT */
	uint32_t stop;			/* the second word that is watched */
	uint32_t count;
	uint32_t pad;
};

#endif /* MPROTECT_TEST_H */
