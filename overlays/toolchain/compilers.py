"""Making the compilers look for headers, libraries and loaders below the toolchain, and nowhere else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def confine(gcc: list[str], specs: Path, sysroot: Path, *, link: str = "", cross: bool = False) -> None:
    """Write the specs file that a gcc reads by itself, from its own ones (GCC manual, "Spec Files").

    ``gcc`` is how to run it now, ``link`` what it tells the linker beside the usual. No path of ``sysroot``
    gets into what it makes, nor which of Debian's builds of it made that. With ``cross`` it takes no library
    of the host.
    """
    text = subprocess.run([*gcc, "-dumpspecs"], check=True, capture_output=True, text=True).stdout
    text = _with(text, "self_spec", f"--sysroot={sysroot}")
    # It names headers by whichever path is shorter, as it found them or without symbolic links.
    maps = " ".join(f"-ffile-prefix-map={path}=" for path in dict.fromkeys([sysroot, sysroot.resolve()]))
    for compiler in ("cc1", "cc1plus"):
        text = _with(text, compiler, f"{maps} -fno-ident")
    if link:
        text = _with(text, "link", link)
    if cross:
        text = text.replace("\n*cross_compile:\n0\n", "\n*cross_compile:\n1\n")
    specs.write_text(text, encoding="utf-8")


def _with(specs: str, name: str, more: str) -> str:
    """Add words to the spec of a name."""
    found = re.search(rf"^\*{name}:\n(.*)$", specs, re.MULTILINE)
    if found is None:
        raise SystemExit(f"relocate: this gcc has no spec called {name}")
    return f"{specs[: found.end()]} {more}{specs[found.end() :]}"
