// SPDX-License-Identifier: Apache-2.0
/*
 * The equation of P-256, in the plainest arithmetic: what is computed is no secret.
 */
#include "trust/p256.h"

#include <stddef.h>
#include <string.h>

#define LIMBS	8

/* The least significant limb first */
struct number {
	uint32_t limbs[LIMBS];
};

static const struct number prime = { {
	0xffffffff, 0xffffffff, 0xffffffff, 0x00000000,
	0x00000000, 0x00000000, 0x00000001, 0xffffffff,
} };

static const struct number curve_b = { {
	0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0,
	0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8,
} };

static struct number read_number(const uint8_t bytes[P256_COORDINATE_SIZE])
{
	struct number number = { };
	size_t n = 0;

	for (n = 0; n < P256_COORDINATE_SIZE; n++)
		number.limbs[LIMBS - 1 - n / 4] |=
			(uint32_t)bytes[n] << (8 * (3 - n % 4));
	return number;
}

static bool is_below_prime(const struct number *number)
{
	size_t n = LIMBS;

	while (n--)
		if (number->limbs[n] != prime.limbs[n])
			return number->limbs[n] < prime.limbs[n];
	return false;
}

static void subtract_prime(struct number *number)
{
	uint64_t borrow = 0;
	size_t n = 0;

	for (n = 0; n < LIMBS; n++) {
		uint64_t limb = (uint64_t)number->limbs[n] - prime.limbs[n] -
				borrow;

		number->limbs[n] = limb;
		borrow = limb >> 63;
	}
}

/* Both are below the prime, and so is the sum modulo the prime */
static struct number add(struct number a, const struct number *b)
{
	uint64_t carry = 0;
	size_t n = 0;

	for (n = 0; n < LIMBS; n++) {
		carry += (uint64_t)a.limbs[n] + b->limbs[n];
		a.limbs[n] = carry;
		carry >>= 32;
	}
	if (carry || !is_below_prime(&a))
		subtract_prime(&a);
	return a;
}

static struct number multiply(const struct number *a, const struct number *b)
{
	struct number product = { };
	size_t n = 32 * LIMBS;

	while (n--) {
		product = add(product, &product);
		if (b->limbs[n / 32] >> (n % 32) & 1)
			product = add(product, a);
	}
	return product;
}

bool p256_is_point(const uint8_t point[P256_POINT_SIZE])
{
	struct number x = read_number(point + 1);
	struct number y = read_number(point + 1 + P256_COORDINATE_SIZE);
	struct number left = { };
	struct number right = { };

	if (point[0] != 4 || !is_below_prime(&x) || !is_below_prime(&y))
		return false;

	/* y² + 3x = x³ + b */
	left = multiply(&y, &y);
	left = add(add(add(left, &x), &x), &x);
	right = multiply(&x, &x);
	right = multiply(&right, &x);
	right = add(right, &curve_b);
	return !memcmp(&left, &right, sizeof(left));
}
