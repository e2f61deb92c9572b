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
    Versioning(Loop &loop, const LoopFacts &facts)
      : loop(loop), facts(facts), evolution(facts.evolution), proof(loop, facts.tree, facts.evolution)
    {}

    bool run();

  private:
    Loop &loop;
    const LoopFacts &facts;
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

    LoopCopy versions(loop, facts);
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
    LoopFacts facts(function, analyses);
    bool changed = false;

    for (Loop *loop : facts.innermost()) {
        changed |= simplifyLoop(loop, &facts.tree, &facts.loops, &facts.evolution, nullptr, nullptr, false);
        changed |= Versioning(*loop, facts).run();
    }
    return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
