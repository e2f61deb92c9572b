/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI has no setjmp. Lua needs it for errors alone, and the program that is
 * measured has none: see the flags in teeforge/benchmarks/kernels.py.
 */
