"""What `invoke status` and `invoke doctor` print: tables for people, JSON for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from teeforge.config import QemuTarget
from teeforge.doctor import ensure_host, examine, missing_packages
from teeforge.progress import say
from teeforge.recipe import build_order, depends_on

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.store import Stored


def show_status(lab: Lab, as_json: bool) -> None:
    """Print which components are up to date and which targets run; nothing is fetched or built."""
    report = {"components": _components(lab), "targets": _targets(lab)}
    if as_json:
        print(json.dumps(report, indent=1))
        return
    for name, component in report["components"].items():
        print(f"{name:<20} {component['state']:<12} {component['summary']}")
    for name, target in report["targets"].items():
        print(f"\n{name:<20} {target['state']}")
        for key in ("ssh", "scp", "normal console", "secure console"):
            if key in target:
                print(f"    {key:<15} {target[key]}")


def show_health(lab: Lab, fix: bool, as_json: bool) -> int:
    """Print what the host has and lacks; return 1 if something is missing and was not installed."""
    if fix:
        ensure_host(lab.config, lab.recipes)
    checks = examine(lab.config, lab.recipes)
    if as_json:
        print(
            json.dumps([{"name": c.name, "found": c.found, "packages": c.packages} for c in checks], indent=1)
        )
    else:
        for check in checks:
            words = check.found if check.ok else f"MISSING: apt install {' '.join(check.packages)}"
            print(f"{check.name:<28} {words}")
    if missing := missing_packages(checks):
        say(f"to install all that is missing: invoke doctor --fix, or apt install {' '.join(missing)}")
        return 1
    return 0


def _components(lab: Lab) -> dict[str, Any]:
    done: dict[str, Stored] = {}
    report: dict[str, Any] = {}
    for name in build_order(lab.recipes, list(lab.recipes)):
        recipe = lab.recipes[name]
        entry = lab.builder.peek(name, done) if all(n in done for n in depends_on(recipe)) else None
        if entry:
            done[name] = entry
        report[name] = {
            "state": "up to date" if entry else "to build",
            "summary": recipe.summary,
            "key": entry.key if entry else None,
        }
    return report


def _targets(lab: Lab) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for name, settings in lab.config.targets.items():
        if not isinstance(settings, QemuTarget):
            address = lab.board(name, settings).address
            report[name] = {"state": "a board", "ssh": address.ssh_line(), "scp": address.scp_line()}
            continue
        machine = lab.machine_as_it_is(name)
        state = machine.state()
        report[name] = {"state": state}
        if state != "off":
            report[name] |= {
                "ssh": machine.ssh_line(),
                "scp": machine.scp_line(),
                "normal console": str(machine.console_log("normal")),
                "secure console": str(machine.console_log("secure")),
            }
    return report
