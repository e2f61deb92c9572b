"""This host and its user's shell: what is missing, what an error means, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline.command import command, lab
from teeforge.commandline.known import Known

if TYPE_CHECKING:
    from teeforge.answer import Answer


@command(json=True, help={"fix": "install what is missing with apt"})
def doctor(context: Context, fix: bool = False) -> Answer:
    """Check that this host has all that is needed."""
    from teeforge.report import health

    return health(lab(context), fix)


@command(help={"what": "a result code, a message, or a log file of the secure world"})
def explain_error(context: Context, what: str) -> int:
    """Put a TEE error or a TA's panic into words."""
    from teeforge.inspection import show_explanation

    return show_explanation(lab(context), what)


@command(help={"shell": Known("bash, zsh or fish", ("bash", "zsh", "fish"))})
def completion(_: Context, shell: str) -> None:
    """Print a script that has TAB complete names."""
    from teeforge.commandline.complete import script

    print(script(shell))
