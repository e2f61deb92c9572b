"""`invoke lock.products`: what all products are, to the bit, for every host to be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from teeforge.base.archive import Bits, bits_of
from teeforge.base.digest import digest_file
from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.products.productlock import NAME, Product
from teeforge.settings.host import host_architecture

if TYPE_CHECKING:
    from teeforge.lab import Lab


def products(lab: Lab) -> Iterator[Product]:
    """Yield what this host makes of each component, and of samples/hello.c; all of it is built."""
    architecture = host_architecture()
    built = lab.build(list(lab.recipes))
    for name, entry in built.items():
        if not lab.recipes[name].in_place:
            yield Product(name, architecture, entry.key, bits_of(entry.folder / "products"))
    hello = lab.root / "samples/hello.c"
    program = lab.program(hello, lab.wamrc(hello))
    assert program.wasm is not None
    for path in (program.wasm, program.aot):
        bits = Bits(digest_file(path), path.stat().st_size)
        yield Product(f"hello{path.suffix}", architecture, digest_file(hello), bits)


def lock_products(lab: Lab) -> None:
    """Build everything, and let products.lock say what this architecture's products are."""
    if not lab.config.toolchain.pinned:
        raise TeeforgeError(
            f"{NAME} says what the pinned toolchain makes, and config.yaml has `toolchain: host`",
            "write `toolchain: pinned`, or use `invoke store.push` for a remote store of yours",
        )
    lab.builder.lock.replace(products(lab))
    say(f"{NAME} is written: commit it")
