// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_header_exits.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace {

// Fewer are split in no time.
constexpr unsigned many = 8;

} // namespace

PreservedAnalyses HeaderExitsPass::run(Function &function, FunctionAnalysisManager &analyses)
{
    LoopInfo &loops = analyses.getResult<LoopAnalysis>(function);
    DominatorTree &tree = analyses.getResult<DominatorTreeAnalysis>(function);
    bool changed = false;

    for (Loop *loop : loops.getLoopsInPreorder()) {
        auto *branch = dyn_cast<BranchInst>(loop->getHeader()->getTerminator());

        if (!branch || branch->isUnconditional())
            continue;
        for (unsigned way = 0; way < 2; way++)
            if (!loop->contains(branch->getSuccessor(way)) && branch->getSuccessor(way)->hasNPredecessorsOrMore(many))
                changed |= SplitCriticalEdge(branch, way, CriticalEdgeSplittingOptions(&tree, &loops)) != nullptr;
    }

    if (!changed)
        return PreservedAnalyses::all();

    PreservedAnalyses preserved;

    preserved.preserve<LoopAnalysis>();
    preserved.preserve<DominatorTreeAnalysis>();
    return preserved;
}
