/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAMR's call of a native function from AOT code, in a form that the TA dev kit
 * assembles: upstream's file ends in .s and says nothing of the stack.
 */
#include "../../../iwasm/common/arch/invokeNative_aarch64_simd.s"

	.section .note.GNU-stack, "", %progbits
