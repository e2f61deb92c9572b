"""The figures of `invoke bench.code`: ratios, their geometric means, and which goals are missed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from teeforge.benchmarks.goals import RED, Goal

COUNTED, TIMED = "instructions", "seconds"
# Where a kernel runs: gcc's code, ours in both worlds, and another wamrc's in iwasm if there is one.
NATIVE, IWASM, TEE, BEFORE = "native", "iwasm", "tee", "before"
_WORDS = {NATIVE: "native", IWASM: "iwasm", TEE: "TEE", BEFORE: "before"}
# The columns of ratios: what is divided by what.
_RATIOS = ((IWASM, NATIVE), (TEE, NATIVE), (TEE, IWASM), (TEE, BEFORE))
# The most that a ratio should be over all kernels.
GOALS: dict[str, dict[tuple[str, str], float]] = {
    COUNTED: {(TEE, NATIVE): 1.1, (TEE, BEFORE): 0.65},
    TIMED: {(TEE, NATIVE): 1.2, (TEE, BEFORE): 0.65},
}
# What one kernel took in each world, several times: nanoseconds, or instructions.
Laps = Mapping[str, tuple[int, ...]]
_Ratios = dict[tuple[str, str], float]


def ratios(laps: Laps) -> _Ratios:
    """Return the ratios of the least of each world: whatever interrupts a program makes it more."""
    least = {world: min(taken) for world, taken in laps.items()}
    return {(one, other): least[one] / least[other] for one, other in _RATIOS if {one, other} <= {*least}}


@dataclass(frozen=True)
class Code:
    """What was found of each kernel, by what was measured: COUNTED, TIMED."""

    dataset: str
    found: Mapping[str, Mapping[str, Laps]]

    def means(self, what: str) -> _Ratios:
        """Return the geometric mean of each ratio over all kernels."""
        rows = [ratios(laps) for laps in self.found[what].values()]
        return {ratio: statistics.geometric_mean(row[ratio] for row in rows) for ratio in rows[0]}

    def goals(self) -> Iterator[Goal]:
        """Yield what code should take at most."""
        for what in self.found:
            for (one, other), goal in self._goals(what).items():
                yield replace(goal, what=f"{_WORDS[one]} over {_WORDS[other]}, {what}")

    def _goals(self, what: str) -> dict[tuple[str, str], Goal]:
        means = self.means(what)
        return {
            ratio: Goal(what, means[ratio], most) for ratio, most in GOALS[what].items() if ratio in means
        }

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON: what was measured, ratios, means and goals."""
        return {"dataset": self.dataset, **{what: self._json(what) for what in self.found}}

    def _json(self, what: str) -> dict[str, Any]:
        goals = self._goals(what)
        return {
            "unit": "ns" if what == TIMED else "instructions",
            "kernels": {
                name: {**{world: [*taken] for world, taken in laps.items()}, **_named(ratios(laps))}
                for name, laps in self.found[what].items()
            },
            "mean": _named(self.means(what)),
            "goal": _named({ratio: goal.most for ratio, goal in goals.items()}),
            "verdict": {_key(*ratio): goal.verdict for ratio, goal in goals.items()},
        }

    def lines(self, colour: bool = False) -> list[str]:
        """Return the tables to print; with ``colour`` what is more than a goal is red."""
        lines = []
        for what in self.found:
            lines += [*self._table(what, colour), ""]
        return [
            *lines,
            f"PolyBench/C {self.dataset.upper()} and other programs, the least of each; native: gcc -O3",
        ]

    def _table(self, what: str, colour: bool) -> list[str]:
        kernels, means, goals = self.found[what], self.means(what), self._goals(what)

        def cells(row: _Ratios) -> str:
            return "".join(
                _cell(f"{value:.3f}", colour and ratio in goals and value > goals[ratio].most)
                for ratio, value in row.items()
            )

        worlds = list(next(iter(kernels.values())))
        title = f"{what}, {'ms' if what == TIMED else 'millions'}"
        heads = "".join(_cell(f"{_WORDS[one]}/{_WORDS[other]}") for one, other in means)
        lines = [f"{title:<24}" + "".join(f"{_WORDS[world]:>10}" for world in worlds) + heads]
        for name, laps in kernels.items():
            amounts = "".join(f"{min(laps[world]) / 1e6:>10.2f}" for world in worlds)
            lines.append(f"{name:<24}{amounts}{cells(ratios(laps))}")
        width = 24 + 10 * len(worlds)
        goal = "".join(_cell(f"{goals[ratio].most:.3f}" if ratio in goals else "") for ratio in means)
        verdict = "".join(
            _cell(goals[ratio].verdict, colour and goals[ratio].verdict == "MISSED")
            if ratio in goals
            else _cell("")
            for ratio in means
        )
        return [
            *lines,
            f"{'geometric mean':<{width}}{cells(means)}",
            f"{'goal':<{width}}{goal}".rstrip(),
            f"{'':<{width}}{verdict}".rstrip(),
        ]


def _cell(text: str, bad: bool = False) -> str:
    return RED.format(f"{text:>14}") if bad else f"{text:>14}"


def _named(values: Mapping[tuple[str, str], float]) -> dict[str, float]:
    return {_key(*ratio): round(value, 3) for ratio, value in values.items()}


def _key(one: str, other: str) -> str:
    return f"{one}_over_{other}"
