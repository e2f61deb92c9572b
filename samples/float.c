/* SPDX-License-Identifier: Apache-2.0 */
/* Floating point: arithmetic, libm, and printf() of it. Each value is compared with the one written here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(const char *what, double got, const char *expected)
{
	char text[64];

	snprintf(text, sizeof(text), "%.9f", got);
	printf("%-10s = %-16s %s\n", what, text, strcmp(text, expected) ? "WRONG" : "ok");
	if (strcmp(text, expected)) {
		printf("%-10s   %s was expected\n", "", expected);
		failures++;
	}
}

int main(void)
{
	/* volatile: nothing of this is to be computed by the compiler. */
	volatile double two = 2.0, third = 1.0 / 3.0;
	volatile float tenth = 0.1f;
	double pi = 0.0, sum = 0.0;

	for (int i = 0; i < 1000000; i++)
		pi += (i % 2 ? -4.0 : 4.0) / (2 * i + 1);
	for (int i = 0; i < 10; i++)
		sum += (double)tenth;

	check("1/3", third, "0.333333333");
	check("sqrt(2)", sqrt(two), "1.414213562");
	check("sin(2)", sin(two), "0.909297427");
	check("exp(2)", exp(two), "7.389056099");
	check("log(2)", log(two), "0.693147181");
	check("2^(1/3)", pow(two, third), "1.259921050");
	check("pi", pi, "3.141591654");
	check("10 * 0.1f", sum, "1.000000015");
	check("floor", floor(-two - third), "-3.000000000");
	check("strtod", strtod("-1.25e2", NULL), "-125.000000000");
	check("to int", (double)(int)(two * 3.9), "7.000000000");
	check("nan", isnan(sqrt(-two)) ? 1.0 : 0.0, "1.000000000");

	printf(failures ? "%d wrong\n" : "all right\n", failures);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
