"""recipes/*.yaml: how each component is made, as data."""

from __future__ import annotations

import dataclasses
import difflib
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from teeforge.base.errors import TeeforgeError, nearest
from teeforge.settings import schema
from teeforge.settings.config import Config

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.-]+)\}")
_WORD = re.compile(r"\S+")
_OWN = {
    "source": "the folder of the sources, patched and overlaid",
    "out": "the folder that products are made in",
    "python": "the Python that teeforge runs in, with its packages",
    "source.date": "when the source was committed, in seconds",
    "source.commit": "the commit of the source",
    "source.version": "its `version` in config.yaml",
    "toolchain.cross": "the prefix of the cross compiler's programs",
    "toolchain.usr": "where headers and libraries of the host's compiler are",
}
_LLVM = {
    "llvm.version": "of a recipe with `llvm`: its major version",
    "llvm.cmakedir": "of a recipe with `llvm`: where its LLVMConfig.cmake is",
    "llvm.static": "of a recipe with `llvm`: ON if it is to be linked statically",
    "llvm.link": "of a recipe with `llvm`: the libraries to link",
}
_IN_PLACE = {"home": "of a recipe that is `in_place`: where its products will lie"}
# The component that has the compilers, where the host's are not used, and its product.
TOOLCHAIN = "toolchain"
_COMPILERS = f"{TOOLCHAIN}.root"
# A word of a step that becomes the words of an option, or nothing: `{options.NAME}`.
_OPTION = re.compile(r"\{options\.(\w+)\}")
# What has a value only with some settings of config.yaml, and an option has words only when all of it has.
_OPTIONAL = {
    "memory.pool_start": "in `options`, with a larger `secure_ram`: where its pool begins",
    "memory.pool_size": "in `options`, with a larger `secure_ram`: the bytes of its pool",
    "memory.page_tables": "in `options`, with a larger `secure_ram`: page tables that the core keeps for TAs",
    "memory.core_heap": "in `options`, with a larger `secure_ram`: the bytes of the core's heap",
    "modules.keys": "in `options`, with other `modules`: the public keys whose modules run, with commas",
    "modules.any": "in `options`, with other `modules`: `y` where a module needs no signature, else `n`",
    "signing.public_key": "in `options`, with `signing: own`: the file of the public key of TAs",
}
PLACEHOLDERS = {
    **_OWN,
    "component.product": "a product that `needs` names: its file or folder",
    **_LLVM,
    **_IN_PLACE,
    "options.NAME": "in `steps`, as a word of its own: the words of that option, or none",
    **_OPTIONAL,
}


