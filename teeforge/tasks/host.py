"""This host and its user's shell: what is missing, what an error means, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline.command import checkout, command, lab
from teeforge.commandline.known import Known

if TYPE_CHECKING:
    from teeforge.answer import Answer


@command(
    json=True,
    help={
        "fix": "install what is missing with apt",
        "report": "write a file to attach to an issue: versions, settings, the last failure",
    },
)
def doctor(context: Context, fix: bool = False, report: bool = False) -> Answer:
    """Check that this host has all that is needed."""
    from teeforge.bugreport import write_bug_report
    from teeforge.report import health

    if report:
        return write_bug_report(checkout(context), lambda: lab(context))

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
