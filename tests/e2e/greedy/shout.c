/* SPDX-License-Identifier: Apache-2.0 */
/* Writes for ever. */
#include <stdio.h>

int main(void)
{
	for (;;)
		puts("and another line");
}
