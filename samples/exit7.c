/* SPDX-License-Identifier: Apache-2.0 */
/* Ends with status 7, by exit() from below main(), after output that is still in stdio's buffer. */
#include <stdio.h>
#include <stdlib.h>

static void give_up(int status)
{
	printf("leaving with status %d", status);
	exit(status);
}

int main(void)
{
	give_up(7);
	return 1;
}
