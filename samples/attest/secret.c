/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks for a secret: prints the evidence of itself, reads what the relying party released for it, and prints
 * the SHA-256 of that.
 *
 *	stdout	evidence <hexadecimal digits of the token>
 *	stdin	secret <hexadecimal digits of the message>
 *	stdout	sha256 <of the secret>
 */
#include <stdlib.h>
#include <string.h>

#include "../sha256.h"
#include "wasi_ra.h"

enum { MESSAGE_MAX = WASI_RA_DATA_MAX + WASI_RA_OVERHEAD };

static const char word[] = "secret ";
static char line[sizeof(word) + 2 * MESSAGE_MAX + 1];
static uint8_t quote[WASI_RA_QUOTE_MAX], message[MESSAGE_MAX], secret[WASI_RA_DATA_MAX];

static int fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what, error ? strerror(error) : "not well-formed");
	return EXIT_FAILURE;
}

/* Returns how many bytes there are, 0 if it is not a line with hexadecimal digits after the word */
static size_t read_message(void)
{
	size_t length = 0;

	if (!fgets(line, sizeof(line), stdin) || strncmp(line, word, sizeof(word) - 1))
		return 0;

	for (const char *at = line + sizeof(word) - 1; *at && *at != '\n'; at += 2) {
		char digits[] = { at[0], at[1], '\0' };
		char *end = NULL;

		message[length++] = (uint8_t)strtoul(digits, &end, 16);
		if (end != digits + 2)
			return 0;
	}
	return length;
}

int main(void)
{
	char hex[HEX_SIZE] = { 0 };
	size_t size = 0, length = 0;
	int error = wasi_ra_collect_quote(quote, sizeof(quote), &size);

	if (error)
		return fail("there is no evidence of this program", error);

	printf("evidence ");
	for (size_t n = 0; n < size; n++)
		printf("%02x", quote[n]);
	printf("\n");
	fflush(stdout);

	length = read_message();
	if (!length)
		return fail("no secret came", 0);
	error = wasi_ra_receive_data(message, length, secret, sizeof(secret), &size);
	if (error)
		return fail("the secret is not for this program", error);

	sha256(secret, size, hex);
	printf("sha256 %s\n", hex);
	return EXIT_SUCCESS;
}
