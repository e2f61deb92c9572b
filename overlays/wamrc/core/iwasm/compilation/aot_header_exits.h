// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_HEADER_EXITS_H
#define AOT_HEADER_EXITS_H

#include <llvm/IR/PassManager.h>

/*
 * Gives the way out of a loop that begins in its header a block of its own where it leads to a block that is reached
 * from many places, as what throws an exception is.
 *
 * Where a loop is rotated, LLVM splits each edge to that block, and brings the dominator tree up to date after each: in
 * an interpreter, one loop with a check in most of its blocks, that takes the square of their number. With a block of
 * its own there is one edge to split.
 */
struct HeaderExitsPass : llvm::PassInfoMixin<HeaderExitsPass> {
    llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

#endif
