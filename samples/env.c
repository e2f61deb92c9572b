/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the world gives to a program: arguments, environment, clocks, randomness. Says what is there; its status
 * tells whether what every program may count on is.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static bool show_clock(const char *name, clockid_t clock, struct timespec *now)
{
	if (clock_gettime(clock, now)) {
		printf("%s: %s\n", name, strerror(errno));
		return false;
	}
	printf("%s: %lld.%09ld s\n", name, (long long)now->tv_sec, now->tv_nsec);
	return true;
}

static bool clocks_work(void)
{
	struct timespec real = { 0 }, before = { 0 }, after = { 0 };

	if (!show_clock("realtime", CLOCK_REALTIME, &real) ||
	    !show_clock("monotonic", CLOCK_MONOTONIC, &before) ||
	    !show_clock("monotonic", CLOCK_MONOTONIC, &after))
		return false;
	return after.tv_sec > before.tv_sec ||
	       (after.tv_sec == before.tv_sec && after.tv_nsec >= before.tv_nsec);
}

static bool random_works(void)
{
	uint8_t bytes[32] = { 0 };
	unsigned int set = 0;

	if (getentropy(bytes, sizeof(bytes))) {
		printf("random: %s\n", strerror(errno));
		return false;
	}
	printf("random:");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		printf(" %02x", bytes[i]);
		set += (unsigned int)__builtin_popcount(bytes[i]);
	}
	printf("\n");
	/* 256 fair bits are outside of this once in 10^14 times. */
	return set > 64 && set < 192;
}

int main(int argc, char *argv[])
{
	bool fine = true;

	for (int i = 0; i < argc; i++)
		printf("argv[%d]: %s\n", i, argv[i]);
	for (char **variable = environ; variable && *variable; variable++)
		printf("environ: %s\n", *variable);
	fine &= clocks_work();
	fine &= random_works();
	printf("%s\n", fine ? "all right" : "something is missing");
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
