"""Products by content key: what was built once from the same inputs is never built again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teeforge.digest import digest_path
from teeforge.errors import TeeforgeError

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Stored:
    """One entry: the products of ``component`` under ``key``, and how they came to be."""

    component: str
    key: str
    folder: Path
    manifest: Mapping[str, Any]

    def product(self, name: str) -> Path:
        """Return the path of a product, a file or a folder."""
        return self.folder / "products" / str(self.manifest["products"][name]["path"])

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a product in hex."""
        return str(self.manifest["products"][name]["digest"])


class Store:
    """A folder ``<component>/<key>/`` of manifests and products; entries are written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, component: str, key: str) -> Stored | None:
        """Return the entry, or None if it was never completed."""
        folder = self._folder(component, key)
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        stored = Stored(component, key, folder, manifest)
        whole = manifest.get("key") == key and all(
            stored.product(name).exists() for name in manifest["products"]
        )
        return stored if whole else None

    def add(
        self,
        component: str,
        key: str,
        out: Path,
        products: Mapping[str, str],
        facts: Mapping[str, Any],
    ) -> Stored:
        """Copy ``products`` (name -> path below ``out``) in, with ``facts`` beside them in the manifest."""
        folder = self._folder(component, key)
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}.{os.urandom(4).hex()}")
        described: dict[str, dict[str, str]] = {}
        try:
            for name, path in products.items():
                made = out / path
                if not made.exists():
                    raise TeeforgeError(
                        f"recipes/{component}.yaml: products.{name}: the steps succeeded but left no {made}",
                        "correct the path, or the step that should have made it",
                    )
                kept = fresh / "products" / path
                kept.parent.mkdir(parents=True, exist_ok=True)
                if made.is_dir():
                    shutil.copytree(made, kept, symlinks=True, dirs_exist_ok=True)
                else:
                    shutil.copy2(made, kept)
                described[name] = {"path": path, "digest": digest_path(kept)}
            manifest = {"component": component, "key": key, "products": described, **facts}
            (fresh / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            _publish(fresh, folder)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return Stored(component, key, folder, manifest)

    def _folder(self, component: str, key: str) -> Path:
        return self.folder / component / key[:32]


def _publish(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` into place; a broken entry that stands there gives way."""
    try:
        fresh.rename(folder)
    except OSError:
        broken = folder.with_name(f"{fresh.name}.old")
        folder.rename(broken)
        fresh.rename(folder)
        shutil.rmtree(broken, ignore_errors=True)
