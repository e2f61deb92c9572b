// SPDX-License-Identifier: Apache-2.0
/*
 * The libm functions that AOT code may call, which OP-TEE's libutils lacks.
 *
 * Each is one instruction of ARMv8, defined by IEEE 754-2008: fminnm and
 * fmaxnm are minNum and maxNum, as C99's fmin() and fmax() want. Written as
 * instructions since a builtin may compile to a call of the very function.
 */
#include "platform_api_vmcore.h"

#define UNARY(name, insn, type, reg)				\
	type name(type x)					\
	{							\
		type result;					\
								\
		asm(insn " %" reg "0, %" reg "1"		\
		    : "=w" (result) : "w" (x));			\
		return result;					\
	}

#define BINARY(name, insn, type, reg)				\
	type name(type x, type y)				\
	{							\
		type result;					\
								\
		asm(insn " %" reg "0, %" reg "1, %" reg "2"	\
		    : "=w" (result) : "w" (x), "w" (y));	\
		return result;					\
	}

UNARY(ceil, "frintp", double, "d")
UNARY(ceilf, "frintp", float, "s")
UNARY(floor, "frintm", double, "d")
UNARY(floorf, "frintm", float, "s")
UNARY(rint, "frintx", double, "d")
UNARY(rintf, "frintx", float, "s")
UNARY(trunc, "frintz", double, "d")
UNARY(truncf, "frintz", float, "s")
BINARY(fmax, "fmaxnm", double, "d")
BINARY(fmaxf, "fmaxnm", float, "s")
BINARY(fmin, "fminnm", double, "d")
BINARY(fminf, "fminnm", float, "s")
