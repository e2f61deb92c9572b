// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_loop_proof.h"

#include "aot_bound_loads.h"
#include "aot_loop_copy.h"

using namespace llvm;

namespace {

// From a check to what sets the exception there may be blocks that do nothing.
constexpr unsigned max_steps = 4;

bool setsException(const BasicBlock &block)
{
    return any_of(block, [](const Instruction &instruction) {
        auto *call = dyn_cast<CallInst>(&instruction);
        const Function *callee = call ? call->getCalledFunction() : nullptr;

        return callee && callee->getName() == "aot_set_exception_with_id";
    });
}

bool leadsToTrap(const BasicBlock *block)
{
    for (unsigned step = 0; block && step < max_steps; step++, block = block->getSingleSuccessor())
        if (setsException(*block))
            return true;
    return false;
}

// Whether a block of a loop ends in a check, and for which condition that traps.
bool endsInCheck(const Loop &loop, const BasicBlock &block, LoopProof::Check &check)
{
    auto *branch = dyn_cast<BranchInst>(block.getTerminator());

    if (!branch || !branch->isConditional())
        return false;
    auto traps = [&](unsigned way) {
        const BasicBlock *next = branch->getSuccessor(way);
        return !loop.contains(next) && leadsToTrap(next);
    };
    check = {const_cast<BranchInst *>(branch), traps(0)};
    return traps(0) != traps(1);
}

} // namespace

LoopProof::LoopProof(Loop &loop, DominatorTree &tree, ScalarEvolution &evolution)
  : loop(loop), tree(tree), evolution(evolution), i64(Type::getInt64Ty(loop.getHeader()->getContext()))
{}

bool LoopProof::canExpand(const SCEV *value)
{
    return canExpandAhead(loop, value, evolution);
}

bool LoopProof::find()
{
    SmallVector<BasicBlock *, 16> exiting;

    loop.getExitingBlocks(exiting);
    if (!findCount(exiting))
        return false;

    for (BasicBlock *block : exiting) {
        Check check;
        SmallVector<Condition, 4> made;
        auto before = wide;

        if (!endsInCheck(loop, *block, check))
            continue;
        if (!prove(check, made)) {
            wide = std::move(before);
            continue;
        }
        for (const Condition &condition : made)
            add(condition);
        proven.push_back(check);
    }
    return !proven.empty();
}

// [count]
bool LoopProof::findCount(ArrayRef<BasicBlock *> exiting)
{
    for (BasicBlock *block : exiting) {
        Check check;
        SmallVector<Condition, 4> made;

        if (endsInCheck(loop, *block, check))
            continue;
        const SCEV *passed = evolution.getExitCount(&loop, block);
        if (isa<SCEVCouldNotCompute>(passed))
            passed = countToEquality(*block, made);
        if (!passed || evolution.getUnsignedRangeMax(passed).getActiveBits() > 32 || !canExpand(passed))
            continue;
        count = evolution.getTruncateOrZeroExtend(passed, i64);
        needed.assign(made.begin(), made.end());
        if (block == loop.getLoopLatch())
            break;
    }
    return count != nullptr;
}

// [equal]
const SCEV *LoopProof::countToEquality(const BasicBlock &block, Conditions &made)
{
    auto *branch = dyn_cast<BranchInst>(block.getTerminator());
    auto *comparison = branch && branch->isConditional() ? dyn_cast<ICmpInst>(branch->getCondition()) : nullptr;

    if (!comparison || !tree.dominates(&block, loop.getLoopLatch()))
        return nullptr;
    bool leaves_if_true = !loop.contains(branch->getSuccessor(0));
    if (comparison->getPredicate() != (leaves_if_true ? ICmpInst::ICMP_EQ : ICmpInst::ICMP_NE))
        return nullptr;

    const SCEV *end = evolution.getSCEV(comparison->getOperand(1));
    auto *counter = dyn_cast<SCEVAddRecExpr>(evolution.getSCEV(comparison->getOperand(0)));
    if (!counter || counter->getLoop() != &loop || !counter->isAffine() || !evolution.isLoopInvariant(end, &loop))
        return nullptr;
    auto *step = dyn_cast<SCEVConstant>(counter->getStepRecurrence(evolution));
    if (!step)
        return nullptr;

    const SCEV *size = evolution.getConstant(step->getAPInt().abs());
    const SCEV *distance = step->getAPInt().isNegative() ? evolution.getMinusSCEV(counter->getStart(), end)
                                                         : evolution.getMinusSCEV(end, counter->getStart());
    const SCEV *rest = evolution.getNoopOrZeroExtend(evolution.getURemExpr(distance, size), i64);
    if (!require(rest, evolution.getZero(i64), made))
        return nullptr;
    return evolution.getUDivExpr(distance, size);
}

