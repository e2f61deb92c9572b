"""The smallest and the largest pool that a module really runs in, found by trying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from teeforge.base.errors import TeeforgeError

_SMALLEST_STEP = 8  # what the runtime's allocator aligns to
_LARGEST_STEP = 4096  # what the TEE maps


@dataclass(frozen=True)
class Bounds:
    """Bytes of the smallest and of the largest pool, and how many runs it took to find them."""

    smallest: int
    largest: int
    tries: int


def find_bounds(starts: Callable[[int], bool], smallest: int, largest: int) -> Bounds:
    """Return the bounds of a module, searched for from where they are thought to be.

    ``starts`` says whether the module runs in a pool of that many bytes. Raises TeeforgeError if it
    runs in none.
    """
    tried: dict[int, bool] = {}

    def works(size: int) -> bool:
        if size == 0:
            return False
        if size not in tried:
            tried[size] = starts(size)
        return tried[size]

    def edge(guess: int, inward: int) -> int:
        """Return the last size that works when going outward from ``guess``; ``inward`` is a signed step."""
        step = inward
        inside = outside = guess
        if works(guess):
            while works(outside := max(inside - step, 0)):
                inside, step = outside, step * 4
        else:
            while not works(inside := outside + step):
                outside, step = inside, step * 4
                if abs(inside - guess) > max(guess, 1 << 20):
                    raise TeeforgeError(
                        f"the module runs neither in a heap of {guess} bytes nor in one of {inside}",
                        "`invoke run` says why",
                    )
        while abs(inside - outside) > abs(inward):
            middle = min(inside, outside) + abs(inside - outside) // 2 // abs(inward) * abs(inward)
            if works(middle):
                inside = middle
            else:
                outside = middle
        return inside

    low = edge(-(-smallest // _SMALLEST_STEP) * _SMALLEST_STEP, _SMALLEST_STEP)
    high = edge(max(largest // _LARGEST_STEP * _LARGEST_STEP, low), -_LARGEST_STEP)
    return Bounds(low, high, len(tried))
