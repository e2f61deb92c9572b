"""Damaged AOT files: the same ones for the same seed, each with the name of what was done to it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise

HEADER = 8
TEXT = 2
RELOCATION = 5
INTERESTING = (0, 1, 2, 3, 4, 8, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


def sections(data: bytes) -> list[tuple[int, int, int]]:
    """Return (type, begin, end) of each section's body in a sound file."""
    found = []
    at = HEADER
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        found.append((kind, at + 8, at + 8 + size))
        at = (at + 8 + size + 3) & ~3
    return found


def _word_somewhere(data: bytearray, rng: random.Random, begin: int, end: int) -> None:
    at = rng.randrange(begin, end - 3) & ~3
    old = struct.unpack_from("<I", data, at)[0]
    new = rng.choice([rng.choice(INTERESTING), old ^ 1 << rng.randrange(32), (old + rng.randrange(-9, 9))])
    struct.pack_into("<I", data, at, new & 0xFFFFFFFF)


def _bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 1, 2, 8])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _words(data: bytearray, rng: random.Random) -> None:
    places = [place for place in sections(bytes(data)) if place[0] != TEXT and place[2] - place[1] >= 4]
    for _ in range(rng.choice([1, 1, 2, 4])):
        _word_somewhere(data, rng, *rng.choice(places)[1:])


def _relocation(data: bytearray, rng: random.Random) -> None:
    _word_somewhere(data, rng, *sections(bytes(data))[RELOCATION][1:])


def _code(data: bytearray, rng: random.Random) -> None:
    """Change instructions: machine code that no compiler wrote then runs in the TA."""
    _, begin, end = sections(bytes(data))[TEXT]
    for _ in range(rng.choice([1, 4, 64])):
        _word_somewhere(data, rng, begin + 4, end)


def _endless(data: bytearray, rng: random.Random) -> None:
    """Put ``b .`` into the code."""
    _, begin, end = sections(bytes(data))[TEXT]
    at = rng.randrange(begin + 4, end - 3) & ~3
    struct.pack_into("<I", data, at, 0x14000000)


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _size(data: bytearray, rng: random.Random) -> None:
    _, begin, _ = rng.choice(sections(bytes(data)))
    _word_somewhere(data, rng, begin - 8, begin)


def _swap(data: bytearray, rng: random.Random) -> None:
    """Put the sections into another order, or one of them in twice."""
    whole = bytes(data)
    starts = [begin - 8 for _, begin, _ in sections(whole)] + [len(whole)]
    parts = [whole[begin:end] for begin, end in pairwise(starts)]
    if rng.random() < 0.5:
        rng.shuffle(parts)
    else:
        parts.insert(rng.randrange(len(parts)), rng.choice(parts))
    data[:] = whole[:HEADER] + b"".join(parts)


def _noise(data: bytearray, rng: random.Random) -> None:
    begin = rng.randrange(len(data))
    end = min(len(data), begin + rng.choice([4, 64, 1024]))
    data[begin:end] = rng.randbytes(end - begin)


KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _bits,
    _words,
    _words,
    _relocation,
    _code,
    _endless,
    _truncate,
    _size,
    _swap,
    _noise,
)


def mutants(files: list[bytes], count: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Give ``count`` damaged versions of sound AOT files."""
    rng = random.Random(seed)
    for number in range(count):
        change = KINDS[number % len(KINDS)]
        data = bytearray(rng.choice(files))
        change(data, rng)
        yield f"{number:05}{change.__name__}", bytes(data)
