/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplies matrices of floating-point numbers: a second or so of computing in little memory. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 96

static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void multiply(void)
{
	for (int i = 0; i < SIZE; i++)
		for (int j = 0; j < SIZE; j++) {
			double sum = 0;

			for (int k = 0; k < SIZE; k++)
				sum += a[i][k] * b[k][j];
			c[i][j] = sum;
		}
}

int main(int argc, char *argv[])
{
	int rounds = argc > 1 ? atoi(argv[1]) : 20;
	uint64_t sum = 0;

	for (int i = 0; i < SIZE; i++)
		for (int j = 0; j < SIZE; j++) {
			a[i][j] = (i * 7 + j) % 13;
			b[i][j] = (i + j * 5) % 11;
		}

	/* Whole numbers all the way: the same sum wherever it is computed. */
	for (int round = 0; round < rounds; round++) {
		multiply();
		for (int i = 0; i < SIZE; i++)
			for (int j = 0; j < SIZE; j++) {
				sum = sum * 31 + (uint64_t)c[i][j];
				a[i][j] = (uint64_t)c[i][j] % 17;
			}
	}
	printf("%d products of %dx%d matrices, checksum %016llx\n", rounds, SIZE, SIZE, (unsigned long long)sum);
	return EXIT_SUCCESS;
}
