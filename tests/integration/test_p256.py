"""The TA's look at points (overlays/wasm_ta/ta/trust/p256.c), on this host: those of P-256 alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.hostprogram import sanitized

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
PROGRAM = """
#include <stdio.h>
#include "trust/p256.h"

int main(void)
{
	uint8_t point[P256_POINT_SIZE];

	while (fread(point, sizeof(point), 1, stdin))
		putchar(p256_is_point(point) ? 'y' : 'n');
	return 0;
}
"""
Judge = Callable[[list[bytes]], str]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    program = sanitized(tmp_path_factory.mktemp("p256"), PROGRAM, "trust/p256.c")

    def answers(points: list[bytes]) -> str:
        done = subprocess.run([program], input=b"".join(points), capture_output=True, check=True)
        return done.stdout.decode()

    return answers


def some(count: int) -> list[bytes]:
    keys = [ec.derive_private_key(number, ec.SECP256R1()) for number in range(1, count + 1)]
    keys += [ec.generate_private_key(ec.SECP256R1()) for _ in range(count)]
    return [key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for key in keys]


def test_points_of_the_curve_are_taken(judge: Judge) -> None:
    points = some(200)
    assert judge(points) == "y" * len(points)


def test_points_with_any_bit_changed_are_refused(judge: Judge) -> None:
    changed = []
    for bit in range(8, 8 * 65):
        point = bytearray(some(1)[1])
        point[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(point))
    assert judge(changed) == "n" * len(changed)


def test_points_of_other_curves_are_refused(judge: Judge) -> None:
    """What an attack with invalid curves sends: the same equation with another b."""
    others = [b"\4" + x.to_bytes(32, "big") + y.to_bytes(32, "big") for x in range(1, 9) for y in range(9)]
    assert judge(others) == "n" * len(others)


def test_coordinates_are_below_the_prime(judge: Judge) -> None:
    """A point has one form: not x + p, though that is the same number."""
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    root = pow(b, (PRIME + 1) // 4, PRIME)
    assert root * root % PRIME == b
    zero = b"\4" + bytes(32) + root.to_bytes(32, "big")
    same = b"\4" + PRIME.to_bytes(32, "big") + root.to_bytes(32, "big")
    assert judge([zero, same, b"\4" + bytes(64), b"\4" + b"\xff" * 64]) == "ynnn"


@pytest.mark.parametrize("form", [0, 2, 3, 5, 6, 7, 255])
def test_other_forms_of_points_are_refused(judge: Judge, form: int) -> None:
    assert judge([bytes([form]) + some(1)[0][1:]]) == "n"
