/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef AOT_BOUNDS_H
#define AOT_BOUNDS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where execution environments have their instance, in bytes. */
uint64_t aot_instance_offset(void);

/* Returns the bytes of the accesses that the field of an instance at this offset is the bound of, 0 if it is none. */
unsigned aot_bound_width(uint64_t offset);

#ifdef __cplusplus
}
#endif

#endif
