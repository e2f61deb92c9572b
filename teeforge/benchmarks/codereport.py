"""The figures of `invoke bench.code`: ratios, their geometric means, and which goals are missed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COUNTED, TIMED = "instructions", "seconds"
WORLDS = ("native", "iwasm", "tee")
# The most that the TEE should take in times native, over all kernels.
GOALS = {COUNTED: 1.1, TIMED: 1.2}
# The columns of ratios: what is divided by what.
_RATIOS = (("iwasm", "native"), ("tee", "native"), ("tee", "iwasm"))
_GOAL = ("tee", "native")
_RED = "\x1b[31m{}\x1b[0m"
_WORDS = {"native": "native", "iwasm": "iwasm", "tee": "TEE"}


@dataclass(frozen=True)
class Laps:
    """What a kernel took in each world, several times: nanoseconds, or instructions."""

    native: tuple[int, ...]
    iwasm: tuple[int, ...]
    tee: tuple[int, ...]

    def least(self, world: str) -> int:
        """The least of a world: whatever interrupts a program makes it more."""
        return min(self.as_json()[world])

    def as_json(self) -> dict[str, list[int]]:
        """Return all that was measured, by world."""
        return {"native": [*self.native], "iwasm": [*self.iwasm], "tee": [*self.tee]}

    def ratio(self, world: str, reference: str) -> float:
        """The least of two worlds, one over the other."""
        return self.least(world) / self.least(reference)


@dataclass(frozen=True)
class Code:
    """What was found of each kernel, by what was measured: COUNTED, TIMED."""

    dataset: str
    found: Mapping[str, Mapping[str, Laps]]

    def mean(self, what: str, world: str, reference: str) -> float:
        """Return the geometric mean of a ratio over all kernels."""
        return statistics.geometric_mean(laps.ratio(world, reference) for laps in self.found[what].values())

    def missed(self, what: str) -> bool:
        """Say whether the goal of what was measured is missed."""
        return self.mean(what, *_GOAL) > GOALS[what]

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON: what was measured, ratios, means and goals."""
        return {"dataset": self.dataset, **{what: self._json(what) for what in self.found}}

    def _json(self, what: str) -> dict[str, Any]:
        return {
            "kernels": {
                name: {
                    **laps.as_json(),
                    **{_key(*ratio): round(laps.ratio(*ratio), 3) for ratio in _RATIOS},
                }
                for name, laps in self.found[what].items()
            },
            "unit": "ns" if what == TIMED else "instructions",
            "mean": {_key(*ratio): round(self.mean(what, *ratio), 3) for ratio in _RATIOS},
            "goal": {_key(*_GOAL): GOALS[what]},
            "missed": self.missed(what),
        }

    def lines(self, colour: bool = False) -> list[str]:
        """Return the tables to print; with ``colour`` what is more than the goal is red."""
        lines = []
        for what in self.found:
            lines += [*self._table(what, colour), ""]
        return [*lines, f"PolyBench/C {self.dataset.upper()} and CoreMark, minima; native: gcc -O3"]

    def _table(self, what: str, colour: bool) -> list[str]:
        def cell(text: str, bad: bool) -> str:
            return _RED.format(text) if colour and bad else text

        def ratios(of: Mapping[tuple[str, str], float]) -> str:
            return "".join(
                cell(f"{of[ratio]:>14.3f}", ratio == _GOAL and of[ratio] > GOALS[what]) for ratio in _RATIOS
            )

        title = f"{what}, {'ms' if what == TIMED else 'millions'}"
        heads = "".join(f"{f'{_WORDS[world]}/{_WORDS[reference]}':>14}" for world, reference in _RATIOS)
        lines = [f"{title:<24}" + "".join(f"{_WORDS[world]:>10}" for world in WORLDS) + heads]
        for name, laps in self.found[what].items():
            amounts = "".join(f"{laps.least(world) / 1e6:>10.2f}" for world in WORLDS)
            lines.append(f"{name:<24}{amounts}{ratios({ratio: laps.ratio(*ratio) for ratio in _RATIOS})}")
        lines.append(f"{'geometric mean':<54}{ratios({ratio: self.mean(what, *ratio) for ratio in _RATIOS})}")
        verdict = cell("MISSED", True) if self.missed(what) else "met"
        return [*lines, f"{'goal':<54}{'':>14}{GOALS[what]:>14.3f}  {verdict}"]


def _key(world: str, reference: str) -> str:
    return f"{world}_over_{reference}"