@dataclass(frozen=True)
class Deployment:
    """One product that `invoke deploy` puts on the target."""

    product: str
    """A name under `products`."""
    path: str
    """Where it goes on the target; absolute."""
    mode: str = "0755"
    """Four octal digits. A TA is 0444."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"0[0-7]{3}", self.mode):
            raise ValueError(f"mode: is `{self.mode}`, should be four octal digits such as 0444")
        if int(self.mode, 8) & 0o022:
            raise ValueError(f"mode: {self.mode} lets others write; a TA or program must not be")
        if not self.path.startswith("/"):
            raise ValueError(f"path: `{self.path}` should be absolute")


@dataclass(frozen=True)
class Recipe:
    """One component: where its files come from, how it is built, what it gives to others."""

    summary: str
    """What it is, in a line."""
    steps: tuple[str, ...]
    """Commands, each split into words once; there is no shell. {source} and {out} are its folders."""
    products: dict[str, str]
    """What others and targets may have of it: a name, and its path in {out}."""
    source: str | None = None
    """A name under `sources` in config.yaml."""
    patches: tuple[str, ...] = ()
    """What is below patches/: folders, each a series that is applied in order, or a patch of one."""
    overlay: str | None = None
    """A folder below overlays/ that is laid over the source, or is all of it."""
    needs: tuple[str, ...] = ()
    """Products that it reads, as component.product: each is a placeholder of that name."""
    tools: dict[str, str] = field(default_factory=dict)
    """Programs that its steps call, and the Debian package of each."""
    packages: tuple[str, ...] = ()
    """Debian packages that it needs beside those of `tools`, where `toolchain` is `host`."""
    llvm: tuple[int, ...] = ()
    """Versions of LLVM that it builds with, the best first."""
    env: dict[str, str] = field(default_factory=dict)
    """Environment variables of its steps."""
    options: dict[str, str] = field(default_factory=dict)
    """Words that a step's `{options.NAME}` stands for with some settings of config.yaml alone."""
    deploy: tuple[Deployment, ...] = ()
    """Products that go to the target."""
    on_request: bool = False
    """No part of `build-all`: a task asks for it when it needs it."""
    incremental: bool = False
    """Its make sees by itself what a changed source file makes stale; see leftovers.py."""
    by_architecture: bool = False
    """Its products are programs for the host, so they differ with its architecture."""
    in_place: bool = False
    """Its products work only where they lie, so others know them by what went into them."""
    unlocked: bool = False
    """products.lock says nothing of it, for it takes minutes and only what is run by hand needs it."""

    def __post_init__(self) -> None:
        if self.source is None and self.overlay is None:
            raise ValueError("source: neither `source` nor `overlay` is given: there is nothing to build")
        for name, path in self.products.items():
            pure = PurePosixPath(path)
            if pure.is_absolute() or ".." in pure.parts:
                raise ValueError(f"products.{name}: `{path}` should be inside the output folder")
        for need in self.needs:
            if need.count(".") != 1:
                raise ValueError(f"needs: `{need}` should be component.product")
        for entry in self.deploy:
            if entry.product not in self.products:
                raise ValueError(f"deploy: `{entry.product}` is no product of this recipe")
        known = {*_OWN, *self.needs, *(_LLVM if self.llvm else ()), *(_IN_PLACE if self.in_place else ())}
        steps_know = {*known, *(f"options.{name}" for name in self.options)}
        texts = [(text, steps_know) for text in self.steps]
        texts += [(text, known) for text in (*self.env.values(), *self.tools)]
        texts += [(text, {*known, *_OPTIONAL}) for text in self.options.values()]
        for text, known in texts:
            for name in _PLACEHOLDER.findall(text):
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=1)
                    meant = f"; did you mean {{{near[0]}}}?" if near else ""
                    raise ValueError(f"steps: {{{name}}} is unknown{meant} (in `{text}`)")
        for step in (*self.steps, *self.options.values()):
            try:
                words = shlex.split(step)
            except ValueError as error:
                raise ValueError(f"steps: `{step}` cannot be split: {error}") from error
            for word in words:
                if (option := _OPTION.search(word)) and word != option[0]:
                    raise ValueError(f"steps: `{word}`: {option[0]} should stand as a word of its own")

    def text(self) -> str:
        """Return what of the recipe decides the products, placeholders still in it."""
        lines = [f"step {step}" for step in self.steps]
        lines += [f"env {name}={value}" for name, value in sorted(self.env.items())]
        lines += [f"product {name}={path}" for name, path in sorted(self.products.items())]
        return "\n".join(lines)

    @property
    def compiles(self) -> bool:
        """Whether its steps use compilers or other programs of a toolchain."""
        return bool(self.tools or self.llvm)

    def host_tools(self, cross: str) -> dict[str, str]:
        """Return the programs of the host that the steps use, and the Debian package of each."""
        return {render(name, {"toolchain.cross": cross}): package for name, package in self.tools.items()}

    def argv(self, values: Mapping[str, str]) -> Iterator[list[str]]:
        """Yield each step as an argument list; split first, so that a value stays one word."""
        for step in self.steps:
            words: list[str] = []
            for word in shlex.split(step):
                option = _OPTION.fullmatch(word)
                words += self.option_words(option[1], values) if option else [render(word, values)]
            yield words

    def option_words(self, name: str, values: Mapping[str, str]) -> list[str]:
        """Return the words of an option; none where one of its placeholders has no value."""
        text = self.options[name]
        if not values.keys() >= set(_PLACEHOLDER.findall(text)):
            return []
        return [render(word, values) for word in shlex.split(text)]


@dataclass(frozen=True)
class Variant:
    """A component that is made as another one is, but for patches, words of its steps or what it is made of.

    It is there to compare that one with: built on request, not deployed, not in products.lock.
    """

    summary: str
    """What it is, in a line."""
    like: str
    """The component whose recipe it takes."""
    patches: tuple[str, ...] | None = None
    """Instead of that recipe's; an empty list: the source as it is upstream."""
    instead: dict[str, str] = field(default_factory=dict)
    """Components that it needs, each with the one of the same products that it takes instead."""
    words: dict[str, str] = field(default_factory=dict)
    """Words of the steps, each with the one that stands there instead."""

    def recipe(self, other: Recipe) -> Recipe:
        """Return the recipe that it has, made from the one that it is like."""

        def renamed(need: str) -> str:
            component, dot, product = need.partition(".")
            return f"{self.instead.get(component, component)}{dot}{product}"

        def rewritten(text: str) -> str:
            return _PLACEHOLDER.sub(lambda match: f"{{{renamed(match[1])}}}", text)

        def reworded(text: str) -> str:
            return _WORD.sub(lambda match: self.words.get(match[0], match[0]), text)

        return dataclasses.replace(
            other,
            summary=self.summary,
            patches=other.patches if self.patches is None else self.patches,
            needs=tuple(map(renamed, other.needs)),
            steps=tuple(rewritten(reworded(step)) for step in other.steps),
            env={name: rewritten(text) for name, text in other.env.items()},
            deploy=(),
            on_request=True,
            unlocked=True,
        )


