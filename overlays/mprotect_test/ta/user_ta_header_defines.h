/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of the mprotect_test TA
 */
#ifndef USER_TA_HEADER_DEFINES_H
#define USER_TA_HEADER_DEFINES_H

#include <mprotect_test.h>

/* One instance for each session: a panic ends one test case only */
#ifdef MPROTECT_TEST_UNFLAGGED
#define TA_UUID		MPROTECT_TEST_UNFLAGGED_UUID
#define TA_FLAGS	0
#else
#define TA_UUID		MPROTECT_TEST_UUID
#define TA_FLAGS	TA_FLAG_MPROTECT
#endif

#define TA_STACK_SIZE	(16 * 1024)
#define TA_DATA_SIZE	(64 * 1024)

#define TA_VERSION	"1.0"
#define TA_DESCRIPTION	"Negative proof of tee_mprotect()"

#endif /* USER_TA_HEADER_DEFINES_H */
