// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_KNOWN_CHECKS_H
#define AOT_KNOWN_CHECKS_H

#include <llvm/IR/PassManager.h>

/*
 * Drops bounds checks that follow from others: of several fields of a structure only the farthest is checked.
 *
 * A check is a conditional branch on address + offset <= bound, 64 bits and unsigned, where the address is zero-extended
 * from at most 32 bits, the offset a constant of no more, so that the sum does not wrap, and the bound the size of linear
 * memory less the width of the access. That is address + end <= size, where end = offset + width. A mistake here is an
 * escape from the sandbox, so each condition has its argument, and a mutant without it in
 * tests/fuzz/differential/mutants.py:
 *
 * [bound]   A bound is what aot_bound_loads.h says is one: what a program compares itself is no check.
 * [larger]  Of two checks of one address the one with the larger end implies the other: the ends are compared, not the
 *           offsets, as widths may differ.
 * [edge]    A check is known where it has held, which is in what its way on dominates: the block there has no other way
 *           in. In a loop, where the address is another one in each round, so is the check that it dominates. Memory may
 *           grow meanwhile, but never shrinks: what was inside is.
 *
 * Where a check is followed by one of the same address with a larger end, it checks that end itself, and the later one is
 * known. Whoever looks from outside cannot tell:
 *
 * [way]     From the one to the other leads one way, on which only checks end a block.
 * [same]    They fail to the same block, which gets no value from there. That is not always one that throws: LLVM asks
 *           ahead of a loop what does not change in it, and then a round may come before the exception.
 * [silent]  Nothing is stored on that way, and nothing called.
 */
struct KnownChecksPass : llvm::PassInfoMixin<KnownChecksPass> {
    llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

#endif
