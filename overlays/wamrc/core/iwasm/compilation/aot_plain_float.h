// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef AOT_PLAIN_FLOAT_H
#define AOT_PLAIN_FLOAT_H

#include <llvm/IR/PassManager.h>

/*
 * Makes LLVM's plain operations of constrained ones (experimental.constrained), which neither move nor vectorise.
 *
 * WebAssembly wants of +, -, *, / and sqrt that a NaN in the result is quiet, and leaves its sign and, where an operand
 * has another payload than the canonical one, its payload open. LLVM's plain operations do as the machine does, which is
 * that; but LLVM folds x * 1, x / 1, x - 0 and x + -0 into x, x * -1 and -0 - x into -x: a signalling NaN would stay one.
 * All of these need an operand that is a constant, one of 0, 1 and -1. So an operation stays constrained unless
 *
 * - each operand is a load, an argument, the result of a call or of another operation: none of these turns into a
 *   constant, since the passes that could find out (GVN, SCCP, jump threading, unrolling as a whole) ran before, and
 *   those that follow do not propagate constants; or a constant other than 0, 1, -1, an infinity and a NaN;
 * - the same holds for all that comes together in an operand that is a phi or a select, since InstSimplify looks
 *   through both.
 *
 * Conversions between f32 and f64 stay constrained: LLVM folds one after the other into nothing.
 */
struct PlainFloatPass : llvm::PassInfoMixin<PlainFloatPass> {
    llvm::PreservedAnalyses run(llvm::Function &function, llvm::FunctionAnalysisManager &analyses);
};

#endif
