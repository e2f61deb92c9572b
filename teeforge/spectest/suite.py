"""`invoke spec-test`: scripts taken apart, modules compiled, all of it called in the TEE, and the report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically
from teeforge.base.progress import say
from teeforge.spectest.plan import Planner
from teeforge.spectest.report import junit_xml, lines
from teeforge.spectest.running import Drivers, compile_modules, judge_compiled, run_checks
from teeforge.spectest.scripts import load_script

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place


def run_suite(
    lab: Lab, place: Place, match: str, own: Sequence[Path], junit: Path | None, normal: bool
) -> int:
    """Run the testsuite (or ``own`` scripts) on a target; print a table; return 1 if something failed.

    With ``normal`` a column tells what passes with upstream's runtime in the normal world.
    """
    names = ["wabt", "spec_test", *([] if own else ["wasm_testsuite"])]
    built = lab.build(names)
    scripts = list(own) or sorted(built["wasm_testsuite"].product("core").glob("*.wast"))
    scripts = [script for script in scripts if match in script.stem]
    _check_there(scripts, match)
    with tempfile.TemporaryDirectory(prefix="teeforge-spec-") as scratch:
        planner, checks = Planner(), []
        for number, script in enumerate(scripts):
            folder = Path(scratch, str(number))
            folder.mkdir()
            checks += planner.plan(load_script(script, built["wabt"].product("wast2json"), folder))
        began = time.monotonic()
        compiled = compile_modules(lab, checks)
        judge_compiled(checks, compiled)
        say(f"{len(compiled)} modules compiled or refused in {time.monotonic() - began:.1f} s")
        began = time.monotonic()
        drivers = [built["spec_test"].product(name) for name in ("spec_test", "spec_test_normal")]
        passed = run_checks(lab, place, Drivers(drivers[0], drivers[1] if normal else None), checks, compiled)
    print("\n".join(lines(checks, passed if normal else None)))
    failed = sum(check.verdict == "failed" for check in checks)
    print(f"{failed} of {len(checks)} failed in the TEE of {place.name} ({time.monotonic() - began:.1f} s)")
    if junit:
        write_atomically(junit, junit_xml(checks))
    return 1 if failed else 0


def _check_there(scripts: Sequence[Path], match: str) -> None:
    if not scripts:
        raise TeeforgeError(f"--match {match}: no script of the testsuite has this in its name")
    for script in scripts:
        if not script.is_file():
            raise TeeforgeError(
                f"{script}: there is no such file", "give a .wast, a script of the specification"
            )
