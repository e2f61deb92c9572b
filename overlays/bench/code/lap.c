// SPDX-License-Identifier: Apache-2.0
/*
 * A TA's clock goes on by a millisecond at once. So a lap begins where it just
 * did, and at the end it is asked until it does again: how often, over how often
 * in a whole millisecond, is the part of it that is too much. The same serves a
 * clock of nanoseconds, where hardly anything is too much.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "lap.h"

/* Some, because any of them may be interrupted */
#define TICKS_WATCHED	4

static int64_t began;
static int64_t nanoseconds;
/* How long a tick of the clock is, and how often it can be asked meanwhile */
static int64_t tick;
static int64_t asked_in_tick;

static int64_t now(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Asks the clock until it goes on from @then; returns how often it did not */
static int64_t next(int64_t then, int64_t *time)
{
	int64_t asked = 0;

	while ((*time = now()) == then)
		asked++;
	return asked;
}

void lap_begin(void)
{
	int n = 0;

	tick = INT64_MAX;
	asked_in_tick = 0;
	next(now(), &began);
	for (n = 0; n < TICKS_WATCHED; n++) {
		int64_t before = began;
		int64_t asked = next(before, &began) + 1;

		if (asked > asked_in_tick)
			asked_in_tick = asked;
		if (began - before < tick)
			tick = began - before;
	}
}

void lap_end(void)
{
	int64_t ended = now();
	int64_t after = 0;
	int64_t asked = next(ended, &after) + 1;

	if (asked > asked_in_tick)
		asked = asked_in_tick;
	/* One more: half of it after the clock was read first, half before now */
	asked++;
	nanoseconds = after - began - tick * asked / asked_in_tick;
	/* Nothing is shorter than what can be told apart */
	if (nanoseconds < tick / asked_in_tick)
		nanoseconds = tick / asked_in_tick;
}

long long lap_nanoseconds(void)
{
	return nanoseconds;
}

void lap_print(void)
{
	printf("lap %lld\n", lap_nanoseconds());
}
