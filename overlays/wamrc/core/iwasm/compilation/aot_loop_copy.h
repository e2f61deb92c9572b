// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_LOOP_COPY_H
#define AOT_LOOP_COPY_H

#include <llvm/ADT/StringRef.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Dominators.h>

/* What passes have in common that make two versions of a loop, and decide ahead of it which of them runs. */
class LoopCopy
{
  public:
    LoopCopy(llvm::Loop &loop, llvm::LoopInfo &loops, llvm::DominatorTree &tree, llvm::ScalarEvolution &evolution);

    /* Begins to: in what it returns the decision can be computed. The loop is in simplified form. */
    llvm::Instruction *split();

    /* Copies the loop as it is, and goes to the loop where the decision is true, else to the copy, which it returns. */
    llvm::Loop *copy(llvm::Value &decision, llvm::StringRef suffix);

  private:
    llvm::Loop &loop;
    llvm::LoopInfo &loops;
    llvm::DominatorTree &tree;
    llvm::ScalarEvolution &evolution;
    llvm::BasicBlock *before = nullptr;
    llvm::BasicBlock *own = nullptr;
};

/* Whether code ahead of a loop may compute a value: no division by what may be 0. */
bool canExpandAhead(const llvm::Loop &loop, const llvm::SCEV *value, llvm::ScalarEvolution &evolution);

#endif
