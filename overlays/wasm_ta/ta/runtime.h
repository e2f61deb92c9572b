/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime and its heap: there when a module is, and gone with the last one.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdbool.h>

#include "outcome.h"

/*
 * runtime_get() - start the runtime with a heap, unless it runs already
 * @info: of the module that wants it, for the message
 *
 * The heap has the size in @outcome; one that is there must have the same.
 */
bool runtime_get(struct outcome *outcome, const struct aot_info *info);

/* To be called once for each runtime_get() that returned true */
void runtime_put(void);

#endif /* RUNTIME_H */
