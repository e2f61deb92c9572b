"""The TA's Ed25519 (overlays/wasm_ta/ta/trust/ed25519.c) on this host, against RFC 8032 in whole numbers."""

from __future__ import annotations

import hashlib
import itertools
import random
import struct
import subprocess
from collections.abc import Callable

import pytest

from tests.hostprogram import sanitized

# The file itself, for what is static in it. An element is five limbs, a call is its letter and what it takes.
PROGRAM = """
#include <stdio.h>
#include "trust/ed25519.c"

static void get(void *to, size_t size)
{
	if (fread(to, size, 1, stdin) != 1)
		__builtin_trap();
}

int main(void)
{
	uint8_t signature[ED25519_SIGNATURE_SIZE], key[ED25519_KEY_SIZE], hash[ED25519_HASH_SIZE];
	struct element a, b;
	uint64_t scalar[SCALAR_WORDS];
	int what;

	while ((what = getchar()) != EOF) {
		switch (what) {
		case 'v':
			get(signature, sizeof(signature));
			get(key, sizeof(key));
			get(hash, sizeof(hash));
			putchar(ed25519_check(signature, key, hash) ? 'y' : 'n');
			continue;
		case 'r':
			get(hash, sizeof(hash));
			reduce(scalar, hash, sizeof(hash));
			fwrite(scalar, sizeof(scalar), 1, stdout);
			continue;
		case 'e':
			get(&a, sizeof(a));
			encode(key, &a);
			fwrite(key, sizeof(key), 1, stdout);
			continue;
		}
		get(&a, sizeof(a));
		get(&b, sizeof(b));
		a = what == '*' ? multiply(&a, &b) : subtract(&a, &b);
		fwrite(&a, sizeof(a), 1, stdout);
	}
	return 0;
}
"""
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
FULL = 2**51 - 1  # of a limb
Point = tuple[int, int]
Limbs = tuple[int, ...]
Call = Callable[[bytes], bytes]


def plus(a: Point, b: Point) -> Point:
    (x, y), (v, w) = a, b
    t = D * x * y % P * v * w % P
    both = pow(1 - t * t, -1, P)
    return (x * w + y * v) * (1 - t) * both % P, (y * w + x * v) * (1 + t) * both % P


def times(n: int, point: Point) -> Point:
    total = (0, 1)
    for bit in f"{n:b}":
        total = plus(total, total)
        total = plus(total, point) if bit == "1" else total
    return total


def minus(point: Point) -> Point:
    return -point[0] % P, point[1]


