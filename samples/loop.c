/* SPDX-License-Identifier: Apache-2.0 */
/* Computes for ever, or until it is ended from outside; says so first. */
#include <stdio.h>

int main(void)
{
	volatile unsigned long steps = 0;

	puts("looping until somebody ends it");
	fflush(stdout);
	for (;;)
		steps++;
}
