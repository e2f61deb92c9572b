"""What a test suite came to, as JUnit XML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from teeforge.base.reader import printable

_ELEMENTS = {"failed": "failure", "skipped": "skipped"}


@dataclass(frozen=True)
class Entry:
    """A test that ``passed``, ``failed`` or was ``skipped``, and why it did not pass.

    ``seconds`` is None where nobody measured.
    """

    name: str
    verdict: str
    reason: str = ""
    seconds: float | None = None


def suites_xml(suites: Mapping[str, Sequence[Entry]]) -> bytes:
    """Return suites, each with its cases, as JUnit XML."""
    root = ElementTree.Element("testsuites")
    for name, cases in suites.items():
        counts = {verdict: sum(case.verdict == verdict for case in cases) for verdict in _ELEMENTS}
        numbers = {
            "tests": str(len(cases)),
            "failures": str(counts["failed"]),
            "errors": "0",
            "skipped": str(counts["skipped"]),
        }
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **numbers, **_time(cases)})
        for case in cases:
            words = {"classname": name, "name": printable(case.name), **_time([case])}
            element = ElementTree.SubElement(suite, "testcase", words)
            if case.verdict in _ELEMENTS:
                ElementTree.SubElement(element, _ELEMENTS[case.verdict], message=printable(case.reason))
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _time(cases: Sequence[Entry]) -> dict[str, str]:
    seconds = [case.seconds for case in cases if case.seconds is not None]
    return {"time": f"{sum(seconds):.3f}"} if seconds else {}
