/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzzer can set of the TEE that shim.c, storage.c and poison.c make up.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that tee_map_zi() still gives */
extern size_t shim_budget;
/* The TEE's clock in seconds, and what the normal world says the time is */
extern uint32_t shim_seconds;
extern uint32_t shim_ree_seconds;
/* The other world's turn, while the TA waits */
extern void (*shim_host)(void);

/* Which call from now on fails, once; 0: none */
extern uint32_t storage_fail;
extern uint32_t pool_fail;

/* Empties secure storage. Nothing may be open */
void storage_reset(void);
/* An object that is there from the beginning */
void storage_add(const char *id, const void *data, size_t size);
bool storage_is_closed(void);

#endif /* SHIM_H */
