/* SPDX-License-Identifier: Apache-2.0 */
/* The greeting: what a first program in the secure world prints. */
#include <stdio.h>

int main(int argc, char *argv[])
{
	printf("Hello from WebAssembly in the secure world!\n");
	if (argc > 1)
		printf("%d argument%s:\n", argc - 1, argc > 2 ? "s" : "");
	for (int i = 1; i < argc; i++)
		printf("  %d: %s\n", i, argv[i]);
	return 0;
}
