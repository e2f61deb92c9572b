// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "aot_bound_loads.h"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include "aot_bounds.h"

using namespace llvm;

namespace {

// Returns the base of what a value is loaded from, and its offset; nothing if it is not loaded.
const Value *loadedFrom(const Value *value, APInt &offset)
{
    auto *load = dyn_cast<LoadInst>(value);

    if (!load)
        return nullptr;
    return load->getPointerOperand()->stripAndAccumulateInBoundsConstantOffsets(load->getModule()->getDataLayout(),
                                                                               offset);
}

bool isInstance(const Value *value)
{
    APInt offset(64, 0);
    auto *parameter = dyn_cast_or_null<Argument>(loadedFrom(value, offset));

    return parameter && parameter->getArgNo() == 0 && offset == aot_instance_offset();
}

} // namespace

unsigned boundWidth(const Value *value)
{
    APInt offset(64, 0);
    const Value *base = loadedFrom(value, offset);

    return base && isInstance(base) ? aot_bound_width(offset.getZExtValue()) : 0;
}
