/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See stack.h. The frame on the other stack is linked to ours, for whoever follows
 * the frame pointers.
 */
#include <asm.S>

FUNC stack_call , :
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	mov	x9, x0
	mov	x0, x1
	mov	sp, x2
	blr	x9
	mov	sp, x29
	ldp	x29, x30, [sp], #16
	ret
END_FUNC stack_call

	.section .note.GNU-stack, "", %progbits
