"""Products by content key: what was built once from the same inputs is never built again."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teeforge.base.digest import digest_path
from teeforge.base.errors import OTHER_BUILD_DIR, TeeforgeError
from teeforge.base.files import make_shared, plain_modes, shared_mode
from teeforge.base.hostboot import host_boot
from teeforge.products.looks import changed_file, write_looks

_MANIFEST = "manifest.json"
_CHECKED = "checked"
_LOOKS = "looks"


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

    def identity(self, name: str) -> str:
        """Return what a product is known by to those who read it, wherever it lies.

        That is its digest; where its bits depend on the place that it was made for, the key of its inputs.
        """
        return made_of(self.key) if "home" in self.manifest else self.digest(name)


def made_of(key: str) -> str:
    """Return what a product is known by whose bits depend on the place that it was made for."""
    return f"made of {key}"


class Store:
    """Folders ``<component>/<key>/`` of manifests and products; entries are written whole or not at all.

    All ``folders`` are read; the first that lets us write takes what is new, so that a store of somebody
    else serves as well. Any number of processes may use one at once: an entry appears by one rename, and
    one that is there and whole is never replaced.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders

    def find(self, component: str, key: str) -> Stored | None:
        """Return the entry, or None if it was never completed."""
        found = (_whole(component, key, folder / component / key[:32]) for folder in self.folders)
        return next((entry for entry in found if entry), None)

    def entries(self) -> list[Stored]:
        """Return every completed entry."""
        manifests = [path for folder in self.folders for path in sorted(folder.glob("*/*/" + _MANIFEST))]
        folders = [path.parent for path in manifests if not path.parent.name.startswith(".")]
        found = [(folder, _read(folder)) for folder in folders]
        return [
            Stored(folder.parent.name, str(manifest["key"]), folder, manifest)
            for folder, manifest in found
            if manifest is not None
        ]

    def newest(self, component: str) -> Stored | None:
        """Return the entry of a component that was used last, or None."""
        mine = [entry for entry in self.entries() if entry.component == component]
        return max(mine, key=self.last_used, default=None)

    def damage(self, entry: Stored) -> str:
        """Return a file of an entry made in place that is gone or not as it was written; empty if none."""
        return changed_file(entry.folder / "products", entry.folder / _LOOKS)

    def used(self, entry: Stored) -> None:
        """Remember that an entry was used now; somebody else's store may not be written."""
        with contextlib.suppress(OSError):
            os.utime(entry.folder / _MANIFEST)

    def last_used(self, entry: Stored) -> float:
        """Return when an entry was last used, in Unix seconds; 0 if another process removed it just now."""
        try:
            return (entry.folder / _MANIFEST).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def remove(self, entry: Stored) -> bool:
        """Remove an entry, one that is half removed is none; say whether it was ours to remove."""
        doomed = _beside(entry.folder)
        try:
            entry.folder.rename(doomed)
        except OSError:
            return False
        shutil.rmtree(doomed, ignore_errors=True)
        return True

    def add(
        self,
        component: str,
        key: str,
        products: Mapping[str, str],
        fill: Callable[[Path], None],
        facts: Mapping[str, Any],
    ) -> Stored:
        """Make an entry: ``fill`` puts ``products`` (name -> path) into the folder that it is given.

        The manifest keeps a digest of each beside ``facts``. An exception leaves nothing behind. If another
        process was quicker, its entry is returned: who reads it now must not lose it.
        """
        fresh = self._fresh(component, key)
        try:
            kept = fresh / "products"
            fill(kept)
            plain_modes(kept)
            if "home" in facts:
                write_looks(kept, fresh / _LOOKS)
            for name, path in products.items():
                if not (kept / path).exists():
                    raise TeeforgeError(f"{component}: {path}, its product `{name}`, is missing")
            described = {
                name: {"path": path, "digest": digest_path(kept / path)} for name, path in products.items()
            }
            manifest = {
                "component": component,
                "key": key,
                "products": described,
                "boot": host_boot(),
                **facts,
            }
            (fresh / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            (fresh / _MANIFEST).chmod(shared_mode(0o666))
            return _publish(component, key, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def writable(self) -> Path:
        """Return the folder that takes what is new."""
        fresh = self._fresh(".try", "x")
        shutil.rmtree(fresh.parent)
        return fresh.parents[1]

    def _fresh(self, component: str, key: str) -> Path:
        """Make a folder beside where an entry will stand, in the first store that lets us."""
        refused: OSError | None = None
        for store in self.folders:
            fresh = _beside(store / component / key[:32])
            try:
                make_shared(fresh)
                (fresh / "products").mkdir()
                return fresh
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                    raise
                refused = error
        raise TeeforgeError(f"{refused}", OTHER_BUILD_DIR)


def move_products(component: str, out: Path, products: Mapping[str, str], kept: Path) -> None:
    """Move ``products`` (name -> path below ``out``) to the same paths below ``kept``."""
    for name, path in products.items():
        _expect(component, name, out / path)
        (kept / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(out / path, kept / path)


def copy_products(component: str, out: Path, products: Mapping[str, str], kept: Path) -> None:
    """Copy ``products`` (name -> path below ``out``) to the same paths below ``kept``.

    Raises TeeforgeError if the steps of ``component`` did not make one of them.
    """
    for name, path in products.items():
        made, copy = out / path, kept / path
        _expect(component, name, made)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if made.is_dir():
            shutil.copytree(made, copy, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(made, copy)


def _expect(component: str, name: str, made: Path) -> None:
    if not made.exists():
        raise TeeforgeError(
            f"recipes/{component}.yaml: products.{name}: the steps succeeded but left no {made}",
            "correct the path, or the step that should have made it",
        )


def _whole(component: str, key: str, folder: Path) -> Stored | None:
    """Return the entry in ``folder`` if it is there and nothing of it is missing."""
    manifest = _read(folder)
    if manifest is None or manifest["key"] != key:
        return None
    if manifest.get("home") not in (None, str(folder / "products")):
        return None  # it was moved, and runs only where it was
    stored = Stored(component, key, folder, manifest)
    there = all(stored.product(name).exists() for name in manifest["products"])
    return stored if there and _is_on_disk(stored) else None


def _is_on_disk(stored: Stored) -> bool:
    """Say whether the products still are what they were, which is in doubt once after the host's start."""
    checked = stored.folder / _CHECKED
    if stored.manifest.get("boot") == host_boot() or checked.exists():
        return True
    names = stored.manifest["products"]
    if any(digest_path(stored.product(name)) != stored.digest(name) for name in names):
        return False
    with contextlib.suppress(OSError):  # a store that we may only read
        checked.touch()
    return True


def _read(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of an entry, or None if it is not there or torn."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and {"key", "products"} <= manifest.keys() else None


def _publish(component: str, key: str, fresh: Path) -> Stored:
    """Rename ``fresh`` into place and return the entry there; one that is broken gives way."""
    folder = fresh.parent / key[:32]
    while True:
        with contextlib.suppress(OSError):
            fresh.rename(folder)
        if entry := _whole(component, key, folder):
            return entry
        if not fresh.is_dir():
            raise TeeforgeError(f"{folder} was removed as soon as it was made", "run it again")
        broken = _beside(folder)
        with contextlib.suppress(FileNotFoundError):  # another process took it away
            folder.rename(broken)
        shutil.rmtree(broken, ignore_errors=True)


def _beside(folder: Path) -> Path:
    """Return a name for what is not an entry yet, or no more."""
    return folder.with_name(f".{folder.name}.{os.getpid()}.{os.urandom(4).hex()}")
