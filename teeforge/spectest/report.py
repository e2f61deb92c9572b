"""What came of the testsuite: a table, the failures, the reasons for what is not applicable, JUnit XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from teeforge.base.reader import printable
from teeforge.junit import Entry, suites_xml
from teeforge.spectest.plan import Check
from teeforge.spectest.scripts import KINDS

_VERDICTS = ("passed", "failed", "skipped")


def lines(checks: Sequence[Check], normal: Counter[str] | None = None) -> Iterator[str]:
    """Yield the table for people: by script, by kind, then what failed and what is not applicable.

    ``normal`` is what passed of each script in the normal world; what is refused before counts there, too.
    """
    upstream = f"{'upstream':>10}" if normal is not None else ""
    yield f"{'script':<28}{'passed':>8}{'failed':>8}{'n/a':>8}{upstream}"
    before = Counter(check.script for check in checks if check.verdict == "passed" and not check.asked)
    for script in dict.fromkeys(check.script for check in checks):
        row = _row(script, [check for check in checks if check.script == script])
        yield row + (f"{before[script] + normal[script]:>10}" if normal is not None else "")
    yield ""
    for kind in KINDS:
        if mine := [check for check in checks if check.kind == kind]:
            yield _row(kind, mine)
    total = sum(before.values()) + sum(normal.values()) if normal is not None else 0
    yield _row("all", checks) + (f"{total:>10}" if normal is not None else "")
    yield from ("", *map(failure, (check for check in checks if check.verdict == "failed")))
    reasons = Counter(check.reason for check in checks if check.verdict == "skipped")
    yield from (f"n/a {count:>6}  {reason}" for reason, count in reasons.most_common())


def _row(name: str, checks: Sequence[Check]) -> str:
    counts = Counter(check.verdict for check in checks)
    return f"{name:<28}" + "".join(f"{counts[verdict]:>8}" for verdict in _VERDICTS)


def failure(check: Check) -> str:
    """Return one line about a check that failed: where, what, and how it is other than it should be."""
    what = f" {check.command.action}" if check.command.action else ""
    return printable(f"FAIL {check.script}.wast:{check.command.line} {check.kind}{what}: {check.reason}")


def junit_xml(checks: Sequence[Check]) -> bytes:
    """Return the checks as JUnit XML."""
    suites: dict[str, list[Entry]] = {}
    for check in checks:
        name = f"{check.command.line} {check.kind} {check.command.action or ''}".rstrip()
        suites.setdefault(f"spec.{check.script}", []).append(Entry(name, check.verdict, check.reason))
    return suites_xml(suites)
