// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_DISJOINT_ACCESSES_H
#define AOT_DISJOINT_ACCESSES_H

#include <llvm/IR/PassManager.h>

/*
 * Makes two versions of each loop of one block that accesses one address in all iterations and others beside it: the one
 * it was, and one in which LLVM is told that the others are elsewhere, so that what is at that address stays in a
 * register. Which of them runs is decided ahead of the loop, by where the others begin and end.
 *
 * All memory of a program is one array to LLVM: sum[i] += a[j] could change any a[j]. A C compiler that knows two arrays
 * for two objects has the same from what they are.
 *
 * No check is dropped, and no access goes to another address than before, so that a mistake here is not an escape, but a
 * program that computes what it should not:
 *
 * [whole]  The loop has one block and leaves it one way, so each access is executed count + 1 times, and all addresses
 *          from its first to its last are accessed. Such are below 2^56, and a step is below 2^31, so that nothing wraps.
 * [ends]   From the lower of first and last, to the upper and the bytes of the access.
 * [pairs]  Each address is compared with all accesses beside it, the other addresses among them, unless both are loads
 *          or LLVM knows already that they are apart.
 * [entry]  What is told holds from an entry into the loop to its end. A declaration ahead of it has LLVM keep entries apart
 *          where a loop around it is unrolled.
 */
struct DisjointAccessesPass : llvm::PassInfoMixin<DisjointAccessesPass> {
    llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

#endif
