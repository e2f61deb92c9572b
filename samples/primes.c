/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the primes below a number (2 million by default) with a sieve: memory that grows, and some computing. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
	unsigned long limit = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
	unsigned long count = 0, last = 0;
	unsigned char *composite = limit ? calloc(limit, 1) : NULL;

	if (limit && !composite) {
		fprintf(stderr, "%lu bytes are more than there are\n", limit);
		return EXIT_FAILURE;
	}
	for (unsigned long i = 2; i < limit; i++) {
		if (composite[i])
			continue;
		count++;
		last = i;
		/* i < limit <= 2^32, so the first multiple to strike out may not fit into 32 bits. */
		for (unsigned long long k = (unsigned long long)i * i; k < limit; k += i)
			composite[k] = 1;
	}
	free(composite);
	printf("%lu primes below %lu, the last is %lu\n", count, limit, last);
	return EXIT_SUCCESS;
}
