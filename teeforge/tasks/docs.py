"""The pages, and what editors read."""

from __future__ import annotations

from invoke.context import Context

from teeforge.commandline.command import checkout, command, lab


@command(
    name="build", default=True, help={"serve": "serve it on this host until Ctrl-C, made anew at each save"}
)
def site(context: Context, serve: bool = False) -> None:
    """Build the site, its reference made from sources."""
    from teeforge.docs.site import build_site, serve_site

    own = lab(context)
    if serve:
        serve_site(own.root)
    else:
        build_site(own.root, own.workspace.build / "site")


@command()
def record(context: Context) -> None:
    """Make the picture of the README from a real demo."""
    from teeforge.docs.record import record

    root = checkout(context)
    record([root / "inv", "demo"], "./inv demo", root, root / "docs/demo.svg")


@command()
def schema(context: Context) -> None:
    """Write the JSON schemas that editors use."""
    from teeforge.base.progress import say
    from teeforge.settings.jsonschema import write_schemas

    for path in write_schemas(checkout(context)):
        say(str(path))
