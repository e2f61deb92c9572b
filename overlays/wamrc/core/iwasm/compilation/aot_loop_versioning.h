// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_LOOP_VERSIONING_H
#define AOT_LOOP_VERSIONING_H

#include <llvm/IR/PassManager.h>

/*
 * Makes two versions of each innermost loop that has bounds checks: the one it was, and one without the checks that a
 * condition ahead of the loop proves. Which of them runs is decided by that condition, each time the loop is entered.
 * Where it does not hold the loop runs as it was: traps stay exact, in place and in order.
 *
 * A check is a conditional branch out of the loop to what sets an exception, on x <= bound, both 64 bits and unsigned,
 * where x is a constant and one or more 32-bit addresses that are zero-extended. What is to be shown is that x <= bound
 * in every iteration, of which there are at most count + 1. A mistake here is an escape from the sandbox, so each
 * condition has its argument, and a mutant without it in tests/mutants:
 *
 * [count]   The loop has an exit of which SCEV knows how often it is passed at most, which it does of those only that each
 *           iteration passes, or [equal] does; `count` is that, below 2^32. The exit stays in both versions: a check is not asked.
 * [equal]   SCEV has no count for an exit at counter == end where the step is not 1, since the counter may step over the
 *           end. It does not if the distance is a multiple of the step; then it is there for the first time after
 *           distance / step rounds, since before it neither wraps nor is as far. Here it is us who see to it that each
 *           iteration passes the exit (it dominates the latch).
 * [range]   An address {start,+,step} of 32 bits is start + k * step in iteration k, modulo 2^32. With 0 <= start, step,
 *           k < 2^32 the sum is below 2^64 in 64 bits; if the last one, of k = count, is below 2^32, none wraps, and none
 *           is larger.
 *           Where LLVM counts in 64 bits already, from below 2^32 on, nothing wraps in any case.
 * [down]    With a negative constant step the first is the largest, and none wraps if |step| * count <= start.
 * [sum]     Parts of a sum are at most the sum of their maxima, unless that wraps at 64 bits.
 * [bound]   The largest x is compared with the bound, which the loop does not change (it is a load that LICM moved out
 *           of the loop, or a value from before it: nothing in the loop calls what could move memory).
 * [merge]   Of conditions on one term the one with the larger constant implies the other, unless it wraps, if its bound
 *           is the same or never larger: what is inside of memory is below 2^32.
 *
 * In the version without checks the addresses that do not wrap count in 64 bits, which lets LLVM vectorise.
 */
struct LoopVersioningPass : llvm::PassInfoMixin<LoopVersioningPass> {
    llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

#endif
