/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAMR on OP-TEE, inside a user TA: types and what libutils does not declare.
 *
 * A TA has one thread of execution, no signals and no files. Headers are those
 * of the TA dev kit, never those of glibc.
 */
#ifndef _PLATFORM_INTERNAL_H
#define _PLATFORM_INTERNAL_H

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef BH_PLATFORM_OPTEE
#define BH_PLATFORM_OPTEE
#endif

/* What aot_reloc_aarch64.c compares the target of an AOT file with */
#ifndef BUILD_TARGET
#define BUILD_TARGET "AARCH64"
#endif

/* Required by the thread API, which a TA never gets to use */
#define BH_APPLET_PRESERVED_STACK_SIZE (8 * 1024)
#define BH_THREAD_DEFAULT_PRIORITY 0

typedef uintptr_t korp_thread;
typedef uintptr_t korp_tid;
typedef uint32_t korp_mutex;
typedef uint32_t korp_cond;

/* optee_math.c: the C library functions that AOT code may call */
double ceil(double x);
double floor(double x);
double fmax(double x, double y);
double fmin(double x, double y);
double rint(double x);
double trunc(double x);
float ceilf(float x);
float floorf(float x);
float fmaxf(float x, float y);
float fminf(float x, float y);
float rintf(float x);
float truncf(float x);

/* optee_libc.c: what else the runtime uses and libutils lacks */
int atoi(const char *text);

#endif /* _PLATFORM_INTERNAL_H */
