/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TA tells the OP-TEE platform layer of WAMR, beyond wasm_export.h.
 */
#ifndef OPTEE_PLATFORM_H
#define OPTEE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>

/*
 * optee_platform_enter() - note where the TA's stack is
 * @frame: address of a local variable of a TA entry point
 *
 * To be called by each TA entry point before it runs WebAssembly. The stack of
 * a TA has no interface to ask for its limits; they follow from ta_head, and
 * from this address being within the first page of use.
 *
 * Returns false, and leaves the runtime unable to start, if what follows from
 * it is not memory that this TA may write.
 */
bool optee_platform_enter(const void *frame);

/* Bytes of the TA's stack that AOT code can use: the size less the reserve */
size_t optee_platform_stack_size(void);
/* Bytes at a stack's end that WAMR keeps AOT code from, for natives */
size_t optee_platform_stack_reserve(void);

/*
 * From now on code runs on another stack, whose lowest byte is @base; NULL: on
 * the TA's own again.
 */
void optee_platform_use_stack(void *base);

/*
 * Whether pages of a module could not be protected since the last call, which
 * the AOT loader does not report: TEE_SUCCESS, or what tee_mprotect() returned.
 * To be called after wasm_runtime_load(): code that did not become executable
 * would end the TA at its first instruction.
 */
TEE_Result optee_platform_protect_result(void);

#endif /* OPTEE_PLATFORM_H */
