/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this TA gives up before it executes a module.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stdbool.h>

#include "base/outcome.h"
#include "trust/manifest.h"

/*
 * seal() - give up, for good, what no module has any business with
 *
 * To be called before the first instruction of a module, and again before each
 * that may be one: the second time there is nothing to do. From then on this
 * instance opens no session, makes no page executable, derives no key, has no
 * say in how it is watched, and no object in secure storage but those of the
 * program that @owner tells of; see seal.c for what it still may do.
 *
 * Returns false, with the outcome, if the core does not let it: nothing runs.
 */
bool seal(struct outcome *outcome, const struct manifest *owner);

#endif /* SEAL_H */
