/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of each argument, or of the standard's own examples when there is none. */
#include <stdlib.h>

#include "sha256.h"

static int check_examples(void)
{
	static const char *const examples[][2] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	char hex[HEX_SIZE] = { 0 };
	int wrong = 0;

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		sha256((const uint8_t *)examples[i][0], strlen(examples[i][0]), hex);
		wrong += strcmp(hex, examples[i][1]) != 0;
		printf("%s  \"%s\"\n", hex, examples[i][0]);
	}
	printf(wrong ? "%d wrong\n" : "all right\n", wrong);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Hashes a text, and then each hash again: something to compute for as long as it takes. */
static void hash_again(const char *text, long times)
{
	char hex[HEX_SIZE] = { 0 };

	sha256((const uint8_t *)text, strlen(text), hex);
	for (long n = 1; n < times; n++) {
		char before[HEX_SIZE] = { 0 };

		memcpy(before, hex, sizeof(before));
		sha256((const uint8_t *)before, strlen(before), hex);
	}
	printf("%s  \"%s\", %ld times\n", hex, text, times);
}

int main(int argc, char *argv[])
{
	char hex[HEX_SIZE] = { 0 };

	if (argc < 2)
		return check_examples();
	if (argc == 4 && !strcmp(argv[1], "--times")) {
		hash_again(argv[3], atol(argv[2]));
		return EXIT_SUCCESS;
	}
	for (int i = 1; i < argc; i++) {
		sha256((const uint8_t *)argv[i], strlen(argv[i]), hex);
		printf("%s  \"%s\"\n", hex, argv[i]);
	}
	return EXIT_SUCCESS;
}
