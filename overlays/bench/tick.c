// SPDX-License-Identifier: Apache-2.0
/*
 * Interrupts what runs beside it on a CPU that Linux leaves alone, twenty times
 * a second. QEMU's TLB becomes larger when it is flushed, and nothing else does
 * that there: a program with more pages than it has places for would be many
 * times as slow, natively as in the TEE, all the time that it runs.
 */
#include <time.h>

int main(void)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

	for (;;)
		nanosleep(&pause, NULL);
}
