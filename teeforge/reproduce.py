"""`invoke lock.products`: what all products are, to the bit, for every host to be compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from teeforge.base.archive import Bits, bits_of
from teeforge.base.digest import digest_file
from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.building.builder import Inputs
from teeforge.compiling.sources import Sources
from teeforge.products.productlock import NAME, Product
from teeforge.products.store import made_of
from teeforge.settings.host import ARCHITECTURES, host_architecture

if TYPE_CHECKING:
    from teeforge.building.builder import Builder
    from teeforge.lab import Lab
    from teeforge.products.store import Stored


def products(lab: Lab) -> Iterator[Product]:
    """Yield what hosts make of each component, and of samples/hello.c; all of it is built here.

    What is made for the target is the same bits whatever the host's architecture is; only the content keys
    differ. Of programs for the host (by_architecture), what this architecture's hosts make is known.
    """
    ours = host_architecture()
    built = lab.build([name for name, recipe in lab.recipes.items() if not recipe.unlocked])
    for name, entry in built.items():
        if lab.recipes[name].in_place:
            continue
        bits = bits_of(entry.folder / "products")
        yield Product(name, ours, entry.key, bits)
        for other in () if lab.recipes[name].by_architecture else ARCHITECTURES.values():
            if other != ours:
                yield Product(name, other, key_elsewhere(lab.builder, name, built, other), bits)
    hello = lab.root / "samples/hello.c"
    sources = Sources.of(hello)
    program = lab.programs.compile(sources, lab.programs.compilers(sources))
    assert program.wasm is not None
    for path in (program.wasm, program.aot):
        bits = Bits(digest_file(path), path.stat().st_size)
        for architecture in ARCHITECTURES.values():
            yield Product(f"hello{path.suffix}", architecture, digest_file(hello), bits)


def key_elsewhere(builder: Builder, name: str, done: Mapping[str, Stored], architecture: str) -> str:
    """Return the content key of a component on hosts of another architecture, with the pinned toolchain.

    ``done`` are the components that it needs as they are here, their products the same bits there.
    """
    recipe = builder.recipes[name]
    values = dict(builder.inputs(name, done).values)
    tree = builder.sources.tree(recipe, architecture=architecture)
    values["source tree"] = tree.name
    for need in recipe.needs:
        if builder.recipes[component := need.split(".")[0]].in_place:
            values[f"product {need}"] = made_of(key_elsewhere(builder, component, {}, architecture))
    return Inputs(tree, values).key


def lock_products(lab: Lab) -> None:
    """Build everything, and let products.lock say what the products are.

    What only hosts of another architecture can tell is left as it stands there.
    """
    if not lab.config.toolchain.pinned:
        raise TeeforgeError(
            f"{NAME} says what the pinned toolchain makes, and config.yaml has `toolchain: host`",
            "write `toolchain: pinned`, or use `invoke store.push` for a remote store of yours",
        )
    found = list(products(lab))
    known = {(product.component, product.architecture) for product in found}
    lock = lab.builder.lock
    lock.replace([*found, *(one for one in lock.products if (one.component, one.architecture) not in known)])
    say(f"{NAME} is written: commit it")
