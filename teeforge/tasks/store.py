"""Products: the store, and the one that others share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.context import Context

from teeforge.commandline.command import command, lab

if TYPE_CHECKING:
    from teeforge.answer import Answer


@command(name="list", default=True, json=True)
def listed(context: Context) -> Answer:
    """List the products that are kept, their sizes and ages."""
    from teeforge.report import store

    return store(lab(context))


@command(
    help={
        "keep_days": "remove what was not used for so many days",
        "max_size": "remove the longest unused until this is left, e.g. 2GiB",
    }
)
def prune(context: Context, keep_days: str = "", max_size: str = "") -> None:
    """Remove products that were not used for long."""
    from teeforge.report import prune_store

    prune_store(lab(context), keep_days, max_size)


@command(help={"again": "send also what is there already"})
def push(context: Context, again: bool = False) -> None:
    """Send products that the remote store lacks to it."""
    from teeforge.building.exchange import push as send

    own = lab(context)
    send(own.builder, own.build().values(), again)


@command()
def pull(context: Context) -> int:
    """Fetch the products needed now from the remote store."""
    from teeforge.building.exchange import pull as fetch_products

    own = lab(context)
    return fetch_products(own.builder, own.everyday())
