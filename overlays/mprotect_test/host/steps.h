/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts of steps from stdin, see struct mprotect_test_script
 */
#ifndef STEPS_H
#define STEPS_H

#include <mprotect_test.h>
#include <tee_client_api.h>

/* Returns the exit status */
int run_scripts(TEEC_Context *context, const TEEC_UUID *flagged,
		const TEEC_UUID *unflagged);

#endif /* STEPS_H */
