"""The pinned toolchain as it lies in the store: its programs, and what compiles C to WebAssembly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.building.toolchain import Llvm, WasmCompiler, llvm_at, wasm_compiler_at
from teeforge.products.store import Store, Stored


@dataclass(frozen=True)
class PinnedToolchain:
    """A toolchain that was made of Debian packages and runs where it lies, below ``root``."""

    root: Path

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.root / "usr/bin"

    def llvm(self) -> Llvm:
        """Return its LLVM."""
        return llvm_at(self._only("usr/lib/llvm-*"))

    def wasm_compiler(self, memory: Path | None = None) -> WasmCompiler:
        """Return its compiler of C to WASI modules; see find_wasm_compiler() for ``memory``."""
        return wasm_compiler_at(self._only("usr/bin/clang-[0-9]*"), self.root / "usr", memory)

    def _only(self, pattern: str) -> Path:
        found = sorted(self.root.glob(pattern))
        if not found:
            raise TeeforgeError(
                f"the toolchain in {self.root} has no {pattern}", "`invoke lock` pins it anew"
            )
        return found[0]


def sound(store: Store, entry: Stored) -> PinnedToolchain:
    """Return the toolchain of an entry of the store; TeeforgeError, and it is removed, if it is damaged."""
    if changed := store.damage(entry):
        store.remove(entry)
        raise TeeforgeError(
            f"the toolchain in the store is damaged: {changed} was changed or is gone",
            "run it again: it was removed, and is made anew from its packages",
        )
    return PinnedToolchain(entry.product("root"))
