"""`invoke docs.record`: a picture of a terminal, as SVG, made from a real run."""

from __future__ import annotations

import io
import re
import selectors
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_atomically

_WIDTH = 118
# Rich has the picture ask somebody's server for its font; whoever looks at ours has one that will do.
_FORMAT = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def record(argv: Sequence[str | Path], typed: str, root: Path, picture: Path) -> None:
    """Run a command and write what it says, as it says it, to ``picture``; ``typed`` stands at the prompt.

    The checkout ``root`` is shown as ~/teeforge: where it lies is nobody's business.
    Raises TeeforgeError if it fails: a picture of a failure is none to keep.
    """
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), highlight=False)
    console.print(Text.assemble(("$ ", "bold green"), (typed, "bold")))
    with subprocess.Popen(
        list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        for line, told in _lines(child.stdout, child.stderr):
            print(line, flush=True)
            # The program's own output stands out from what is said about it.
            shown = line.replace(str(root), "~/teeforge")
            console.print(Text(shown, style="" if told else "bold yellow"))
    if child.returncode != 0:
        raise TeeforgeError(f"{typed} ended with {child.returncode}", "the picture was left as it is")
    text = console.export_svg(title="teeforge", theme=MONOKAI, code_format=_FORMAT, unique_id="teeforge")
    write_atomically(picture, text.encode())


def _lines(stdout: IO[bytes], stderr: IO[bytes]) -> Iterator[tuple[str, bool]]:
    """Yield each line as it comes, and whether it came on stderr."""
    with selectors.DefaultSelector() as both:
        both.register(stdout, selectors.EVENT_READ, [False, b""])
        both.register(stderr, selectors.EVENT_READ, [True, b""])
        while both.get_map():
            for key, _ in both.select():
                piece = key.fileobj.read1()  # type: ignore[union-attr]
                *whole, rest = (key.data[1] + piece).split(b"\n")
                if not piece:
                    both.unregister(key.fileobj)
                    whole, rest = ([rest] if rest else []), b""
                key.data[1] = rest
                for line in whole:
                    yield line.decode(errors="replace"), key.data[0]
