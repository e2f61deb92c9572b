// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_disjoint_accesses.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/MemoryLocation.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include "aot_loop_copy.h"

using namespace llvm;

namespace {

// What is decided ahead of a loop takes some instructions each: worth it in none that is short.
constexpr unsigned max_pairs = 8;
constexpr unsigned min_rounds = 8;

// Bytes that are accessed in the course of the loop: from `first` on, and up to `end`.
struct Place {
    const SCEV *first;
    const SCEV *end;
    bool stored;
    MemoryLocation location;
    SmallVector<Instruction *, 4> accesses;
};

class DisjointAccesses
{
  public:
    DisjointAccesses(Loop &loop, const LoopFacts &facts, AAResults &aliases)
      : loop(loop), facts(facts), evolution(facts.evolution), aliases(aliases),
        i64(Type::getInt64Ty(loop.getHeader()->getContext()))
    {}

    bool run();

  private:
    Loop &loop;
    const LoopFacts &facts;
    ScalarEvolution &evolution;
    AAResults &aliases;
    Type *i64;
    const SCEV *count = nullptr;
    SmallVector<Place, 4> fixed;
    SmallVector<Place, 8> moving;
    SmallVector<std::pair<const Place *, const Place *>, max_pairs> pairs;
    bool known = false;

    bool isWorthIt();
    bool findPlaces();
    bool addAccess(Instruction &access);
    bool findPairs();
    bool addPair(const Place &one, const Place &other);
    Value *expandConditions(Instruction &at);
    void tell();
};

bool DisjointAccesses::isWorthIt()
{
    // The copy of a loop with all its checks is hardly ever entered, and of what a vector leaves there are few rounds.
    if (loop.getNumBlocks() != 1 || !loop.isLoopSimplifyForm()
        || getBooleanLoopAttribute(&loop, "llvm.loop.isvectorized")
        || getBooleanLoopAttribute(&loop, "llvm.loop.unroll.disable"))
        return false;
    unsigned rounds = evolution.getSmallConstantTripCount(&loop);
    return !rounds || rounds >= min_rounds;
}

bool DisjointAccesses::findPlaces()
{
    // [whole]
    count = evolution.getBackedgeTakenCount(&loop);
    if (isa<SCEVCouldNotCompute>(count) || evolution.getUnsignedRangeMax(count).getActiveBits() > 32
        || !canExpandAhead(loop, count, evolution))
        return false;
    count = evolution.getTruncateOrZeroExtend(count, i64);

    for (Instruction &instruction : *loop.getHeader()) {
        auto *call = dyn_cast<CallBase>(&instruction);

        if (!instruction.mayReadOrWriteMemory() || (call && call->onlyAccessesInaccessibleMemory()))
            continue;
        if (!addAccess(instruction))
            return false;
    }
    return !fixed.empty();
}

bool DisjointAccesses::addAccess(Instruction &access)
{
    auto *load = dyn_cast<LoadInst>(&access);
    auto *store = dyn_cast<StoreInst>(&access);

    if (!(load && load->isSimple()) && !(store && store->isSimple()))
        return false;

    Type *type = load ? load->getType() : store->getValueOperand()->getType();
    uint64_t size = loop.getHeader()->getModule()->getDataLayout().getTypeStoreSize(type);
    const SCEV *pointer = evolution.getSCEV(getLoadStorePointerOperand(&access));
    const SCEV *address = evolution.getPtrToIntExpr(pointer, i64);
    MemoryLocation location = MemoryLocation::get(&access).getWithNewSize(LocationSize::beforeOrAfterPointer());

    if (evolution.isLoopInvariant(address, &loop)) {
        const SCEV *end = evolution.getAddExpr(address, evolution.getConstant(i64, size));

        for (Place &place : fixed)
            if (place.first == address && place.end == end) {
                place.stored |= store != nullptr;
                place.accesses.push_back(&access);
                return true;
            }
        if (!canExpandAhead(loop, address, evolution))
            return false;
        fixed.push_back({address, end, store != nullptr, location, {&access}});
        return true;
    }

    auto *recurrence = dyn_cast<SCEVAddRecExpr>(address);
    if (!recurrence || recurrence->getLoop() != &loop || !recurrence->isAffine())
        return false;
    auto *step = dyn_cast<SCEVConstant>(recurrence->getStepRecurrence(evolution));
    // [whole]
    if (!step || !step->getAPInt().isSignedIntN(32))
        return false;

    // [ends]
    const SCEV *first = recurrence->getStart();
    const SCEV *last = evolution.getAddExpr(first, evolution.getMulExpr(step, count));
    if (step->getAPInt().isNegative())
        std::swap(first, last);
    if (!canExpandAhead(loop, first, evolution))
        return false;
    moving.push_back({first, evolution.getAddExpr(last, evolution.getConstant(i64, size)), store != nullptr, location,
                      {&access}});
    return true;
}

// [pairs]
bool DisjointAccesses::findPairs()
{
    for (size_t i = 0; i < fixed.size(); i++) {
        for (size_t j = i + 1; j < fixed.size(); j++)
            if (!addPair(fixed[i], fixed[j]))
                return false;
        for (const Place &place : moving)
            if (!addPair(fixed[i], place))
                return false;
    }
    return known || !pairs.empty();
}

// Returns false if there are too many, or if it is known that both have bytes in common. No condition is needed for what
// is known to be apart.
bool DisjointAccesses::addPair(const Place &one, const Place &other)
{
    if ((!one.stored && !other.stored) || aliases.isNoAlias(one.location, other.location))
        return true;

    auto before = [&](const SCEV *end, const SCEV *first) {
        auto *gap = dyn_cast<SCEVConstant>(evolution.getMinusSCEV(first, end));
        return gap && !gap->getAPInt().isNegative();
    };
    auto after = [&](const SCEV *end, const SCEV *first) {
        auto *gap = dyn_cast<SCEVConstant>(evolution.getMinusSCEV(first, end));
        return gap && gap->getAPInt().isNegative();
    };
    if (before(one.end, other.first) || before(other.end, one.first)) {
        known = true;
        return true;
    }
    if (after(one.end, other.first) && after(other.end, one.first))
        return false;
    pairs.push_back({&one, &other});
    return pairs.size() <= max_pairs;
}

Value *DisjointAccesses::expandConditions(Instruction &at)
{
    SCEVExpander expander(evolution, at.getModule()->getDataLayout(), "disjoint");
    IRBuilder<> builder(&at);
    Value *all = builder.getTrue();
    auto isBefore = [&](const SCEV *end, const SCEV *first) {
        Value *left = expander.expandCodeFor(end, i64, &at), *right = expander.expandCodeFor(first, i64, &at);

        builder.SetInsertPoint(&at);
        return builder.CreateICmpULE(left, right);
    };

    for (const auto &pair : pairs) {
        Value *below = isBefore(pair.first->end, pair.second->first);
        Value *above = isBefore(pair.second->end, pair.first->first);

        all = builder.CreateAnd(all, builder.CreateOr(below, above));
    }
    return all;
}

void add(Instruction &access, unsigned kind, ArrayRef<Metadata *> scopes)
{
    MDNode *more = MDNode::get(access.getContext(), scopes);

    access.setMetadata(kind, MDNode::concatenate(access.getMetadata(kind), more));
}

void DisjointAccesses::tell()
{
    MDBuilder builder(loop.getHeader()->getContext());
    MDNode *domain = builder.createAnonymousAliasScopeDomain();
    SmallVector<Metadata *, 4> scopes;

    // [entry]
    IRBuilder<> ahead(loop.getLoopPreheader()->getTerminator());
    for (size_t i = 0; i < fixed.size(); i++) {
        scopes.push_back(builder.createAnonymousAliasScope(domain));
        ahead.CreateNoAliasScopeDeclaration(MDNode::get(ahead.getContext(), scopes.back()));
    }
    for (size_t i = 0; i < fixed.size(); i++) {
        SmallVector<Metadata *, 4> others(scopes);

        others.erase(others.begin() + i);
        for (Instruction *access : fixed[i].accesses) {
            add(*access, LLVMContext::MD_alias_scope, scopes[i]);
            if (!others.empty())
                add(*access, LLVMContext::MD_noalias, others);
        }
    }
    for (const Place &place : moving)
        for (Instruction *access : place.accesses)
            add(*access, LLVMContext::MD_noalias, scopes);
}

bool DisjointAccesses::run()
{
    if (!isWorthIt() || !findPlaces() || !findPairs())
        return false;

    if (!pairs.empty()) {
        LoopCopy versions(loop, facts);
        Value *disjoint = expandConditions(*versions.split());

        versions.copy(*disjoint, ".shared");
    }
    tell();
    evolution.forgetLoop(&loop);
    return true;
}

} // namespace

PreservedAnalyses DisjointAccessesPass::run(Function &function, FunctionAnalysisManager &analyses)
{
    LoopFacts facts(function, analyses);
    auto &aliases = analyses.getResult<AAManager>(function);
    bool changed = false;

    for (Loop *loop : facts.innermost())
        changed |= DisjointAccesses(*loop, facts, aliases).run();
    return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
