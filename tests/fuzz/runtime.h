/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WAMR with the TA's natives, as runtime.c of the TA starts it, but with a heap
 * in which the sanitizer sees every block.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

void runtime_start(void);

#endif /* RUNTIME_H */
