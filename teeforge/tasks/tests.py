"""Tests: ours, and the official suites in the TEE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline import known
from teeforge.commandline.command import command, lab
from teeforge.commandline.known import Known
from teeforge.tasks.options import JUNIT, PLACE, path

if TYPE_CHECKING:
    from teeforge.machines.fleet import Place


@command(
    help={
        "only": Known(
            "unit, integration, e2e, or hosts: other systems (default: all but hosts)", known.kinds_of_tests
        ),
        "match": "only the tests whose name has this, as pytest -k",
    }
)
def test(context: Context, only: str = "", match: str = "") -> int:
    """Run the whole test suite, lint to end-to-end."""
    from teeforge.selftest import run_tests

    return run_tests(lab(context), only, match)


@command(PLACE, help={"match": "only the modules whose name has this", "junit": JUNIT})
def wasi_test(context: Context, match: str = "", junit: str = "", *, place: Place) -> int:
    """Run the official WASI test suite in the TEE."""
    from teeforge.runs.wasi_test import run_suite

    return run_suite(lab(context), place, match, path(junit))


@command(
    PLACE,
    iterable=["wast"],
    help={
        "match": "only the scripts whose name has this",
        "wast": "a script of your own instead of the suite's; may be repeated",
        "junit": JUNIT,
        "normal": "also run it with upstream's runtime in the normal world",
    },
)
def spec_test(
    context: Context,
    match: str = "",
    wast: list[str] | None = None,
    junit: str = "",
    normal: bool = False,
    *,
    place: Place,
) -> int:
    """Run WebAssembly's own test suite in the TEE."""
    from teeforge.spectest.suite import run_suite

    own = [Path(script).expanduser() for script in wast or ()]
    return run_suite(lab(context), place, match, own, path(junit), normal)


@command(
    help={
        "match": "only the cases whose name has this, or one of these with commas",
        "junit": JUNIT,
        "target": Known("a target of config.yaml whose machine it is (default: qemu)", known.targets),
    }
)
def xtest(context: Context, match: str = "", junit: str = "", target: str = "qemu") -> int:
    """Run OP-TEE's own test suite, with our patches and without."""
    from teeforge.machines.fleet import Place
    from teeforge.xtest.running import run_xtest

    return run_xtest(lab(context), Place(target), [word for word in match.split(",") if word], path(junit))
