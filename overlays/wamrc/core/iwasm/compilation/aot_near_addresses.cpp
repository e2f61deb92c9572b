// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_near_addresses.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace {

bool isConstantStep(const Value *value)
{
    auto *step = dyn_cast<GetElementPtrInst>(value);

    return isa<BitCastInst>(value) || (step && step->hasAllConstantIndices());
}

// What leads from a pointer to an address, the last step first.
SmallVector<Instruction *, 4> stepsTo(Value *address)
{
    SmallVector<Instruction *, 4> steps;

    while (isConstantStep(address)) {
        steps.push_back(cast<Instruction>(address));
        address = steps.back()->getOperand(0);
    }
    return steps;
}

bool bringNear(Instruction &access, unsigned operand)
{
    SmallVector<Instruction *, 4> steps = stepsTo(access.getOperand(operand));
    Instruction *user = &access;

    if (steps.empty() || all_of(steps, [&](Instruction *step) { return step->getParent() == access.getParent(); }))
        return false;
    for (Instruction *step : steps) {
        Instruction *copy = step->clone();

        copy->insertBefore(user);
        user->setOperand(user == &access ? operand : 0, copy);
        user = copy;
    }
    return true;
}

} // namespace

PreservedAnalyses NearAddressesPass::run(Function &function, FunctionAnalysisManager &)
{
    SmallVector<Instruction *, 64> accesses;
    bool changed = false;

    for (Instruction &instruction : instructions(function))
        if (isa<LoadInst>(instruction) || isa<StoreInst>(instruction))
            accesses.push_back(&instruction);
    for (Instruction *access : accesses)
        changed |= bringNear(*access, isa<LoadInst>(access) ? LoadInst::getPointerOperandIndex()
                                                             : StoreInst::getPointerOperandIndex());
    return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
