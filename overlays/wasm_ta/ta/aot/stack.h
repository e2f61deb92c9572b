/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another stack than the TA's own.
 */
#ifndef STACK_H
#define STACK_H

/*
 * stack_call() - call @function(@argument) on the stack that ends at @top
 *
 * @top is aligned to 16 bytes. longjmp() may leave it.
 */
void stack_call(void (*function)(void *argument), void *argument, void *top);

#endif /* STACK_H */
