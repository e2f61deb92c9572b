"""Machines and boards: boot them, bring things there, look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline.command import command, lab
from teeforge.tasks.options import PLACE

if TYPE_CHECKING:
    from teeforge.answer import Answer
    from teeforge.machines.fleet import Place


@command(
    PLACE,
    help={
        "cold": "boot for real, without any snapshot",
        "ephemeral": "a new machine, which is gone when it is halted",
    },
)
def boot(context: Context, cold: bool = False, ephemeral: bool = False, *, place: Place) -> None:
    """Start the machine, wait until it answers over SSH."""
    fleet = lab(context).fleet
    if not ephemeral:
        fleet.start(place, cold=cold)
        return
    with fleet.ephemeral(place, hand_over=True) as place:
        fleet.start(place, cold=cold)
        print(place.name)


@command(PLACE)
def deploy(context: Context, place: Place) -> None:
    """Push TAs and host apps to the target over SSH."""
    lab(context).deploy(place)


@command(PLACE)
def shell(context: Context, place: Place) -> int:
    """Open a shell on the target."""
    return lab(context).fleet.shell(place)


@command(PLACE, help={"secure": "the secure world's console (default: Linux's)"})
def console(context: Context, secure: bool = False, *, place: Place) -> None:
    """Attach to a serial console; Ctrl-] leaves it."""
    lab(context).fleet.console(place, "secure" if secure else "normal")


@command(json=True)
def status(context: Context) -> Answer:
    """Show components, targets, and the ssh lines to type."""
    from teeforge.report import status

    return status(lab(context))


@command(PLACE, help={"all": "every machine that runs"})
def halt(context: Context, all: bool = False, *, place: Place) -> None:
    """Stop the machine."""
    fleet = lab(context).fleet
    if all:
        fleet.halt_all()
    else:
        fleet.halt(place)


@command(PLACE, name="anew")
def storage_anew(context: Context, place: Place) -> None:
    """Set a machine's secure storage aside and begin anew."""
    lab(context).fleet.renew_storage(place)
