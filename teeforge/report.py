"""What `invoke status`, `doctor` and `store` answer: tables for people, JSON for scripts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from teeforge.answer import Answer
from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.building.doctor import Check, ensure_host, examine, missing_packages
from teeforge.machines.ephemeral import is_ephemeral
from teeforge.products.storekeeping import prune, shelves
from teeforge.settings.config import QemuTarget, parse_size
from teeforge.settings.recipe import TOOLCHAIN

if TYPE_CHECKING:
    from teeforge.lab import Lab


def status(lab: Lab) -> Answer:
    """Say which components are up to date and which targets run; nothing is fetched or built."""
    report = {
        "components": _components(lab),
        "targets": _targets(lab),
        "modules": _modules(lab),
        "tas": _tas(lab),
    }
    return Answer(report, _status_lines(report))


def _status_lines(report: dict[str, Any]) -> Iterator[str]:
    for name, component in report["components"].items():
        yield f"{name:<20} {component['state']:<12} {component['summary']}"
    for name, target in report["targets"].items():
        gone = ", ephemeral" if target.get("ephemeral") else ""
        yield f"\n{name:<20} {target['state']}{gone}"
        for key in ("ssh", "scp", "normal console", "secure console"):
            if key in target:
                yield f"    {key:<15} {target[key]}"
    yield f"\n{'TAs':<20} {report['tas']['says']}"
    yield f"{'modules':<20} {report['modules']['says']}"
    for key in report["modules"]["keys"]:
        yield f"    {'signed by':<15} {key}"


def _tas(lab: Lab) -> dict[str, Any]:
    """Return whose TAs the core loads."""
    says = {
        "development": "signed with OP-TEE's key, which everybody has (`signing: own`: yours); SECURITY.md",
        "own": "run with the signature of this environment alone (`signing: own`)",
    }
    return {"key": lab.config.signing, "says": says[lab.config.signing]}


def _modules(lab: Lab) -> dict[str, Any]:
    """Return whose modules run."""
    modules = lab.config.modules
    says = {
        "development": "run if signed; with the development key, which everybody has (`modules: own`: yours)",
        "own": f"run if signed; the key is this environment's, in {lab.workspace.identity}",
        "any": "all run, signed or not (`modules: any`)",
    }
    return {"key": modules.key, "says": says[modules.key], "keys": list(lab.signer.known)}


def health(lab: Lab, fix: bool) -> Answer:
    """Say what the host has and lacks; the status is 1 if something is missing and was not installed."""
    if fix:
        ensure_host(lab.config, lab.recipes)
    checks = [*examine(lab.config, lab.recipes), *_pinned(lab)]
    rows = [{"name": c.name, "found": c.found, "packages": c.packages, "problem": c.problem} for c in checks]
    missing = " ".join(missing_packages(checks))
    return Answer(
        rows,
        [f"{check.name:<28} {check.words()}" for check in checks],
        0 if all(check.ok for check in checks) else 1,
        f"to install all that is missing: `invoke doctor --fix`, or apt install {missing}" if missing else "",
    )


def _pinned(lab: Lab) -> Iterator[Check]:
    """Yield a row on the pinned toolchain, which the host needs not have."""
    if not lab.config.toolchain.pinned:
        return
    entry = lab.builder.peek(TOOLCHAIN, {})
    if entry is None:
        yield Check("toolchain", "pinned; the first build brings it here")
    elif changed := lab.builder.places.damage(entry):
        yield Check("toolchain", "", problem=f"{changed} was changed or is gone; the next build mends it")
    else:
        yield Check("toolchain", f"pinned, in {entry.product('root')}")


def store(lab: Lab) -> Answer:
    """List the store's entries, most recently used first."""
    found = shelves(lab.builder.stores, lab.builder.up_to_date().values())
    rows = [
        {
            "component": shelf.entry.component,
            "key": shelf.entry.key,
            "bytes": shelf.size,
            "days_unused": round(shelf.days, 2),
            "current": shelf.current,
        }
        for shelf in found
    ]
    lines = []
    for shelf in found:
        used = "in use" if shelf.current else f"unused for {shelf.days:.1f} days"
        lines.append(f"{shelf.entry.component:<20} {shelf.entry.key[:12]} {shelf.size / 1e6:8.1f} MB  {used}")
    where = " and ".join(str(folder) for folder in lab.builder.stores.folders)
    return Answer(rows, [*lines, f"{sum(shelf.size for shelf in found) / 1e6:.1f} MB in {where}"])


def prune_store(lab: Lab, keep_days: str, max_size: str) -> None:
    """Remove entries by age and size, and say what went."""
    if not keep_days and not max_size:
        raise TeeforgeError("nothing to prune by", "give --keep-days 30, --max-size 2GiB, or both")
    try:
        days = float(keep_days) if keep_days else None
        size = parse_size(max_size, "--max-size") if max_size else None
    except ValueError as error:
        raise TeeforgeError(f"store.prune: {error}", "for example --keep-days 30 --max-size 2GiB") from error
    gone = prune(lab.builder.stores, lab.builder.up_to_date().values(), days, size)
    for shelf in gone:
        say(f"removed {shelf.entry.component} {shelf.entry.key[:12]} {shelf.size / 1e6:.1f} MB")
    say(f"{len(gone)} entries removed")


def _components(lab: Lab) -> dict[str, Any]:
    current = lab.builder.up_to_date()
    report: dict[str, Any] = {}
    for name, recipe in lab.recipes.items():
        entry = current.get(name)
        report[name] = {
            "state": "up to date" if entry else "on request" if recipe.on_request else "to build",
            "summary": recipe.summary,
            "key": entry.key if entry else None,
        }
    return report


def _targets(lab: Lab) -> dict[str, Any]:
    """Return boards, and every machine, whether config.yaml has its name or `--name` gave it."""
    report: dict[str, Any] = {}
    for name, settings in lab.config.targets.items():
        if not isinstance(settings, QemuTarget):
            address = lab.fleet.board(name, settings).address
            report[name] = {"state": "a board", "ssh": address.ssh_line(), "scp": address.scp_line()}
    for name in lab.fleet.machines():
        machine = lab.fleet.machine_as_it_is(name)
        state = machine.state()
        report[name] = {"state": state, "ephemeral": is_ephemeral(machine.folder)}
        if state == "off":
            continue
        # One that is just being started has no port yet.
        with contextlib.suppress(TeeforgeError):
            report[name] |= {"ssh": machine.ssh_line(), "scp": machine.scp_line()}
        report[name] |= {
            "normal console": str(machine.console_log("normal")),
            "secure console": str(machine.console_log("secure")),
        }
    return report