def point_of(y: int, odd: int = 0) -> Point | None:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P)
    root = pow(square, (P + 3) // 8, P)
    x = next((r for r in (root, root * pow(2, P // 4, P) % P) if (r * r - square) % P == 0), None)
    return None if x is None else ((-x if x % 2 != odd else x) % P, y % P)


def forms(point: Point) -> list[bytes]:
    """Return the encodings of a point that a lax decoder takes, the one of the RFC first."""
    x, y = point
    signs = (0, 1) if x == 0 else (x & 1,)
    numbers = [n | sign << 255 for n in (y, y + P) if n < 2**255 for sign in signs]
    return [number.to_bytes(32, "little") for number in numbers]


BASE = point_of(4 * pow(5, -1, P)) or (0, 0)
EIGHTH = next(t for t in (times(L, point_of(y) or (0, 1)) for y in range(2, 99)) if times(4, t) != (0, 1))
SMALL = [times(n, EIGHTH) for n in range(8)]  # the points of small order
SCALARS = (0, 1, 8, 15, L - 1, L - 8, 2**252 - 1, 2**252, 2**64 - 1, (2**248 - 1) // 17, (2**248 - 1) // 255)


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Call:
    program = sanitized(tmp_path_factory.mktemp("ed25519"), PROGRAM)
    return lambda calls: subprocess.run([program], input=calls, capture_output=True, check=True).stdout


def verify(first: bytes, s: int, key: bytes, k: int) -> bytes:
    return b"v" + first + s.to_bytes(32, "little") + key + k.to_bytes(64, "little")


def some_points(rng: random.Random) -> list[Point]:
    """Return points of small order, of order L, of both, and such whose y is next to an end of the field."""
    low = [point_of(y % P, odd) for y in range(-30, 30) for odd in (0, 1)]
    mixed = [plus(times(rng.randrange(L), BASE), small) for small in SMALL]
    return [*SMALL, *mixed, *(point for point in low if point)]


def test_what_fits_by_construction_is_taken_in_one_form_alone(call: Call) -> None:
    """For any key, S and hash there is one R = [S]B - [k]A: what else is sent in its place is none."""
    rng = random.Random(1)
    right: list[bytes] = []
    wrong: list[bytes] = []
    for point, s in ((point, s) for point in some_points(rng) for s in rng.sample(SCALARS, 2)):
        k = rng.choice([*SCALARS, rng.randrange(L)])
        # The same number modulo L, of any of 512 bits.
        hashed = k + L * rng.choice([0, 1, (2**512 - 1 - k) // L, rng.randrange(2**259)])
        fits = plus(times(s, BASE), minus(times(k, point)))
        (key, *keys), (first, *firsts) = forms(point), forms(fits)
        # With a key of small order anybody could sign.
        (wrong if point in SMALL else right).append(verify(first, s, key, hashed))
        wrong += [verify(first, n, key, hashed) for n in range(s + L, 2**256, rng.choice([L, 5 * L]))]
        wrong += [verify(first, s, other, hashed) for other in keys]
        wrong += [verify(other, s, key, hashed) for other in firsts]
        # What a check with cofactor would take.
        wrong += [verify(forms(plus(fits, small))[0], s, key, hashed) for small in rng.sample(SMALL[1:], 2)]
        wrong.append(verify(forms(minus(plus(fits, BASE)))[0], s, key, hashed))
    assert call(b"".join(right)) == b"y" * len(right)
    assert call(b"".join(wrong)) == b"n" * len(wrong)


def test_an_r_that_has_two_forms_is_taken_in_the_one(call: Call) -> None:
    """R with y below 19, for which the key is made: R = [S]B - A."""
    calls, wanted = [], ""
    for y, odd, s in itertools.product(range(19), (0, 1), SCALARS[1:5]):
        first = point_of(y, odd)
        if first is None:
            continue
        key = forms(plus(times(s, BASE), minus(first)))[0]
        calls += [verify(form, s, key, 1) for form in forms(first)]
        wanted += "y" + "n" * (len(forms(first)) - 1)
    assert call(b"".join(calls)).decode() == wanted and wanted.count("n") > 50


def test_keys_beyond_the_field_or_off_the_curve_are_none(call: Call) -> None:
    """R = B and S = 1 fit any key where k is 0, if it is one."""
    calls, wanted = [], ""
    for y, odd in itertools.product((*range(60), *range(P - 60, 2**255)), (0, 1)):
        point = point_of(y, odd)
        key = (y | odd << 255).to_bytes(32, "little")
        calls.append(verify(forms(BASE)[0], 1, key, 0))
        wanted += "y" if point and point not in SMALL and forms(point)[0] == key else "n"
    assert call(b"".join(calls)).decode() == wanted


def test_each_bit_counts(call: Call) -> None:
    key, k = times(1234567, BASE), int.from_bytes(hashlib.sha512(b"k").digest(), "little")
    s = (99 + k * 1234567) % L
    sound = verify(forms(times(99, BASE))[0], s, forms(key)[0], k)
    assert call(sound) == b"y"
    number = int.from_bytes(sound[1:], "little")
    size = len(sound) - 1
    changed = [b"v" + (number ^ 1 << bit).to_bytes(size, "little") for bit in range(8 * size)]
    assert call(b"".join(changed)) == b"n" * len(changed)


def value(limbs: Limbs) -> int:
    return sum(limb << 51 * n for n, limb in enumerate(limbs))


def elements(data: bytes) -> list[Limbs]:
    return list(struct.iter_unpack("<5Q", data))


@pytest.mark.parametrize(("what", "most"), [("*", 2**54 - 1), ("-", 2**52 + 2**14 - 1)])
def test_limbs_at_their_bounds_lose_nothing(call: Call, what: str, most: int) -> None:
    """All that is carried grows with the limbs: where the largest ones fit, all do."""
    ends = list(itertools.product((0, most), repeat=5))
    rng = random.Random(2)
    values = (0, 1, 18, 19, FULL - 19, FULL - 18, FULL - 1, FULL, FULL + 1, FULL + 2**13, most)
    pairs: list[tuple[Limbs, Limbs]] = list(itertools.product(ends, ends))
    pairs += [(tuple(rng.choices(values, k=5)), tuple(rng.choices(values, k=5))) for _ in range(2000)]
    made = elements(call(b"".join(what.encode() + struct.pack("<10Q", *a, *b) for a, b in pairs)))
    for (a, b), c in zip(pairs, made, strict=True):
        wanted = value(a) * value(b) if what == "*" else value(a) - value(b)
        assert (value(c) - wanted) % P == 0, (a, b)
        assert max(c) < 2**51 + 2**13, (a, b)


def test_a_number_has_one_encoding(call: Call) -> None:
    """Next to 0, p, 2^255 and multiples, and with limbs that are not carried."""
    cases = list(itertools.product((0, FULL - 18, FULL, FULL + 1, FULL + 2**13), repeat=5))
    for number in (multiple + near for multiple in (P, 2**255, 2 * P) for near in range(-40, 40)):
        limbs = [number >> 51 * n & FULL for n in range(4)] + [number >> 204]
        cases.append(tuple(limbs))
        cases.append((limbs[0] + FULL + 1, *(limb + FULL for limb in limbs[1:4]), limbs[4] - 1))
    encoded = call(b"".join(b"e" + struct.pack("<5Q", *limbs) for limbs in cases))
    assert encoded == b"".join((value(limbs) % P).to_bytes(32, "little") for limbs in cases)


def test_hashes_are_reduced_modulo_the_order(call: Call) -> None:
    rng = random.Random(3)
    bases = (L, 2 * L, 2**252, 2**253, 2**256, L << 200, 2**512 // L * L, 2**512 - 40, L * L)
    numbers = [base + near for base in bases for near in range(-30, 30) if base + near < 2**512]
    numbers += [rng.randrange(2**512) for _ in range(500)] + [0]
    reduced = call(b"".join(b"r" + number.to_bytes(64, "little") for number in numbers))
    assert reduced == b"".join((number % L).to_bytes(32, "little") for number in numbers)
