// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which passes of LLVM, and of our own, a module goes through, and in which order. Functions only: none is
// inlined, none is given up, and none calls another than before, which the check of the stack relies on.
#include "aot_optimize.h"

#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm-c/Core.h>

#include <string>

#include "aot_disjoint_accesses.h"
#include "aot_header_exits.h"
#include "aot_known_checks.h"
#include "aot_loop_versioning.h"
#include "aot_near_addresses.h"
#include "aot_plain_float.h"

using namespace llvm;

namespace {

#if LLVM_VERSION_MAJOR >= 14
#define LOOP_UNSWITCH "simple-loop-unswitch<nontrivial>"
#else
#define LOOP_UNSWITCH "unswitch<nontrivial>"
#endif

constexpr const char quick[] = "sroa,early-cse,simplifycfg";

// instcombine, once: it goes over a function until nothing changes, and the next one finds what is left. Only the last
// one ahead of wasm-plain-float has to leave nothing.
#define COMBINE "wasm-combine"

constexpr const char scalar[] = "sroa,early-cse<memssa>,simplifycfg," COMBINE ",jump-threading,"
                                "correlated-propagation,simplifycfg," COMBINE ",wasm-header-exits,"
                                "loop-mssa(loop-rotate,licm," LOOP_UNSWITCH "),simplifycfg,instcombine,"
                                "loop(indvars,loop-deletion),wasm-known-checks,simplifycfg,gvn,"
                                "wasm-known-checks,simplifycfg,loop-mssa(licm)";

// From here on no pass may propagate a constant into an operand, see aot_plain_float.h.
constexpr const char plain_float[] = ",wasm-plain-float,loop-mssa(licm)";

constexpr const char versions[] = ",wasm-loop-versioning,simplifycfg," COMBINE;

constexpr const char vector[] = ",loop-vectorize,wasm-disjoint-accesses,loop-mssa(licm),slp-vectorizer,"
                                "loop-unroll<O3>," COMBINE ",simplifycfg,loop-mssa(licm),wasm-near-addresses";

// Up to 25 rounds at once, as LLVM would have it, save a hundredth of the instructions, and make a body of a loop too long
// for what a machine remembers of it: the same under QEMU takes up to four times as long.
constexpr const char most_rounds[] = "unroll-max-count", eight[] = "8";

std::string pipelineFor(unsigned level, bool plain_checks)
{
    if (level == 0)
        return quick;
    return std::string(scalar) + plain_float + (plain_checks ? "" : versions) + vector;
}

bool addPass(StringRef name, FunctionPassManager &passes)
{
    if (name == COMBINE)
        passes.addPass(InstCombinePass(1));
    else if (name == "wasm-disjoint-accesses")
        passes.addPass(DisjointAccessesPass());
    else if (name == "wasm-header-exits")
        passes.addPass(HeaderExitsPass());
    else if (name == "wasm-known-checks")
        passes.addPass(KnownChecksPass());
    else if (name == "wasm-near-addresses")
        passes.addPass(NearAddressesPass());
    else if (name == "wasm-plain-float")
        passes.addPass(PlainFloatPass());
    else if (name == "wasm-loop-versioning")
        passes.addPass(LoopVersioningPass());
    else
        return false;
    return true;
}

// What the pass has no parameter for is an option of LLVM's, which is set once in a process.
bool limitUnrolling()
{
    cl::Option *option = cl::getRegisteredOptions().lookup(most_rounds);

    if (!option) {
        errs() << "wamrc: this LLVM has no option " << most_rounds << "\n";
        return false;
    }
    return option->getNumOccurrences() || !option->addOccurrence(1, most_rounds, eight);
}

bool isKept(const Function &function, unsigned first, unsigned end)
{
    unsigned number = 0;

    return !function.getName().split('#').second.getAsInteger(10, number) && first <= number && number < end;
}

} // namespace

void aot_select_quickly(LLVMTargetMachineRef machine_ref)
{
    auto &machine = *reinterpret_cast<TargetMachine *>(machine_ref);

    machine.setGlobalISel(false);
    machine.setFastISel(true);
}

void aot_keep_functions(LLVMModuleRef module_ref, unsigned first, unsigned end)
{
    for (Function &function : *unwrap(module_ref))
        if (!function.isDeclaration() && !isKept(function, first, end))
            function.deleteBody();
}

bool aot_optimize(LLVMModuleRef module_ref, LLVMTargetMachineRef machine, unsigned level, bool plain_checks)
{
    Module &module = *unwrap(module_ref);
    PassBuilder builder(reinterpret_cast<TargetMachine *>(machine));
    LoopAnalysisManager loops;
    FunctionAnalysisManager functions;
    CGSCCAnalysisManager components;
    ModuleAnalysisManager modules;
    FunctionPassManager passes;

    if (!limitUnrolling())
        return false;

    // A loop that clears memory does not become a call of memset: the runtime has no such symbol.
    TargetLibraryInfoImpl library{Triple(module.getTargetTriple())};
    library.disableAllFunctions();
    functions.registerPass([&] { return TargetLibraryAnalysis(library); });
    functions.registerPass([&] { return builder.buildDefaultAAPipeline(); });
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);

    builder.registerPipelineParsingCallback(
        [](StringRef name, FunctionPassManager &to, ArrayRef<PassBuilder::PipelineElement>) {
            return addPass(name, to);
        });
    if (Error error = builder.parsePassPipeline(passes, pipelineFor(level, plain_checks))) {
        errs() << "wamrc: " << toString(std::move(error)) << "\n";
        return false;
    }

    for (Function &function : module) {
        if (function.isDeclaration())
            continue;
        passes.run(function, functions);
        // No pass looks at two functions.
        functions.clear(function, function.getName());
    }
    return true;
}
