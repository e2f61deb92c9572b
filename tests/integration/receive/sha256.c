/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of overlays/rootfs/sha256.c: this host's kernel may have no AF_ALG. */
#include <openssl/evp.h>
#include <stdio.h>

#include "sha256.h"

static EVP_MD_CTX *hash;

bool sha256_begin(void)
{
	if (!hash)
		hash = EVP_MD_CTX_new();
	return hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
}

bool sha256_add(const void *bytes, size_t size)
{
	return EVP_DigestUpdate(hash, bytes, size);
}

bool sha256_end(char hex[SHA256_HEX])
{
	unsigned char digest[SHA256_SIZE] = { 0 };
	size_t n = 0;

	if (!EVP_DigestFinal_ex(hash, digest, NULL))
		return false;
	for (n = 0; n < sizeof(digest); n++)
		snprintf(hex + 2 * n, 3, "%02x", digest[n]);
	return true;
}
