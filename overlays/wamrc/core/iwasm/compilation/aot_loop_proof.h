// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_LOOP_PROOF_H
#define AOT_LOOP_PROOF_H

#include <llvm/ADT/APInt.h>
#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

/* Which bounds checks of a loop hold in all iterations, and under which conditions: see aot_loop_versioning.h. */
class LoopProof
{
  public:
    /* term + offset <= bound, 64 bits and unsigned, of what is known ahead of the loop */
    struct Condition {
        const llvm::SCEV *term;
        llvm::APInt offset;
        const llvm::SCEV *bound;

        const llvm::SCEV *sum(llvm::ScalarEvolution &evolution) const
        {
            return evolution.getAddExpr(term, evolution.getConstant(offset));
        }
    };

    struct Check {
        llvm::BranchInst *branch;
        bool traps_on_true;
    };

    LoopProof(llvm::Loop &loop, llvm::DominatorTree &tree, llvm::ScalarEvolution &evolution);

    /* Returns whether there is a check that can be proven. */
    bool find();

    llvm::ArrayRef<Check> checks() const { return proven; }
    llvm::ArrayRef<Condition> conditions() const { return needed; }

    /* Returns the 64-bit recurrence that a zero-extended address is under the conditions, or nothing. */
    const llvm::SCEV *widened(const llvm::SCEV *address) const { return wide.lookup(address); }

  private:
    using Conditions = llvm::SmallVectorImpl<Condition>;

    llvm::Loop &loop;
    llvm::DominatorTree &tree;
    llvm::ScalarEvolution &evolution;
    llvm::Type *i64;
    const llvm::SCEV *count = nullptr;
    llvm::SmallVector<Check, 16> proven;
    llvm::SmallVector<Condition, 16> needed;
    llvm::DenseMap<const llvm::SCEV *, const llvm::SCEV *> wide;

    bool canExpand(const llvm::SCEV *value);
    bool findCount(llvm::ArrayRef<llvm::BasicBlock *> exiting);
    const llvm::SCEV *countToEquality(const llvm::BasicBlock &block, Conditions &made);
    bool prove(const Check &check, Conditions &made);
    const llvm::SCEV *largest(const llvm::SCEV *value, Conditions &made);
    const llvm::SCEV *largestSum(const llvm::SCEVAddExpr &sum, Conditions &made);
    const llvm::SCEV *largestAddress(const llvm::SCEV *address, Conditions &made);
    const llvm::SCEV *largestRecurrence(const llvm::SCEVAddRecExpr &address, Conditions &made);
    const llvm::SCEV *largestUpwards(const llvm::SCEVAddRecExpr &address, Conditions &made);
    const llvm::SCEV *largestDownwards(const llvm::SCEVAddRecExpr &address, Conditions &made);
    bool require(const llvm::SCEV *value, const llvm::SCEV *bound, Conditions &made);
    bool isAtMost(const llvm::SCEV *bound, const llvm::SCEV *other);
    bool implies(const Condition &one, const Condition &other);
    void add(const Condition &condition);
};

#endif
