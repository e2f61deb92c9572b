"""`invoke store.push` and `invoke store.pull`: what is needed now, to and from the remote store."""

from __future__ import annotations

from collections.abc import Iterable

from teeforge.base.archive import Bits, bits_of
from teeforge.base.digest import digest_path
from teeforge.base.errors import TeeforgeError
from teeforge.base.locking import exclusive_lock
from teeforge.base.progress import say
from teeforge.building.builder import Builder
from teeforge.products.productlock import NAME
from teeforge.products.store import Stored
from teeforge.products.supply import Supply
from teeforge.settings.recipe import build_order, depends_on

_PUSH_SECONDS = 3600.0  # how long another process may push


def push(builder: Builder, built: Iterable[Stored], again: bool) -> None:
    """Send what of ``built`` the remote lacks (with ``again`` all of it), and note each in products.lock.

    Raises TeeforgeError if the remote cannot be reached, or if an entry is not what products.lock says of its
    key; the entries before it are there by then.
    """
    supply = _supply(builder)
    with exclusive_lock(builder.workspace.build / "push.lock", wait=_PUSH_SECONDS):
        for entry in built:
            if builder.recipes[entry.component].in_place:
                continue  # it would not run elsewhere; its packages are what travels
            bits = _vouched(entry, supply)
            if not again and supply.remote.has(entry.component, bits):
                say(f"{entry.component:<20} there already")
            else:
                scratch = builder.workspace.cache / "push"
                size = supply.remote.put(entry.component, bits, entry.folder / "products", scratch)
                say(f"{entry.component:<20} sent      {size / 1e6:8.1f} MB")
            # Only now: a line in the lock promises nothing of the remote, but should not mislead either.
            if supply.lock.bits(entry.component, entry.key) is None:
                supply.lock.add(entry.component, entry.key, bits)
    say(f"commit {NAME}: it is what others hold {supply.remote.shown} to")


def pull(builder: Builder, wanted: Iterable[str]) -> int:
    """Fetch what ``wanted`` and all it needs lacks here; say what cannot be had, and return 1 if anything."""
    supply = _supply(builder)
    done: dict[str, Stored] = {}
    missing: list[str] = []
    for name in build_order(builder.recipes, list(wanted)):
        lacking = [other for other in depends_on(builder.recipes[name]) if other not in done]
        if lacking:
            say(f"{name:<20} cannot be known before {', '.join(lacking)} is here")
            missing.append(name)
            continue
        inputs = builder.inputs(name, done)
        if entry := builder.find(name, inputs.key):
            say(f"{name:<20} here already")
        elif builder.recipes[name].in_place:
            entry = builder.build([name])[name]
        elif entry := builder.pull(name, inputs):
            say(f"{name:<20} pulled")
        else:
            missing.append(name)
            continue
        done[name] = entry
    builder.tools.save()
    if missing:
        say(f"not to be had from {supply.remote.shown}: {', '.join(missing)}; `invoke build-all` builds them")
    return 1 if missing else 0


def _supply(builder: Builder) -> Supply:
    if builder.supply is None:
        raise TeeforgeError(
            "config.yaml names no remote store",
            "set `remote:` to a folder or a URL, such as s3://bucket/teeforge or https://host/teeforge",
        )
    return builder.supply


def _vouched(entry: Stored, supply: Supply) -> Bits:
    """Return the bits of an entry's products.

    Raises TeeforgeError if they are not what was built, or not what products.lock says.
    """
    for name, product in entry.manifest["products"].items():
        if digest_path(entry.product(name)) != product["digest"]:
            raise TeeforgeError(
                f"{entry.folder}: `{name}` is not what was built", "remove that folder, and build it again"
            )
    bits = bits_of(entry.folder / "products")
    known = supply.lock.bits(entry.component, entry.key)
    if known is not None and known != bits:
        raise TeeforgeError(
            f"{entry.component} {entry.key[:12]} is other bits than {NAME} says: here {bits.sha256}, there "
            f"{known.sha256}",
            "one of the two was changed, or built with something else that its key does not hold: build it "
            f"again on a clean host; if the line is what is wrong, remove it from {NAME}",
        )
    return bits
