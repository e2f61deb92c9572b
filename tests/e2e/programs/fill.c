/* SPDX-License-Identifier: Apache-2.0 */
/* Writes until there is no more room, gives it back, and writes again: how much went in, and why no more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static long fill(void)
{
	static char block[65536];
	long total = 0;
	ssize_t count = 0;
	int fd = open("big", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	errno = 0;
	while (fd >= 0 && (count = write(fd, block, sizeof(block))) > 0)
		total += count;
	printf("%s\n", strerror(errno));
	close(fd);
	return total;
}

int main(void)
{
	long first = fill();

	if (truncate("big", 0))
		return 2;
	printf("%ld\n", first);
	return fill() == first ? 0 : 1;
}
