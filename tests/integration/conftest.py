"""A miniature of the whole: real git upstreams with real Makefiles, built in under a second."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from teeforge.base.progress import Progress
from teeforge.building.builder import Builder
from teeforge.settings.config import Config, load_config
from teeforge.settings.lock import load_lock
from teeforge.settings.recipe import load_recipes
from teeforge.settings.workspace import Workspace, open_workspace

from .bench import Bench

MAKEFILE = """\
all: $(O)/greeting.txt
$(O)/greeting.txt: greeting.in
\tsed s/WHO/world/ $< > $@
\techo run >> $(O)/../../runs-$(NAME)
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class Upstream:
    """A real git repository that plays the upstream."""

    folder: Path

    def commit(self, **files: str) -> str:
        if not (self.folder / ".git").exists():
            self.folder.mkdir(parents=True)
            git(self.folder, "init", "--quiet", "--initial-branch=main")
            # As every large host does: any commit that a ref reaches may be asked for.
            git(self.folder, "config", "uploadpack.allowAnySHA1InWant", "true")
        for name, text in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message=a change")
        return git(self.folder, "rev-parse", "HEAD")

    @property
    def url(self) -> str:
        return self.folder.as_uri()


@dataclass
class Checkout:
    """A checkout of a made-up project with two components, `greeting` and `letter`."""

    root: Path
    upstream: Upstream
    pin: str
    settings: dict[str, object] = field(default_factory=dict)

    def configure(self, **more: object) -> None:
        source = {"url": self.upstream.url, "commit": self.pin}
        self.settings = {
            "sources": {"greeting": source},
            "targets": {"qemu": {"kind": "qemu"}},
            "toolchain": "host",
            **self.settings,
            **more,
        }
        (self.root / "config.yaml").write_text(yaml.safe_dump(self.settings), encoding="utf-8")
        load_config.cache_clear()

    def pinned(self, commit: str, **more: object) -> None:
        source = {"url": self.upstream.url, "commit": commit, **more}
        self.configure(sources={"greeting": source})

    def recipe(self, name: str, **keys: object) -> None:
        path = self.root / "recipes" / f"{name}.yaml"
        old = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(yaml.safe_dump({**old, **keys}), encoding="utf-8")

    @property
    def config(self) -> Config:
        return load_config(self.root)

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.root, self.config)

    def builder(self) -> Builder:
        lock = load_lock(self.root, self.config)
        return Builder(self.workspace, self.config, lock, load_recipes(self.root, self.config), Progress())

    def runs(self, name: str) -> int:
        """How often the steps of a component really ran."""
        record = self.workspace.work / f"runs-{name}"
        return len(record.read_text().splitlines()) if record.exists() else 0


def make_checkout(root: Path, upstream: Upstream) -> Checkout:
    pin = upstream.commit(
        Makefile=MAKEFILE, **{"greeting.in": "hello WHO\n", "notes.txt": "one\ntwo\nthree\n"}
    )
    for folder in ("recipes", "patches/greeting", "overlays/letter"):
        (root / folder).mkdir(parents=True)
    checkout = Checkout(root, upstream, pin)
    checkout.configure()
    (root / "debian.lock").write_text("snapshot: 20261122T000000Z\npackages: {}\n", encoding="utf-8")
    checkout.recipe(
        "greeting",
        summary="the greeting",
        source="greeting",
        patches=["greeting"],
        tools={"make": "make", "sed": "sed"},
        steps=["make -C {source} O={out} NAME=greeting"],
        products={"text": "greeting.txt"},
    )
    (root / "overlays/letter/Makefile").write_text(MAKEFILE.replace("greeting.in", "letter.in $(TEXT)"))
    (root / "overlays/letter/letter.in").write_text("dear WHO\n")
    checkout.recipe(
        "letter",
        summary="a letter that holds the greeting",
        overlay="letter",
        needs=["greeting.text"],
        steps=["make -C {source} O={out} TEXT={greeting.text} NAME=letter"],
        products={"letter": "greeting.txt"},
    )
    return checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path / "checkout", Upstream(tmp_path / "upstream"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for machine in made.machines:
        machine.halt()
