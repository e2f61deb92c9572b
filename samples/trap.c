/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps in the way that its argument names:
 *   oob, oob-write  read or write one byte outside of linear memory
 *   unreachable     the instruction that abort() and failed assertions end in
 *   divide          an integer division by zero
 *   call            a function pointer that points to nothing
 *   recursion       recursion without end
 * Each of them must end the program with a message, and nothing but the program.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Linear memory is never that large here: 3 GiB and a bit. */
static volatile uintptr_t outside = 0xc0000010;
static volatile int zero;
static volatile bool forever = true;

static int recurse(volatile char *above)
{
	volatile char frame[256];

	frame[0] = above ? above[0] : 0;
	return forever ? recurse(frame) + frame[0] : 0;
}

int main(int argc, char *argv[])
{
	const char *how = argc > 1 ? argv[1] : "oob";

	printf("about to trap: %s\n", how);
	/* A trap throws away what stdio still holds. */
	fflush(stdout);

	if (!strcmp(how, "oob"))
		return *(volatile char *)outside;
	if (!strcmp(how, "oob-write"))
		*(volatile char *)outside = 1;
	else if (!strcmp(how, "unreachable"))
		__builtin_trap();
	else if (!strcmp(how, "divide"))
		return 42 / zero;
	else if (!strcmp(how, "call"))
		((void (*)(void))outside)();
	else if (!strcmp(how, "recursion"))
		return recurse(NULL);

	fprintf(stderr, "still here after: %s\n", how);
	return EXIT_FAILURE;
}
