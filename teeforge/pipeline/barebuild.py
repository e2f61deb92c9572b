"""The plain way to build: the recipes' own commands by hand, one component after the other.

No store, no hashing, no jobserver: what `invoke build-all` is measured against. Run as a program in a
checkout, it prints the seconds of each component as JSON; getting the sources ready is not counted.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.base.guard import guard
from teeforge.base.process import cpu_seconds
from teeforge.building.builder import Builder
from teeforge.building.steps import step_environment
from teeforge.lab import Lab
from teeforge.products.store import Stored
from teeforge.settings.recipe import build_order, depends_on


def bare_build(lab: Lab, folder: Path) -> dict[str, tuple[float, float]]:
    """Build all everyday components in the empty ``folder``; return what each one's steps took.

    That is seconds on the clock, and seconds of CPU, which say less of what else the host had to do.
    """
    builder = lab.builder
    done: dict[str, Stored] = {}
    took: dict[str, tuple[float, float]] = {}
    for name in build_order(builder.recipes, lab.everyday()):
        if builder.recipes[name].in_place:
            done |= builder.build([name])  # whoever builds by hand has compilers, too
            continue
        needs = {other: done[other] for other in depends_on(builder.recipes[name])}
        took[name] = _steps(builder, name, folder / name, needs, lab.config.job_count)
        # Its products are looked for where an entry of the store has them.
        described = {product: {"path": path} for product, path in builder.recipes[name].products.items()}
        (folder / name / "products").symlink_to("out")
        done[name] = Stored(name, "", folder / name, {"products": described})
    return took


def _steps(
    builder: Builder, name: str, folder: Path, done: dict[str, Stored], jobs: int
) -> tuple[float, float]:
    recipe = builder.recipes[name]
    source, out = folder / "source", folder / "out"
    out.mkdir(parents=True)
    tree = builder.sources.tree(recipe)
    builder.sources.check_out(recipe, source)
    values = builder.values(recipe, tree, source, out, done)
    env = step_environment(recipe, values, f" -j{jobs}")
    began, cpu = time.monotonic(), cpu_seconds()
    with (folder / "log").open("wb") as log:
        for argv in recipe.argv(values):
            status = subprocess.run(argv, cwd=source, env=env, stdout=log, stderr=log, check=False).returncode
            if status != 0:
                raise TeeforgeError(f"{name}: {argv[0]} failed with exit status {status}: see {log.name}")
    return time.monotonic() - began, cpu_seconds() - cpu


def main(folder: Path) -> None:
    """Build in ``folder``, made anew, and print what it took."""
    shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(bare_build(Lab(Path.cwd()), folder)))


if __name__ == "__main__":
    sys.exit(guard(lambda: main(Path(sys.argv[1]))))
