/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An end for programs that do not end, whatever they do.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdint.h>
#include <tee_api_types.h>

#include "output.h"

/* The AOT code of a module, from optee_platform_code() */
struct watch_code {
	uint64_t begin;
	uint64_t size;
};

/*
 * watch_run() - watch the host app until this TA returns to it
 *
 * While this TA is busy the OP-TEE core looks at stop and heartbeat of the
 * stream area whenever an interrupt suspends it. Two seconds after the host app
 * asks for the end, or is found dead, the core ends the TA as if it panicked.
 */
void watch_run(const struct output *output);

/*
 * watch_call() - call @function(@argument), which executes AOT code
 *
 * Beside what watch_run() does, AOT code is left, at any instruction, as soon as
 * the run should end, and this function returns. Natives are not left: they look
 * at stop themselves, as output_write() does. What @function has allocated when
 * AOT code is left stays allocated.
 *
 * Returns TEE_SUCCESS if @function returned. Else it was ended:
 * TEE_ERROR_CANCEL: the host app asked for it,
 * TEE_ERROR_TARGET_DEAD: the host app is gone.
 */
TEE_Result watch_call(struct output *output, const struct watch_code *code,
		      void (*function)(void *argument), void *argument);

#endif /* WATCH_H */
