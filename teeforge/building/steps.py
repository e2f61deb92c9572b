"""Running the steps of a recipe: in which environment, with how many jobs, into which log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from teeforge.base import process
from teeforge.base.errors import TeeforgeError
from teeforge.base.jobserver import JobServer
from teeforge.settings.recipe import Recipe, render


def run_steps(
    recipe: Recipe,
    values: Mapping[str, str],
    jobs: JobServer,
    *,
    log: Path,
    on_line: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Run the steps one after the other, in the source folder. Raises TeeforgeError for one that fails."""
    env = step_environment(recipe, values, jobs.makeflags)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    for argv in recipe.argv(values):
        with jobs.token():
            if stopped():
                raise TeeforgeError("stopped")
            process.run_logged(
                argv,
                cwd=Path(values["source"]),
                env=env,
                log=log,
                on_line=on_line,
                pass_fds=jobs.descriptors,
            )


def step_environment(recipe: Recipe, values: Mapping[str, str], makeflags: str) -> dict[str, str]:
    """Return the environment of a recipe's steps: with a pinned toolchain, no other program than its own."""
    return process.clean_environment(
        {
            "SOURCE_DATE_EPOCH": values["source.date"],
            "GIT_CEILING_DIRECTORIES": str(Path(values["source"]).parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "MAKEFLAGS": makeflags,
            **({"PATH": values["path"]} if "path" in values else {}),
            **{key: render(value, values) for key, value in recipe.env.items()},
        }
    )
