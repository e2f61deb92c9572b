/* SPDX-License-Identifier: Apache-2.0 */
/* Takes memory until there is no more, and uses all of it. */
#include <stdio.h>
#include <string.h>

#define PAGE 65536

int main(void)
{
	size_t pages = 0;
	size_t first;

	while ((first = __builtin_wasm_memory_grow(0, 1)) != (size_t)-1) {
		memset((void *)(first * PAGE), 1, PAGE);
		pages++;
	}
	printf("%zu pages\n", pages);
	return pages ? 0 : 1;
}
