/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points of the curve P-256 (FIPS 186-4, D.1.2.3).
 */
#ifndef P256_H
#define P256_H

#include <stdbool.h>
#include <stdint.h>

/* Uncompressed: 4, x, y */
#define P256_POINT_SIZE		65
#define P256_COORDINATE_SIZE	32

/*
 * Whether it is a point of the curve, y² = x³ - 3x + b. The core's key agreement
 * does not ask, and the answers to points of other curves would give the key away.
 */
bool p256_is_point(const uint8_t point[P256_POINT_SIZE]);

#endif /* P256_H */
