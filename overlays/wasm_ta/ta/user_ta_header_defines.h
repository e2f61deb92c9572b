/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of the runtime TA.
 */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <wasm_ta.h>

#define TA_UUID			WASM_TA_UUID

/*
 * One instance per session: what a program leaves behind dies with it. And it
 * makes code of modules executable, which its signature does not cover.
 */
#define TA_FLAGS		TA_FLAG_MPROTECT

/*
 * AOT code runs on this stack, but for the 32 KiB at its end that WAMR reserves
 * for natives; it is mapped and cleared when a session opens. The data size is
 * small since modules and heaps are mapped when they are known.
 */
#define TA_STACK_SIZE		((256 + 32) * 1024)
#define TA_DATA_SIZE		(32 * 1024)

#define TA_VERSION		"1.0"
#define TA_DESCRIPTION		"WebAssembly runtime (WAMR, AOT)"

#endif /* USER_TA_HEADER_DEFINES_H */
