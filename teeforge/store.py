"""Products by content key: what was built once from the same inputs is never built again."""

from __future__ import annotations

import contextlib
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
        manifest = _read(folder)
        if manifest is None:
            return None
        stored = Stored(component, key, folder, manifest)
        whole = manifest.get("key") == key and all(
            stored.product(name).exists() for name in manifest["products"]
        )
        return stored if whole else None

    def entries(self) -> list[Stored]:
        """Return every completed entry."""
        folders = [path.parent for path in sorted(self.folder.glob("*/*/" + _MANIFEST))]
        found = [(folder, _read(folder)) for folder in folders if not folder.name.startswith(".")]
        return [
            Stored(folder.parent.name, str(manifest["key"]), folder, manifest)
            for folder, manifest in found
            if manifest is not None
        ]

    def newest(self, component: str) -> Stored | None:
        """Return the entry of a component that was used last, or None."""
        mine = [entry for entry in self.entries() if entry.component == component]
        return max(mine, key=self.last_used, default=None)

    def used(self, entry: Stored) -> None:
        """Remember that an entry was used now; somebody else's store may not be written."""
        with contextlib.suppress(OSError):
            os.utime(entry.folder / _MANIFEST)

    def last_used(self, entry: Stored) -> float:
        """Return when an entry was last used, in Unix seconds."""
        return (entry.folder / _MANIFEST).stat().st_mtime

    def remove(self, entry: Stored) -> None:
        """Remove an entry; one that is half removed is none."""
        doomed = entry.folder.with_name(f".{entry.folder.name}.{os.getpid()}.{os.urandom(4).hex()}")
        entry.folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

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


def _read(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of an entry, or None if it is not there or torn."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and {"key", "products"} <= manifest.keys() else None


def _publish(fresh: Path, folder: Path) -> None:
    """Rename ``fresh`` into place; a broken entry that stands there gives way."""
    try:
        fresh.rename(folder)
    except OSError:
        broken = folder.with_name(f"{fresh.name}.old")
        folder.rename(broken)
        fresh.rename(folder)
        shutil.rmtree(broken, ignore_errors=True)
