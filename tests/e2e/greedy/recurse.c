/* SPDX-License-Identifier: Apache-2.0 */
/* Calls itself for ever, with nothing on the stack of its linear memory. */
#include <stdio.h>

__attribute__((noinline)) static int deeper(volatile int *depth)
{
	return ++*depth && deeper(depth) + 1;
}

int main(void)
{
	volatile int depth = 0;

	printf("%d\n", deeper(&depth));
	return 0;
}
