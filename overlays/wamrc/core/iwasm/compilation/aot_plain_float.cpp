// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_plain_float.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace {

// Phis and selects that are looked through for one operand.
constexpr unsigned max_seen = 32;

bool isPlainConstant(const Constant &constant)
{
    auto *number = dyn_cast<ConstantFP>(&constant);

    return number && number->getValueAPF().isFiniteNonZero() && !number->isExactlyValue(1.0)
           && !number->isExactlyValue(-1.0);
}

bool isComputed(const Value &value)
{
    return isa<LoadInst>(value) || isa<Argument>(value) || isa<CallBase>(value) || isa<BinaryOperator>(value);
}

bool isPlain(const Value *operand)
{
    SmallVector<const Value *, 8> open{operand};
    SmallPtrSet<const Value *, 8> seen;

    while (!open.empty()) {
        const Value *value = open.pop_back_val();

        if (!seen.insert(value).second)
            continue;
        if (seen.size() > max_seen)
            return false;
        if (auto *phi = dyn_cast<PHINode>(value)) {
            append_range(open, phi->incoming_values());
        }
        else if (auto *select = dyn_cast<SelectInst>(value)) {
            open.push_back(select->getTrueValue());
            open.push_back(select->getFalseValue());
        }
        else if (auto *constant = dyn_cast<Constant>(value)) {
            if (!isPlainConstant(*constant))
                return false;
        }
        else if (!isComputed(*value)) {
            return false;
        }
    }
    return true;
}

Value *buildPlain(ConstrainedFPIntrinsic &call)
{
    IRBuilder<> builder(&call);
    Value *left = call.getArgOperand(0);

    switch (call.getIntrinsicID()) {
        case Intrinsic::experimental_constrained_fadd:
            return builder.CreateFAdd(left, call.getArgOperand(1));
        case Intrinsic::experimental_constrained_fsub:
            return builder.CreateFSub(left, call.getArgOperand(1));
        case Intrinsic::experimental_constrained_fmul:
            return builder.CreateFMul(left, call.getArgOperand(1));
        case Intrinsic::experimental_constrained_fdiv:
            return builder.CreateFDiv(left, call.getArgOperand(1));
        case Intrinsic::experimental_constrained_sqrt:
            return builder.CreateUnaryIntrinsic(Intrinsic::sqrt, left);
        default:
            return nullptr;
    }
}

bool mayBePlain(const ConstrainedFPIntrinsic &call)
{
    return isPlain(call.getArgOperand(0)) && (call.isUnaryOp() || isPlain(call.getArgOperand(1)));
}

} // namespace

PreservedAnalyses PlainFloatPass::run(Function &function, FunctionAnalysisManager &)
{
    SmallVector<ConstrainedFPIntrinsic *, 32> calls;
    bool changed = false;

    // Chosen before any is replaced: what is plain already is no reason for the next one.
    for (Instruction &instruction : instructions(function))
        if (auto *call = dyn_cast<ConstrainedFPIntrinsic>(&instruction))
            if (mayBePlain(*call))
                calls.push_back(call);

    for (ConstrainedFPIntrinsic *call : calls)
        if (Value *plain = buildPlain(*call)) {
            call->replaceAllUsesWith(plain);
            call->eraseFromParent();
            changed = true;
        }
    return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
