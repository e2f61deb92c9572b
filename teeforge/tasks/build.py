"""Making the stack: sources, components, what is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline.command import command, lab
from teeforge.tasks.options import COMPONENT, JOBS, PLACE

if TYPE_CHECKING:
    from teeforge.answer import Answer
    from teeforge.machines.fleet import Place


@command(PLACE)
def demo(context: Context, place: Place) -> int:
    """Do it all, from a bare host to the TEE's greeting."""
    from teeforge.runs.running import demo

    return demo(lab(context), place)


@command()
def fetch(context: Context) -> None:
    """Fetch every source at its pinned commit or version."""
    lab(context).fetch()


@command()
def patch(context: Context) -> None:
    """Write out every component's patched work tree."""
    lab(context).patch()


@command(help={"name": COMPONENT, "jobs": JOBS})
def build(context: Context, name: str, jobs: int = 0) -> None:
    """Build one component and what it needs."""
    lab(context, jobs=jobs).build([name])


@command(help={"jobs": JOBS})
def build_all(context: Context, jobs: int = 0) -> None:
    """Build every component that is not up to date."""
    lab(context, jobs=jobs).build()


@command(json=True, help={"name": COMPONENT})
def explain(context: Context, name: str) -> Answer:
    """Say which input of a component changed, old and new."""
    from teeforge.answer import Answer
    from teeforge.building.why import explain

    found = explain(lab(context).builder, name)
    return Answer(found.as_json(), found.lines())


@command(json=True, help={"name": COMPONENT})
def why(context: Context, name: str) -> Answer:
    """Say who needs a component, and what of it is deployed."""
    from teeforge.answer import Answer
    from teeforge.building.why import dependents

    found = dependents(lab(context).recipes, name)
    return Answer(found.as_json(), found.lines())


@command(help={"everything": "sources, products, keys and machines as well"})
def clean(context: Context, everything: bool = False) -> None:
    """Remove work trees, logs and caches."""
    lab(context).clean(everything)


@command(name="debian", default=True)
def lock(context: Context) -> None:
    """Pin config.yaml's Debian packages anew in debian.lock."""
    from teeforge.base.progress import say
    from teeforge.fetch.relock import relock

    own = lab(context)
    for line in relock(own.root, own.config):
        say(line)


@command(name="products")
def lock_products(context: Context) -> None:
    """Write to products.lock what each product is."""
    from teeforge.reproduce import lock_products

    lock_products(lab(context))
