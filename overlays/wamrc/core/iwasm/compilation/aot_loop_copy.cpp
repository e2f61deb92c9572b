// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_loop_copy.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

using namespace llvm;

namespace {

// Lets the exits know what comes from the copy of the loop.
void addToExits(Loop &loop, const ValueToValueMapTy &copies, ScalarEvolution &evolution)
{
    SmallVector<BasicBlock *, 8> exits;

    loop.getUniqueExitBlocks(exits);
    for (BasicBlock *exit : exits)
        for (PHINode &phi : exit->phis()) {
            for (unsigned i = 0, count = phi.getNumIncomingValues(); i < count; i++) {
                if (!loop.contains(phi.getIncomingBlock(i)))
                    continue;
                Value *value = phi.getIncomingValue(i);
                Value *copy = copies.lookup(value);

                phi.addIncoming(copy ? copy : value, cast<BasicBlock>(copies.lookup(phi.getIncomingBlock(i))));
            }
            evolution.forgetValue(&phi);
        }
}

// What only the loop led to is led to by its copy as well: by what is before both.
void raiseDominators(Loop &loop, BasicBlock &before, DominatorTree &tree)
{
    SmallVector<DomTreeNode *, 8> raised;

    for (BasicBlock *block : loop.blocks())
        for (DomTreeNode *child : *tree.getNode(block))
            if (!loop.contains(child->getBlock()))
                raised.push_back(child);
    for (DomTreeNode *child : raised)
        tree.changeImmediateDominator(child, tree.getNode(&before));
}

} // namespace

LoopFacts::LoopFacts(Function &function, FunctionAnalysisManager &analyses)
  : loops(analyses.getResult<LoopAnalysis>(function)), tree(analyses.getResult<DominatorTreeAnalysis>(function)),
    evolution(analyses.getResult<ScalarEvolutionAnalysis>(function))
{}

SmallVector<Loop *, 16> LoopFacts::innermost() const
{
    SmallVector<Loop *, 16> found;

    for (Loop *loop : loops.getLoopsInPreorder())
        if (loop->isInnermost())
            found.push_back(loop);
    return found;
}

Instruction *LoopCopy::split()
{
    formLCSSA(loop, facts.tree, &facts.loops, &facts.evolution);
    before = loop.getLoopPreheader();
    own = SplitBlock(before, before->getTerminator(), &facts.tree, &facts.loops);
    return before->getTerminator();
}

Loop *LoopCopy::copy(Value &decision, StringRef suffix)
{
    ValueToValueMapTy copies;
    SmallVector<BasicBlock *, 16> blocks;
    SmallVector<BasicBlock *, 8> exits;

    loop.getUniqueExitBlocks(exits);
    Loop *copy =
        cloneLoopWithPreheader(exits.front(), before, &loop, copies, suffix, &facts.loops, &facts.tree, blocks);
    remapInstructionsInBlocks(blocks, copies);
    addToExits(loop, copies, facts.evolution);
    raiseDominators(loop, *before, facts.tree);

    Instruction *old = before->getTerminator();
    BranchInst::Create(own, copy->getLoopPreheader(), &decision, old);
    old->eraseFromParent();
    return copy;
}

bool canExpandAhead(const Loop &loop, const SCEV *value, ScalarEvolution &evolution)
{
#if LLVM_VERSION_MAJOR >= 15
    return SCEVExpander(evolution, loop.getHeader()->getModule()->getDataLayout(), "ahead").isSafeToExpand(value);
#else
    (void)loop;
    return isSafeToExpand(value, evolution);
#endif
}
