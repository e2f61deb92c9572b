/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interface of the WebAssembly runtime TA: its UUID, its commands, and the
 * structures that the host app and the TA exchange. Little endian, as both are.
 */
#ifndef WASM_TA_H
#define WASM_TA_H

#include <stdint.h>

#define WASM_TA_UUID \
	{ 0x7c1e4bb6, 0x5a37, 0x4a0e, \
		{ 0x9d, 0x2c, 0x0f, 0x5d, 0x2f, 0x8b, 0x6a, 0x11 } }

/* In each structure: a TA and a host app of different versions do not mix */
#define WASM_TA_VERSION		3

/*
 * Configure the heap of the runs that follow in this session
 *
 * [in]     params[0].value.a  heap size in bytes: the pool that the runtime
 *                             takes everything from, linear memory included
 * [in]     params[0].value.b  stack size in bytes, for compiled code and what it
 *                             calls; 0: the TA's own stack
 *
 * TEE_ERROR_BAD_STATE: a module was loaded, and has a heap of another size.
 */
#define WASM_TA_CMD_CONFIGURE_HEAP	0

/*
 * Run a WebAssembly module (AOT)
 *
 * [in]     params[0].memref   the signed AOT file, see wasm_signed.h
 * [in]     params[1].memref   struct wasm_ta_args
 * [inout]  params[2].memref   struct wasm_streams, see wasm_ring.h
 * [out]    params[3].memref   struct wasm_ta_result
 *
 * TEE_SUCCESS means that the result was written, whatever it says.
 * TEE_ERROR_BAD_PARAMETERS: a parameter of another type or size.
 * TEE_ERROR_BAD_STATE: no heap was configured.
 */
#define WASM_TA_CMD_RUN			1

/*
 * Load a module and keep it, for any number of runs and calls
 *
 * [in]     params[0].memref   the signed AOT file
 * [out]    params[1].value.a  its handle, if the result says WASM_TA_LOADED
 * [inout]  params[2].memref   struct wasm_streams: to end it, nothing flows
 * [out]    params[3].memref   struct wasm_ta_result
 *
 * A session serves one module, the first that RUN or LOAD has loaded: another
 * one is refused with WASM_TA_OTHER_MODULE. That one can be loaded again, each
 * time with a handle and calls of its own. TEE_ERROR_BAD_STATE: no heap was
 * configured; TEE_ERROR_EXCESS_DATA: WASM_TA_HANDLES_MAX are there.
 */
#define WASM_TA_CMD_LOAD		2

/*
 * Run a loaded module, in an instance that has its own memory
 *
 * [in]     params[0].value.a  handle
 * [in]     params[1].memref   struct wasm_ta_args
 * [inout]  params[2].memref   struct wasm_streams
 * [out]    params[3].memref   struct wasm_ta_result
 *
 * TEE_ERROR_ITEM_NOT_FOUND: no loaded module has this handle.
 */
#define WASM_TA_CMD_RUN_LOADED		3

/*
 * Call exported functions of a loaded module by their names, one after the other
 *
 * [in]     params[0].value.a  handle
 * [in]     params[1].memref   struct wasm_ta_call, 1 to WASM_TA_CALLS_MAX
 * [inout]  params[2].memref   struct wasm_streams
 * [out]    params[3].memref   struct wasm_ta_returned, as many
 *
 * The first call makes an instance, and calls its _initialize if it exports
 * one; the calls that follow find its memory as the one before left it. A call
 * that ends in another way than WASM_TA_RETURNED or WASM_TA_REFUSED ends the
 * instance: the next command starts anew, and what this one still has to call
 * has failed. With WASM_TA_CALL_KEEP a call that traps does not end it either.
 * RUN_LOADED has nothing to do with it.
 *
 * TEE_ERROR_ITEM_NOT_FOUND: no loaded module has this handle.
 */
#define WASM_TA_CMD_CALL		4

/*
 * Unload a module, with the instance of its calls
 *
 * [in]     params[0].value.a  handle, which is never given again
 *
 * TEE_ERROR_ITEM_NOT_FOUND: no loaded module has this handle.
 */
#define WASM_TA_CMD_UNLOAD		5

/*
 * Give the nonce that evidence of the next module is to have
 *
 * [in]     params[0].memref   8 to 64 bytes
 *
 * The next RUN or LOAD makes the evidence, before the module's first instruction.
 * TEE_ERROR_BAD_STATE: there was a module in this session, or a nonce.
 */
#define WASM_TA_CMD_NONCE		8

/*
 * Get the evidence: an Entity Attestation Token (RFC 9711)
 *
 * [out]    params[0].memref   COSE_Sign1, at most WASM_TA_EVIDENCE_MAX bytes
 *
 * TEE_ERROR_NO_DATA: no module was loaded since the nonce.
 */
#define WASM_TA_CMD_EVIDENCE		9

/*
 * Get the public half of the key that evidence is signed with
 *
 * [out]    params[0].memref   COSE_Key (RFC 8230), at most WASM_TA_EVIDENCE_MAX
 *
 * The machine makes it when it is first wanted, which takes long.
 * TEE_ERROR_ITEM_NOT_FOUND: the core has no attestation.
 */
#define WASM_TA_CMD_ATTESTATION_KEY	10

#define WASM_TA_NONCE_MIN	8
#define WASM_TA_NONCE_MAX	64
#define WASM_TA_EVIDENCE_MAX	2048

