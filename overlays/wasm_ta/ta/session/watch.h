/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An end for programs that do not end, whatever they do.
 */
#ifndef WATCH_H
#define WATCH_H

#include <tee_api_types.h>

#include "stream/output.h"

/* Of each command that takes long: the streams, whose words the core looks at */
#define WATCH_PARAM	2

/*
 * watch_begin() - have the core watch the host app from now on
 *
 * To be called in a command whose parameter WATCH_PARAM is a struct
 * wasm_streams, once in the life of an instance; again it does nothing. While
 * this TA is busy the OP-TEE core looks at stop and heartbeat of the stream
 * area. Two seconds after the host app asks for the end, or is found dead, the
 * core ends the TA as if it panicked. Commands without streams have two seconds.
 */
void watch_begin(void);

/*
 * watch_call() - call @function(@argument), which executes AOT code
 *
 * AOT code is left, at any instruction, as soon as the run should end, and this
 * function returns. Natives are not left: they look at stop themselves, as
 * output_write() does. What @function has allocated when AOT code is left stays
 * allocated.
 *
 * Returns TEE_SUCCESS if @function returned. Else it was ended:
 * TEE_ERROR_CANCEL: the host app asked for it,
 * TEE_ERROR_TARGET_DEAD: the host app is gone.
 */
TEE_Result watch_call(struct output *output, void (*function)(void *argument),
		      void *argument);

#endif /* WATCH_H */
