/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef AOT_PARTS_H
#define AOT_PARTS_H

#include "aot_llvm.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A module is compiled in parts: some functions each, which follow each other.
 * Where one begins depends on the module alone, not on how many are compiled
 * at once: no pass looks at two functions, so the code is the same bits on
 * every host. A part is translated and compiled by a child process: there never
 * is more of a module in LLVM's form than the parts that are under way.
 */
typedef struct AOTPart {
    /* Of functions, without the imported ones: the first, the one after the last */
    uint32 first;
    uint32 end;
    /* The object file, 0 before it is made */
    LLVMMemoryBufferRef object;
} AOTPart;

typedef struct AOTParts {
    uint32 count;
    AOTPart parts[1];
} AOTParts;

/*
 * Compiles the parts of a module that were not compiled yet, at most comp_ctx->jobs at once. They are kept in the
 * compile data, so that a module that is compiled again for a few large frames
 * (aot_met_large_frame()) is compiled only where these are.
 *
 * Returns false with the last error set. If a child is ended by a signal, so
 * is this process.
 */
bool
aot_compile_parts(AOTCompContext *comp_ctx);

void
aot_destroy_parts(AOTParts *parts);

#ifdef __cplusplus
}
#endif

#endif
