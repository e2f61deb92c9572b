// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_BOUND_LOADS_H
#define AOT_BOUND_LOADS_H

#include <llvm/IR/Value.h>

/*
 * Returns the bytes of the accesses that a value is the bound of: the size of linear memory less these, or 0, and below
 * 2^32 in any case. 0 if it is none.
 *
 * A bound is loaded from one of the fields that an instance has for the widths, by way of the first parameter, which no
 * code of a program can compute with.
 */
unsigned boundWidth(const llvm::Value *value);

#endif