bool LoopProof::prove(const Check &check, Conditions &made)
{
    auto *comparison = dyn_cast<ICmpInst>(check.branch->getCondition());

    if (!comparison || comparison->getOperand(0)->getType() != i64)
        return false;
    auto holds = check.traps_on_true ? comparison->getInversePredicate() : comparison->getPredicate();
    const SCEV *value = evolution.getSCEV(comparison->getOperand(0));
    const SCEV *bound = evolution.getSCEV(comparison->getOperand(1));

    if (holds == ICmpInst::ICMP_UGE || holds == ICmpInst::ICMP_UGT) {
        std::swap(value, bound);
        holds = ICmpInst::getSwappedPredicate(holds);
    }
    if (holds != ICmpInst::ICMP_ULE && holds != ICmpInst::ICMP_ULT)
        return false;
    // [bound]
    if (!evolution.isLoopInvariant(bound, &loop) || !canExpand(bound))
        return false;

    const SCEV *most = largest(value, made);
    if (!most || !canExpand(most))
        return false;
    if (holds == ICmpInst::ICMP_ULT) {
        if (evolution.getUnsignedRangeMax(most).isMaxValue())
            return false;
        most = evolution.getAddExpr(most, evolution.getOne(i64));
    }
    return require(most, bound, made);
}

// The largest that a 64-bit value is in any iteration; nothing if that is not known.
const SCEV *LoopProof::largest(const SCEV *value, Conditions &made)
{
    if (auto *sum = dyn_cast<SCEVAddExpr>(value))
        return largestSum(*sum, made);
    if (auto *extended = dyn_cast<SCEVZeroExtendExpr>(value))
        if (extended->getOperand()->getType()->isIntegerTy(32))
            return largestAddress(extended->getOperand(), made);
    if (auto *recurrence = dyn_cast<SCEVAddRecExpr>(value))
        return largestRecurrence(*recurrence, made);
    return evolution.isLoopInvariant(value, &loop) ? value : nullptr;
}

// [sum]
const SCEV *LoopProof::largestSum(const SCEVAddExpr &sum, Conditions &made)
{
    const SCEV *total = evolution.getZero(i64);
    APInt range(64, 0);

    for (const SCEV *part : sum.operands()) {
        const SCEV *most = largest(part, made);
        bool wraps = false;

        if (!most)
            return nullptr;
        range = range.uadd_ov(evolution.getUnsignedRangeMax(most), wraps);
        if (wraps)
            return nullptr;
        total = evolution.getAddExpr(total, most);
    }
    return total;
}

const SCEV *LoopProof::largestAddress(const SCEV *address, Conditions &made)
{
    if (evolution.isLoopInvariant(address, &loop))
        return evolution.getZeroExtendExpr(address, i64);
    if (auto *recurrence = dyn_cast<SCEVAddRecExpr>(address))
        return largestRecurrence(*recurrence, made);

    // An index that was loaded as a byte, or masked, has a largest value whatever it is.
    APInt range = evolution.getUnsignedRangeMax(address);
    return range.isMaxValue() ? nullptr : evolution.getConstant(range.zext(64));
}

