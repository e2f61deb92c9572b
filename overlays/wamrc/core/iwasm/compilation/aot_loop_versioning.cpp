// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_loop_versioning.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include "aot_loop_copy.h"
#include "aot_loop_proof.h"

using namespace llvm;

namespace {

// A larger loop gains little, and is made twice.
constexpr unsigned max_blocks = 200;

class Versioning
{
  public:
    Versioning(Loop &loop, LoopInfo &loops, DominatorTree &tree, ScalarEvolution &evolution)
      : loop(loop), loops(loops), tree(tree), evolution(evolution), proof(loop, tree, evolution)
    {}

    bool run();

  private:
    Loop &loop;
    LoopInfo &loops;
    DominatorTree &tree;
    ScalarEvolution &evolution;
    LoopProof proof;

    Value *expandConditions(Instruction &at);
    void widenAddresses();
    void dropChecks();
};

Value *Versioning::expandConditions(Instruction &at)
{
    SCEVExpander expander(evolution, at.getModule()->getDataLayout(), "versioning");
    IRBuilder<> builder(&at);
    Type *type = builder.getInt64Ty();
    Value *all = builder.getTrue();

    for (const LoopProof::Condition &condition : proof.conditions()) {
        Value *least = expander.expandCodeFor(condition.sum(evolution), type, &at);
        Value *bound = expander.expandCodeFor(condition.bound, type, &at);

        builder.SetInsertPoint(&at);
        all = builder.CreateAnd(all, builder.CreateICmpULE(least, bound));
    }
    return all;
}

MDNode *leaveAlone(LLVMContext &context)
{
    auto *no = ConstantAsMetadata::get(ConstantInt::getFalse(context));
    MDNode *id = MDNode::getDistinct(
        context, {nullptr, MDNode::get(context, MDString::get(context, "llvm.loop.unroll.disable")),
                  MDNode::get(context, {MDString::get(context, "llvm.loop.vectorize.enable"), no})});

    id->replaceOperandWith(0, id);
    return id;
}

void Versioning::widenAddresses()
{
    SmallVector<std::pair<Instruction *, const SCEV *>, 16> narrow;

    for (BasicBlock *block : loop.blocks())
        for (Instruction &instruction : *block)
            if (isa<ZExtInst>(instruction))
                if (const SCEV *wide = proof.widened(evolution.getSCEV(&instruction)))
                    narrow.push_back({&instruction, wide});

    evolution.forgetLoop(&loop);
    SCEVExpander expander(evolution, loop.getHeader()->getModule()->getDataLayout(), "wide");
    for (const auto &pair : narrow) {
        Instruction *address = pair.first;

        address->replaceAllUsesWith(expander.expandCodeFor(pair.second, address->getType(), address));
    }
}

void Versioning::dropChecks()
{
    for (const LoopProof::Check &check : proof.checks())
        check.branch->setCondition(
            ConstantInt::getBool(check.branch->getContext(), !check.traps_on_true));
}

bool Versioning::run()
{
    if (!loop.isLoopSimplifyForm() || loop.getNumBlocks() > max_blocks || !proof.find())
        return false;

    LoopCopy versions(loop, loops, tree, evolution);
    Value *proven = expandConditions(*versions.split());
    versions.copy(*proven, ".checked")->setLoopID(leaveAlone(proven->getContext()));
    widenAddresses();
    dropChecks();
    evolution.forgetLoop(&loop);
    return true;
}

} // namespace

PreservedAnalyses LoopVersioningPass::run(Function &function, FunctionAnalysisManager &analyses)
{
    auto &loops = analyses.getResult<LoopAnalysis>(function);
    auto &tree = analyses.getResult<DominatorTreeAnalysis>(function);
    auto &evolution = analyses.getResult<ScalarEvolutionAnalysis>(function);
    SmallVector<Loop *, 16> innermost;
    bool changed = false;

    for (Loop *loop : loops.getLoopsInPreorder())
        if (loop->isInnermost())
            innermost.push_back(loop);
    for (Loop *loop : innermost) {
        changed |= simplifyLoop(loop, &tree, &loops, &evolution, nullptr, nullptr, false);
        changed |= Versioning(*loop, loops, tree, evolution).run();
    }
    return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
