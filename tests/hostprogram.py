"""Sources of the TA as a program for this host, under the sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

TA = Path(__file__).resolve().parents[1] / "overlays/wasm_ta/ta"


def sanitized(folder: Path, main: str, *sources: str) -> Path:
    """Return the program, made in ``folder`` of the text of its main file and of ``sources`` of the TA."""
    (folder / "main.c").write_text(main)
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", f"-I{TA}"]
    files = [folder / "main.c", *(TA / source for source in sources)]
    subprocess.run(["gcc", *flags, *files, "-o", folder / "program"], check=True)
    return folder / "program"
