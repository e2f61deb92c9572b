// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_known_checks.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/PatternMatch.h>

#include "aot_bound_loads.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace {

// Blocks that are looked at after a check for another one.
constexpr unsigned max_ahead = 16;

// address + end <= size of memory if the branch goes the way `passes`
struct Check {
    BranchInst *branch;
    unsigned passes;
    Value *address;
    uint64_t end;
    Value *bound;
    unsigned width;

    BasicBlock *next() const { return branch->getSuccessor(passes); }
    BasicBlock *failed() const { return branch->getSuccessor(1 - passes); }
};

class KnownChecks
{
  public:
    explicit KnownChecks(DominatorTree &tree) : tree(tree) {}

    bool run();

  private:
    DominatorTree &tree;
    DenseMap<Value *, uint64_t> known;
    SmallVector<std::pair<Value *, uint64_t>, 32> before;
    bool changed = false;

    bool findCheck(BasicBlock &block, Check &check) const;
    uint64_t farthest(const Check &check) const;
    void raise(const Check &check, uint64_t end);
    void enter(BasicBlock &block);
    void leave(size_t count);
};

bool KnownChecks::findCheck(BasicBlock &block, Check &check) const
{
    auto *branch = dyn_cast<BranchInst>(block.getTerminator());
    auto *comparison = branch && branch->isConditional() ? dyn_cast<ICmpInst>(branch->getCondition()) : nullptr;

    if (!comparison || !comparison->getOperand(0)->getType()->isIntegerTy(64)
        || branch->getSuccessor(0) == branch->getSuccessor(1))
        return false;

    Value *value = comparison->getOperand(0), *bound = comparison->getOperand(1);
    ICmpInst::Predicate predicate = comparison->getPredicate();
    if (predicate == ICmpInst::ICMP_ULT || predicate == ICmpInst::ICMP_UGE) {
        std::swap(value, bound);
        predicate = ICmpInst::getSwappedPredicate(predicate);
    }
    if (predicate != ICmpInst::ICMP_UGT && predicate != ICmpInst::ICMP_ULE)
        return false;

    Value *address = nullptr;
    const APInt *added = nullptr;
    uint64_t offset = 0;
    if (match(value, m_Add(m_ZExt(m_Value(address)), m_APInt(added)))) {
        if (added->ugt(UINT32_MAX))
            return false;
        offset = added->getZExtValue();
    }
    else if (!match(value, m_ZExt(m_Value(address)))) {
        return false;
    }
    if (!address->getType()->isIntegerTy() || address->getType()->getIntegerBitWidth() > 32)
        return false;

    // [bound]
    unsigned width = boundWidth(bound);
    if (!width)
        return false;
    check = {branch, predicate == ICmpInst::ICMP_UGT ? 1u : 0u, address, offset + width, bound, width};
    return true;
}

// The largest end of the checks of its address that a check is followed by.
uint64_t KnownChecks::farthest(const Check &check) const
{
    uint64_t end = check.end;
    BasicBlock *block = check.next(), *from = check.branch->getParent();

    if (isa<PHINode>(check.failed()->front()))
        return end;
    // [way] With another way in, a later check would not be known for this one.
    for (unsigned count = 0; count < max_ahead && block->getSinglePredecessor() == from; count++) {
        Check later;

        // [silent]
        if (any_of(*block, [](const Instruction &instruction) { return instruction.mayHaveSideEffects(); }))
            break;
        from = block;
        if (BasicBlock *only = block->getSingleSuccessor()) {
            block = only;
            continue;
        }
        // [same]
        if (!findCheck(*block, later) || later.failed() != check.failed())
            break;
        if (later.address == check.address)
            end = std::max(end, later.end);
        block = later.next();
    }
    return end;
}

void KnownChecks::raise(const Check &check, uint64_t end)
{
    IRBuilder<> builder(check.branch);
    Value *address = builder.CreateZExt(check.address, builder.getInt64Ty());
    Value *value = builder.CreateAdd(address, builder.getInt64(end - check.width), "", true, true);

    check.branch->setCondition(check.passes ? builder.CreateICmpUGT(value, check.bound)
                                            : builder.CreateICmpULE(value, check.bound));
    changed = true;
}

void KnownChecks::enter(BasicBlock &block)
{
    BasicBlock *from = block.getSinglePredecessor();
    Check check;

    // [edge]
    if (from && findCheck(*from, check) && check.next() == &block) {
        uint64_t &end = known[check.address];

        before.push_back({check.address, end});
        // [larger]
        end = std::max(end, check.end);
    }

    if (!findCheck(block, check))
        return;
    if (known.lookup(check.address) >= check.end) {
        check.branch->setCondition(ConstantInt::getBool(block.getContext(), check.passes == 0));
        changed = true;
        return;
    }
    uint64_t end = farthest(check);
    if (end > check.end)
        raise(check, end);
}

void KnownChecks::leave(size_t count)
{
    while (before.size() > count) {
        known[before.back().first] = before.back().second;
        before.pop_back();
    }
}

bool KnownChecks::run()
{
    struct Level {
        DomTreeNode *node;
        DomTreeNode::iterator child;
        size_t before;
    };
    SmallVector<Level, 32> levels;
    auto descend = [&](DomTreeNode *node) {
        levels.push_back({node, node->begin(), before.size()});
        enter(*node->getBlock());
    };

    descend(tree.getRootNode());
    while (!levels.empty()) {
        Level &level = levels.back();

        if (level.child != level.node->end()) {
            descend(*level.child++);
            continue;
        }
        leave(level.before);
        levels.pop_back();
    }
    return changed;
}

} // namespace

PreservedAnalyses KnownChecksPass::run(Function &function, FunctionAnalysisManager &analyses)
{
    auto &tree = analyses.getResult<DominatorTreeAnalysis>(function);

    return KnownChecks(tree).run() ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
