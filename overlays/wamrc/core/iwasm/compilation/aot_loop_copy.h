// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_LOOP_COPY_H
#define AOT_LOOP_COPY_H

#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/PassManager.h>

/* What passes have to know of the loops of a function, and what they keep up to date. */
struct LoopFacts {
    llvm::LoopInfo &loops;
    llvm::DominatorTree &tree;
    llvm::ScalarEvolution &evolution;

    LoopFacts(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);

    /* Returns loops without loops in them. */
    llvm::SmallVector<llvm::Loop *, 16> innermost() const;
};

/* What passes have in common that make two versions of a loop, and decide ahead of it which of them runs. */
class LoopCopy
{
  public:
    LoopCopy(llvm::Loop &loop, const LoopFacts &facts) : loop(loop), facts(facts) {}

    /* Begins to: in what it returns the decision can be computed. The loop is in simplified form. */
    llvm::Instruction *split();

    /* Copies the loop as it is, and goes to the loop where the decision is true, else to the copy, which it returns. */
    llvm::Loop *copy(llvm::Value &decision, llvm::StringRef suffix);

  private:
    llvm::Loop &loop;
    const LoopFacts &facts;
    llvm::BasicBlock *before = nullptr;
    llvm::BasicBlock *own = nullptr;
};

/* Whether code ahead of a loop may compute a value: no division by what may be 0. */
bool canExpandAhead(const llvm::Loop &loop, const llvm::SCEV *value, llvm::ScalarEvolution &evolution);

#endif
