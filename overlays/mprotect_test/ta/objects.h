/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a seal leaves of persistent objects: results for enum mprotect_test_seal
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <stdint.h>

/* How many attempts at objects, ours and others', ended as they must not */
uint32_t seal_objects(void);

/* What sealing came to: with another one open; for others; a long prefix */
uint32_t seal_with_object(void);
uint32_t seal_for_more(void);
uint32_t seal_for_too_long(void);

/* Removes what the above left behind */
uint32_t delete_objects(void);

#endif /* OBJECTS_H */
