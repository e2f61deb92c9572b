/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime and its heap: there when a module is, and gone with the last one.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdbool.h>

#include "aot/aot_info.h"
#include "base/outcome.h"

/*
 * runtime_get() - start the runtime with a heap, unless it runs already
 * @info: of the module that wants it, for the message
 *
 * Heap and stack have the sizes in @outcome; those that are there must have the
 * same.
 */
bool runtime_get(struct outcome *outcome, const struct aot_info *info);

/* Bytes that compiled code can use of the stack that it has */
uint32_t runtime_stack_size(void);

struct runtime_call {
	void (*function)(void *argument);
	void *argument;
};

/* Calls @call, a struct runtime_call, on the stack that was configured */
void runtime_call(void *call);
/* To be called afterwards, also when it did not return but was left */
void runtime_called(void);

/* To be called once for each runtime_get() that returned true */
void runtime_put(void);

#endif /* RUNTIME_H */