#define WASM_TA_HANDLES_MAX	16
#define WASM_TA_NAME_SIZE	512
#define WASM_TA_CALL_VALUES	32
#define WASM_TA_CALLS_MAX	256

#define WASM_TA_HEAP_MIN	(4 * 1024)
#define WASM_TA_HEAP_MAX	(1024 * 1024 * 1024)
#define WASM_TA_STACK_MIN	(16 * 1024)
#define WASM_TA_STACK_MAX	(256 * 1024 * 1024)
#define WASM_TA_MODULE_MAX	(256 * 1024 * 1024)
#define WASM_TA_ARGS_MAX	(128 * 1024)
#define WASM_TA_MESSAGE_SIZE	256
#define WASM_TA_SHA256_SIZE	32

/*
 * Arguments and environment of the program: argc strings that are its argv,
 * then envc strings of the form KEY=VALUE, each ended by a NUL.
 */
struct wasm_ta_args {
	uint32_t version;
	uint32_t argc;
	uint32_t envc;
	uint32_t size;		/* of strings[], all NULs included */
	char strings[];
};

/* How a run ended */
enum wasm_ta_outcome {
	WASM_TA_EXITED = 1,	/* the program ended: exit_status is its own */
	WASM_TA_TRAPPED = 2,	/* the runtime stopped it: message says why */
	WASM_TA_REFUSED = 3,	/* not run: the module or the heap will not do */
	WASM_TA_FAILED = 4,	/* the TA or the host app did not do its part */
	WASM_TA_LOADED = 5,	/* the module is ready to be run or called */
	WASM_TA_RETURNED = 6,	/* the function that was called returned */
};

/* How far a run got */
enum wasm_ta_stage {
	WASM_TA_STAGE_COPY = 1,		/* the module out of shared memory */
	WASM_TA_STAGE_MEASURE = 2,	/* its signature and its SHA-256 */
	WASM_TA_STAGE_CHECK = 3,	/* headers and imports of the AOT file */
	WASM_TA_STAGE_HEAP = 4,		/* mapping the heap */
	WASM_TA_STAGE_LOAD = 5,		/* relocation, pages to executable */
	WASM_TA_STAGE_INSTANTIATE = 6,	/* linear memory, start function */
	WASM_TA_STAGE_RUN = 7,		/* _start */
};

#define WASM_TA_STAGES		8

/* Bits of wasm_ta_result.flags */
#define WASM_TA_MEASURED	0x1	/* sha256 is valid */
#define WASM_TA_NO_MEMORY	0x2	/* refused: what is free is not enough */
#define WASM_TA_OTHER_MODULE	0x4	/* refused: the session serves another one */

/* What the program's standard input, output and error are */
enum wasm_ta_stdio {
	WASM_TA_STDIO_PIPE = 0,		/* or a socket, or nobody knows */
	WASM_TA_STDIO_TERMINAL = 1,
	WASM_TA_STDIO_DEVICE = 2,	/* another one, such as /dev/null */
	WASM_TA_STDIO_FILE = 3,
};

#define WASM_TA_STDIO_COUNT	3

struct wasm_ta_result {
	uint32_t version;
	uint32_t outcome;		/* enum wasm_ta_outcome */
	uint32_t stage;			/* the last one begun */
	uint32_t flags;
	uint32_t exit_status;		/* valid for WASM_TA_EXITED */
	uint32_t heap_size;		/* as configured */
	uint32_t heap_needed;		/* at least, to start; 0: not known */
	uint32_t stack_size;		/* of native stack, for the program */
	uint32_t stage_ms[WASM_TA_STAGES];	/* by enum wasm_ta_stage */
	uint8_t sha256[WASM_TA_SHA256_SIZE];
	char message[WASM_TA_MESSAGE_SIZE];	/* NUL terminated */
	/* What went wrong with /secure, which a program may ignore; or empty */
	char storage[WASM_TA_MESSAGE_SIZE];
};

/* Types of values, as in WebAssembly's binary format */
#define WASM_TA_I32		0x7f
#define WASM_TA_I64		0x7e
#define WASM_TA_F32		0x7d
#define WASM_TA_F64		0x7c
#define WASM_TA_FUNCREF		0x70
#define WASM_TA_EXTERNREF	0x6f

/*
 * The null of both kinds of reference. Any other number may be passed as an
 * externref: the module can only keep it and give it back. No function can be
 * passed, or a module could be made to call what its tables do not have: the
 * bits of a funcref that is returned only tell null from a function.
 */
#define WASM_TA_NULL_REF	0xffffffff

struct wasm_ta_value {
	uint32_t type;
	uint32_t reserved;	/* 0 */
	uint64_t bits;		/* all but i64 and f64: the lower half */
};

/* Bits of wasm_ta_call.flags: keep the instance when the function traps */
#define WASM_TA_CALL_KEEP	0x1

struct wasm_ta_call {
	uint32_t version;
	uint32_t flags;
	uint32_t argc;
	uint32_t reserved;		/* 0 */
	char name[WASM_TA_NAME_SIZE];	/* NUL terminated */
	struct wasm_ta_value args[WASM_TA_CALL_VALUES];
};

struct wasm_ta_returned {
	struct wasm_ta_result result;
	uint32_t count;		/* of values, valid for WASM_TA_RETURNED */
	uint32_t reserved;	/* 0 */
	struct wasm_ta_value values[WASM_TA_CALL_VALUES];
};

#endif /* WASM_TA_H */
