// SPDX-License-Identifier: Apache-2.0
/*
 * A module with a main() and with functions to call by name: see host.c.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(name)))

static int64_t calls;

int main(void)
{
	puts("Hello from a module that stays loaded!");
	return calls;
}

EXPORT("add") int32_t add(int32_t a, int32_t b)
{
	return a + b;
}

EXPORT("mix") double mix(int64_t a, float b, double c)
{
	return a + b * c;
}

/* What it counts in is the memory that the calls share */
EXPORT("count") int64_t count(void)
{
	return ++calls;
}

EXPORT("greet") void greet(int32_t number)
{
	printf("greeting %d\n", number);
	fflush(stdout);
}

EXPORT("fail") void fail(void)
{
	__builtin_trap();
}

EXPORT("leave") void leave(int32_t status)
{
	exit(status);
}
