// SPDX-License-Identifier: Apache-2.0
/*
 * What PolyBench's kernels want of utilities/polybench.c: arrays, and a lap of
 * the kernel. (That one wants more of the C library than WASI has.) The
 * argument is how often it runs, 1 if there is none: QEMU translates code when it
 * is first run. A short one runs more often: of an interrupt in the TEE it takes
 * as long. With `dump` the arrays that it computed are printed on stderr.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lap.h"
#include "polybench.h"

/* The kernel's own main() has this name, so that it can be called from here */
#undef main
int kernel_main(int argc, char *argv[]);

/* With fewer arguments, or a name, POLYBENCH_DCE_ONLY_CODE prints nothing */
#define ARGUMENTS_TO_DUMP	43

#define ALIGNMENT	4096
#define BUFFER_SIZE	65536

/* In nanoseconds; with an interrupt in it, a lap this long is hardly longer */
#define LONG_LAP	1000000
#define SHORT_LAPS	30

void *polybench_alloc_data(unsigned long long count, int size)
{
	void *data = NULL;

	if (posix_memalign(&data, ALIGNMENT, count * size)) {
		fputs("no memory for an array\n", stderr);
		exit(1);
	}
	return data;
}

void polybench_free_data(void *data)
{
	free(data);
}

void polybench_timer_start(void)
{
	lap_begin();
}

void polybench_timer_stop(void)
{
	lap_end();
}

void polybench_timer_print(void)
{
	lap_print();
}

int main(int argc, char *argv[])
{
	static char buffer[BUFFER_SIZE];
	char *names[] = { "", NULL };
	bool dumps = argc > 1 && !strcmp(argv[1], "dump");
	int runs = argc > 1 && !dumps ? atoi(argv[1]) : 1;
	int n = 0;

	/* They are printed number by number */
	setvbuf(stderr, buffer, _IOFBF, sizeof(buffer));
	do {
		kernel_main(dumps ? ARGUMENTS_TO_DUMP : 1, names);
		n++;
	} while (n < runs || (runs > 1 && n < SHORT_LAPS && lap_nanoseconds() < LONG_LAP));
	return 0;
}
