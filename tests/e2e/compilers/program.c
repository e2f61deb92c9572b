/* SPDX-License-Identifier: Apache-2.0 */
/* What every C compiler gets: arguments, numbers, memory, and a status of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	volatile double two = 2;
	char *text = malloc(100000);

	if (argc != 3 || !text)
		return 1;

	strcpy(text, argv[1]);
	strcat(text, argv[2]);
	printf("%s %.6f\n", text, sqrt(two) + sin(0 * two));
	free(text);
	return 5;
}
