/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other runs at the same time, which hold memory of the TEE.
 */
#ifndef OTHERS_H
#define OTHERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How many other processes are running a program in the TEE; those that wait for
 * memory as well hold none. @pids: room for a list of them in words, or NULL
 */
size_t others_count(char *pids, size_t room);

/* Sleeps a little, known to others as one that waits */
void others_wait(void);

#endif /* OTHERS_H */