# What a file in recipes/ may be.
SHAPES: tuple[type[Recipe | Variant], ...] = (Recipe, Variant)


def render(text: str, values: Mapping[str, str]) -> str:
    """Replace each {placeholder} of ``text``."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def load_recipes(root: Path, config: Config) -> dict[str, Recipe]:
    """Read every recipe of ``root``/recipes and check them against each other and the config.

    Raises one TeeforgeError that lists the mistakes of all files.
    """
    read: dict[str, Recipe | Variant] = {}
    problems: list[str] = []
    for path in sorted((root / "recipes").glob("*.yaml")):
        try:
            shape: Recipe | Variant = schema.load(path, *SHAPES)
            read[path.stem] = shape
        except TeeforgeError as error:
            problems.append(error.message)
    recipes = {name: made for name, made in read.items() if isinstance(made, Recipe)}
    variants = {name: made for name, made in read.items() if isinstance(made, Variant)}
    if not problems:
        for name, variant in variants.items():
            where = root / "recipes" / f"{name}.yaml"
            problems += [f"{where}: {text}" for text in _unlike(variant, recipes)]
    if not problems:
        made = {name: variant.recipe(recipes[variant.like]) for name, variant in variants.items()}
        recipes = dict(sorted({**recipes, **made}.items()))
        for name, recipe in recipes.items():
            where = root / "recipes" / f"{name}.yaml"
            problems += [f"{where}: {text}" for text in _references(root, config, recipes, recipe)]
        if config.toolchain.pinned and "root" not in getattr(recipes.get(TOOLCHAIN), "products", ()):
            problems.append(
                f"{root}/recipes/{TOOLCHAIN}.yaml: should give the product `root`, since config.yaml has "
                "`toolchain: pinned`"
            )
    if problems:
        raise TeeforgeError("\n".join(problems), "correct the recipes named above")
    if config.toolchain.pinned:
        recipes = {name: _with_compilers(recipe) for name, recipe in recipes.items()}
    else:
        recipes.pop(TOOLCHAIN, None)
    _in_order(recipes)
    return recipes


def _with_compilers(recipe: Recipe) -> Recipe:
    return dataclasses.replace(recipe, needs=(*recipe.needs, _COMPILERS)) if recipe.compiles else recipe


def build_order(recipes: Mapping[str, Recipe], wanted: list[str]) -> list[str]:
    """Return ``wanted`` and all they need, each after what it needs; TeeforgeError if unknown."""
    for name in wanted:
        if name not in recipes:
            raise TeeforgeError(f"no component is called `{name}`", nearest(name, recipes))
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            for other in depends_on(recipes[name]):
                visit(other)
            order.append(name)

    for name in wanted:
        visit(name)
    return order


def depends_on(recipe: Recipe) -> list[str]:
    """Return the components whose products ``recipe`` reads."""
    return sorted({need.split(".")[0] for need in recipe.needs})


def _references(root: Path, config: Config, recipes: Mapping[str, Recipe], recipe: Recipe) -> Iterator[str]:
    if recipe.source is not None and recipe.source not in config.sources:
        yield f"source: `{recipe.source}` is not in config.yaml; {nearest(recipe.source, config.sources)}"
    for name in recipe.patches:
        if not (root / "patches" / name).exists():
            yield f"patches: there is neither a folder nor a patch patches/{name}"
    if recipe.overlay is not None and not (root / "overlays" / recipe.overlay).is_dir():
        yield f"overlay: there is no folder overlays/{recipe.overlay}"
    for need in recipe.needs:
        component, product = need.split(".")
        if component not in recipes:
            yield f"needs: no component `{component}`; {nearest(component, recipes)}"
        elif product not in recipes[component].products:
            yield f"needs: `{need}` is no product; {nearest(product, recipes[component].products)}"


def _unlike(variant: Variant, recipes: Mapping[str, Recipe]) -> Iterator[str]:
    """Yield why a variant cannot be one; ``recipes`` are those of a file of their own."""
    if variant.like not in recipes:
        near = nearest(variant.like, recipes)
        yield f"like: no component `{variant.like}` has a recipe of its own; {near}"
        return
    needed = dict.fromkeys(depends_on(recipes[variant.like]))
    for component in variant.instead:
        if component not in needed:
            yield f"instead: `{variant.like}` does not need `{component}`; {nearest(component, needed)}"
    there = {word: None for step in recipes[variant.like].steps for word in _WORD.findall(step)}
    for word in variant.words:
        if word not in there:
            yield f"words: no step of `{variant.like}` has the word `{word}`; {nearest(word, there)}"


def _in_order(recipes: Mapping[str, Recipe]) -> None:
    """Raise TeeforgeError if components need each other in a circle."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise TeeforgeError(f"recipes need each other in a circle: {circle}", "break it")
        if name not in done:
            for other in depends_on(recipes[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in recipes:
        visit(name, ())
