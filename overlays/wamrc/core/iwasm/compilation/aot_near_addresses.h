// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_NEAR_ADDRESSES_H
#define AOT_NEAR_ADDRESSES_H

#include <llvm/IR/PassManager.h>

/*
 * Computes the address of a field beside each access to it, where it is a pointer and a constant: an instruction of the
 * machine adds that itself.
 *
 * The compiler computes the addresses of the instance's fields once, ahead of a function. LLVM brings an address back to
 * its accesses, but not one of more than 20, and a large function then keeps each in a register, or rather on its stack.
 */
struct NearAddressesPass : llvm::PassInfoMixin<NearAddressesPass> {
    llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

#endif