const SCEV *LoopProof::largestRecurrence(const SCEVAddRecExpr &address, Conditions &made)
{
    if (address.getLoop() != &loop || !address.isAffine())
        return nullptr;
    if (evolution.getUnsignedRangeMax(address.getStart()).getActiveBits() > 32)
        return nullptr;
    auto *step = dyn_cast<SCEVConstant>(address.getStepRecurrence(evolution));
    return step && step->getAPInt().isNegative() ? largestDownwards(address, made)
                                                 : largestUpwards(address, made);
}

// [range]
const SCEV *LoopProof::largestUpwards(const SCEVAddRecExpr &address, Conditions &made)
{
    const SCEV *start = evolution.getNoopOrZeroExtend(address.getStart(), i64);
    const SCEV *step = evolution.getNoopOrZeroExtend(address.getStepRecurrence(evolution), i64);
    const SCEV *last = evolution.getAddExpr(start, evolution.getMulExpr(step, count));

    if (evolution.getUnsignedRangeMax(step).getActiveBits() > 32)
        return nullptr;
    if (address.getType() == i64)
        return last;
    if (!require(last, evolution.getConstant(i64, UINT32_MAX), made))
        return nullptr;
    wide[evolution.getZeroExtendExpr(&address, i64)] =
        evolution.getAddRecExpr(start, step, &loop, ScalarEvolution::setFlags(SCEV::FlagNUW, SCEV::FlagNSW));
    return last;
}

// [down]
const SCEV *LoopProof::largestDownwards(const SCEVAddRecExpr &address, Conditions &made)
{
    const SCEV *start = evolution.getNoopOrZeroExtend(address.getStart(), i64);
    const SCEV *step = evolution.getNoopOrSignExtend(address.getStepRecurrence(evolution), i64);
    const SCEV *down = evolution.getMulExpr(evolution.getNegativeSCEV(step), count);

    if (evolution.getUnsignedRangeMax(evolution.getNegativeSCEV(step)).getActiveBits() > 32)
        return nullptr;
    if (!require(down, start, made))
        return nullptr;
    if (address.getType() != i64)
        wide[evolution.getZeroExtendExpr(&address, i64)] =
            evolution.getAddRecExpr(start, step, &loop, SCEV::FlagNSW);
    return start;
}

// Returns false if it can never be.
bool LoopProof::require(const SCEV *value, const SCEV *bound, Conditions &made)
{
    APInt offset(64, 0);

    if (evolution.getUnsignedRangeMax(value).ule(evolution.getUnsignedRangeMin(bound)))
        return true;
    if (evolution.getUnsignedRangeMin(value).ugt(evolution.getUnsignedRangeMax(bound)))
        return false;
    if (!canExpand(value))
        return false;

    if (auto *sum = dyn_cast<SCEVAddExpr>(value))
        if (auto *constant = dyn_cast<SCEVConstant>(sum->getOperand(0)))
            if (constant->getAPInt().ule(UINT32_MAX)) {
                offset = constant->getAPInt();
                value = evolution.getMinusSCEV(value, constant);
            }
    made.push_back({value, offset, bound});
    return true;
}

// [merge]
bool LoopProof::isAtMost(const SCEV *bound, const SCEV *other)
{
    auto *value = dyn_cast<SCEVUnknown>(bound);

    if (bound == other)
        return true;
    if (value && boundWidth(value->getValue()))
        return evolution.getUnsignedRangeMin(other).uge(UINT32_MAX);
    return evolution.getUnsignedRangeMax(bound).ule(evolution.getUnsignedRangeMin(other));
}

bool LoopProof::implies(const Condition &one, const Condition &other)
{
    bool wraps = false;

    if (one.term != other.term || one.offset.ult(other.offset) || !isAtMost(one.bound, other.bound))
        return false;
    (void)evolution.getUnsignedRangeMax(one.term).uadd_ov(one.offset, wraps);
    return !wraps || one.offset == other.offset;
}

void LoopProof::add(const Condition &condition)
{
    if (any_of(needed, [&](const Condition &other) { return implies(other, condition); }))
        return;
    erase_if(needed, [&](const Condition &other) { return implies(condition, other); });
    needed.push_back(condition);
}
