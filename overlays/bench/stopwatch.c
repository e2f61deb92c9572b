// SPDX-License-Identifier: Apache-2.0
/*
 * stopwatch: how long a program takes, from before it is started to after it
 * has ended, as a shell would see it.
 *
 *	stopwatch <times> <program> [args...]
 *
 * Prints the milliseconds of each run on a line of its own. The program's
 * output is thrown away. Ends with 1 as soon as the program does not end with 0.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int main(int argc, char *argv[])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int times = argc > 2 ? atoi(argv[1]) : 0;
	int n = 0;

	if (times < 1 || null < 0) {
		fputs("usage: stopwatch <times> <program> [args...]\n", stderr);
		return EXIT_FAILURE;
	}

	for (n = 0; n < times; n++) {
		double begin = now_ms();
		int status = 0;
		pid_t child = vfork();

		if (!child) {
			dup2(null, STDIN_FILENO);
			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
			execvp(argv[2], &argv[2]);
			_exit(127);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0 || status) {
			fprintf(stderr, "%s: wait status %#x\n", argv[2],
				status);
			return EXIT_FAILURE;
		}
		printf("%.3f\n", now_ms() - begin);
	}

	return EXIT_SUCCESS;
}
