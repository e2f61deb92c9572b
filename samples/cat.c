/* SPDX-License-Identifier: Apache-2.0 */
/* Copies its standard input, which streams into the secure world, to its standard output. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	char bytes[4096];
	ssize_t count = 0;

	while ((count = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		if (fwrite(bytes, 1, count, stdout) != (size_t)count)
			return 1;

	return count < 0;
}
