/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef AOT_OPTIMIZE_H
#define AOT_OPTIMIZE_H

#include <llvm-c/TargetMachine.h>
#include <llvm-c/Types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Optimizes each function of a module for a machine, which the module's data
 * layout and triple are of. With plain_checks no loop is made in a version
 * without bounds checks. With level 0 only what the code generator cannot do
 * without is done; it takes a fraction of the time.
 *
 * Returns false, and tells on stderr why, if there are no such passes.
 */
bool
aot_optimize(LLVMModuleRef module, LLVMTargetMachineRef machine,
             unsigned level, bool plain_checks);

/*
 * Has a machine choose instructions one by one and give registers block by
 * block: what level 0 of the code generator is for, and where the target's
 * default at that level takes longer.
 */
void
aot_select_quickly(LLVMTargetMachineRef machine);

/*
 * Leaves in a module the bodies of functions whose numbers (what follows the #
 * in their names) are first to end - 1, and of the others only that they exist.
 */
void
aot_keep_functions(LLVMModuleRef module, unsigned first, unsigned end);

#ifdef __cplusplus
}
#endif

#endif
