/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints 1 MiB, or as many KiB as the argument says, in lines of 64 bytes. Every line has its number and a
 * checksum of it, so that a lost, cut or doubled piece is noticed:
 *
 *   00000000 9e3779b9 the quick brown fox jumps over the lazy dog....
 *
 * The last word, on stderr, is the number of lines.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_SIZE = 64, LINES_PER_KIB = 1024 / LINE_SIZE };

static uint32_t checksum(uint32_t number)
{
	number += 0x9e3779b9;
	number ^= number >> 16;
	number *= 0x85ebca6b;
	return number ^ (number >> 13);
}

int main(int argc, char *argv[])
{
	unsigned long kib = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
	unsigned long lines = kib * LINES_PER_KIB;

	for (unsigned long i = 0; i < lines; i++) {
		int len = printf("%08lx %08x the quick brown fox jumps over the lazy dog..\n",
				 i, (unsigned int)checksum((uint32_t)i));

		if (len != LINE_SIZE) {
			fprintf(stderr, "line %lu: printf() gave %d\n", i, len);
			return EXIT_FAILURE;
		}
	}
	if (fflush(stdout)) {
		perror("stdout");
		return EXIT_FAILURE;
	}
	fprintf(stderr, "%lu lines\n", lines);
	return EXIT_SUCCESS;
}
