"""Two runs of the suite side by side: a table, what passes less or more, JUnit XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from teeforge.base.reader import printable
from teeforge.junit import Entry, suites_xml
from teeforge.xtest.output import Suite, Unit

PATCHED, PLAIN = "with our patches", "without"
# The better one last; what was not run at all is as bad as what failed.
_RANKS = {"failed": 0, "skipped": 1, "passed": 2}
_VERDICTS = ("passed", "failed", "skipped")


@dataclass(frozen=True)
class Difference:
    """A case, or a part of one, that fares better on one side; None on a side where it was not run."""

    name: str
    patched: Unit | None
    plain: Unit | None

    @property
    def is_less(self) -> bool:
        """Whether it passes less with our patches."""
        return _rank(self.patched) < _rank(self.plain)

    def line(self) -> str:
        """Return it in one line."""
        word = "LESS" if self.is_less else "more"
        return printable(f"{word} {self.name}: {_said(self.patched)} {PATCHED}, {_said(self.plain)} {PLAIN}")


def differences(patched: Suite, plain: Suite) -> list[Difference]:
    """Return what fares better on one side, in the order of the suite."""
    names = dict.fromkeys((*plain.units, *patched.units))
    found = [Difference(name, patched.units.get(name), plain.units.get(name)) for name in names]
    return [one for one in found if _rank(one.patched) != _rank(one.plain)]


def lines(patched: Suite, plain: Suite) -> Iterator[str]:
    """Yield the table for people: counts, what differs, what fails on both sides, why what was skipped."""
    yield f"{'':<20}{'cases':>8}" + "".join(
        f"{word:>8}" for word in (*_VERDICTS, "parts", "checks", "seconds")
    )
    for name, suite in ((PATCHED, patched), (PLAIN, plain)):
        counts = Counter(case.verdict for case in suite.cases)
        numbers = [len(suite.cases), *(counts[verdict] for verdict in _VERDICTS)]
        numbers += [len(suite.units) - len(suite.cases), suite.checks]
        seconds = sum(case.seconds for case in suite.cases)
        yield f"{name:<20}" + "".join(f"{number:>8}" for number in numbers) + f"{seconds:>8.0f}"
    told = differences(patched, plain)
    both = [
        f"FAIL {case.name}: {PATCHED} and {PLAIN}: {case.reason}"
        for case in patched.cases
        if case.verdict == "failed" and case.name not in {one.name for one in told}
    ]
    skipped = Counter(case.reason for case in patched.cases if case.verdict == "skipped")
    yield from ("", *(one.line() for one in told), *map(printable, both))
    yield from (printable(f"skipped {count:>4}  {reason}") for reason, count in skipped.most_common())


def conclusion(patched: Suite, plain: Suite) -> tuple[bool, str]:
    """Return whether it is known that nothing passes less with our patches, and the line that says so."""
    for name, suite in ((PATCHED, patched), (PLAIN, plain)):
        if not suite.whole:
            return False, f"xtest did not come to its end {name}: what it did not run is not compared"
    less = sum(one.is_less for one in differences(patched, plain))
    return not less, f"{less or 'nothing'} {'pass' if less > 1 else 'passes'} less {PATCHED}"


def junit_xml(patched: Suite, plain: Suite) -> bytes:
    """Return both runs as JUnit XML, and as a third suite whether each case passes less."""
    less: dict[str, list[str]] = {}
    for one in differences(patched, plain):
        if one.is_less:
            less.setdefault(one.name.partition(".")[0], []).append(one.line())
    names = dict.fromkeys(case.name for suite in (plain, patched) for case in suite.cases)
    compared = [
        Entry(name, "failed" if name in less else "passed", "; ".join(less.get(name, ()))) for name in names
    ]
    return suites_xml(
        {
            "xtest.patched": _entries(patched.cases),
            "xtest.plain": _entries(plain.cases),
            "xtest.compared": compared,
        }
    )


def _entries(cases: Sequence[Unit]) -> list[Entry]:
    return [Entry(f"{case.name} {case.title}", case.verdict, case.reason, case.seconds) for case in cases]


def _rank(unit: Unit | None) -> int:
    return _RANKS[unit.verdict] if unit else 0


def _said(unit: Unit | None) -> str:
    if unit is None:
        return "not run"
    return f"{unit.verdict} ({unit.reason})" if unit.reason else unit.verdict
