"""What a program is made of: its files, and the flags for the compiler and the linker."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError, unreadable
from teeforge.settings import schema
from teeforge.settings.terms import UNSAID, Terms

C_ENDINGS = (".c",)
CXX_ENDINGS = (".cpp", ".cc", ".cxx", ".c++")
COMPILED = (*C_ENDINGS, *CXX_ENDINGS)
# What is linked as it is, beside at least one of those.
_LINKED = (".o", ".a")
MODULES = (".wasm", ".aot")
# In a folder: which of its files are the program, and with which flags.
LIST = "program.yaml"

_OTHERS = {
    ".wat": "wat2wasm (package wabt) makes a .wasm of it",
    ".rs": "compile it to a .wasm first: rustc --target wasm32-wasip1",
    ".ts": "compile it to a .wasm first: asc with @assemblyscript/wasi-shim",
    ".o": "it is linked beside a source: `invoke run main.c more.o`",
    ".a": "it is linked beside a source: `invoke run main.c libmore.a`",
    ".h": "name the sources; headers are found by themselves, or with --cflags -IFOLDER",
}


@dataclass(frozen=True)
class Sources:
    """The files of a program, and the flags that come after ours.

    ``file`` is what the user named: a .c, .wasm, .aot, or the folder that all ``files`` are in. ``folder``
    is what compilers find relative names from, None for where the user stands. ``terms`` are what
    its signature allows.
    """

    file: Path
    files: tuple[Path, ...]
    c_flags: tuple[str, ...] = ()
    ld_flags: tuple[str, ...] = ()
    folder: Path | None = None
    terms: Terms = UNSAID

    @classmethod
    def of(cls, file: Path | Sources) -> Sources:
        """Return the sources of a program that is one file."""
        return file if isinstance(file, Sources) else cls(file, (file,))

    @property
    def name(self) -> str:
        """The program's name, which is its argv[0]."""
        return self.file.absolute().resolve().name if self.file.is_dir() else self.file.stem

    @property
    def compiled(self) -> bool:
        """Whether there is something for clang, and not a module already."""
        return any(_ending(path) in COMPILED for path in self.files)

    @property
    def cxx(self) -> bool:
        """Whether some of it is C++."""
        return any(_ending(path) in CXX_ENDINGS for path in self.files)


@dataclass(frozen=True)
class _List:
    """What a program.yaml has: names are relative to its folder, and so is what flags name."""

    sources: tuple[str, ...]
    cflags: str = ""
    ldflags: str = ""
    manifest: Terms = UNSAID

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources: names no file")
        for key in ("cflags", "ldflags"):
            try:
                shlex.split(getattr(self, key))
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error


def gather(file: Path, more: Sequence[str] = (), cflags: str = "", ldflags: str = "") -> Sources:
    """Return what `invoke run FILE…` names; ``file`` may be a folder. Raises TeeforgeError for nonsense.

    That the files can be read is not looked at here: they may come to be while `invoke dev` runs.
    """
    flags = split_words("--cflags", cflags), split_words("--ldflags", ldflags)
    if file.is_dir():
        return _of_folder(file, more, *flags)
    others = tuple(Path(name).expanduser() for name in more)
    for path in others:
        _check_further(file, path)
    sources = Sources(file, (file, *others), *flags)
    if (others or cflags or ldflags) and (_ending(file) in MODULES or not sources.compiled):
        what = "--cflags and --ldflags are" if not others else f"{others[0]} is"
        raise TeeforgeError(
            f"{file}: {what} for programs that are compiled here, from .c or C++",
            "give the sources of the program, or the module alone",
        )
    return sources


def split_words(option: str, text: str) -> tuple[str, ...]:
    """Return the words of an option's value, split as a shell would."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise TeeforgeError(f"{option} {text}: {error}", "close the quotation") from error


def read_source(path: Path) -> bytes:
    """Return what is in a program's file, or say why it cannot be one."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise TeeforgeError(f"{path}: there is no such file", _nearest(path)) from error
    except OSError as error:
        raise unreadable(path, error) from error
    kind = _ending(path)
    if kind not in (*COMPILED, *MODULES, *_LINKED):
        ending = f"{kind} files are not known" if kind else "its name has no ending"
        raise TeeforgeError(
            f"{path}: {ending}, only .c, .cpp, .wasm and .aot",
            _OTHERS.get(kind, "the ending tells what the file is: rename it if it is one of these"),
        )
    if not data:
        raise TeeforgeError(f"{path}: the file is empty", f"give a {kind} file with something in it")
    return data


def read_program(path: Path) -> bytes:
    """Return what is in the one file of a program, or say why it cannot be that."""
    if path.is_dir():
        raise TeeforgeError(f"{path} is a folder", "give a .c, .cpp, .wasm or .aot file")
    data = read_source(path)
    if _ending(path) in _LINKED:
        raise TeeforgeError(f"{path}: is no program by itself", _OTHERS[_ending(path)])
    return data


def check_readable(sources: Sources) -> None:
    """Raise TeeforgeError unless every file is there and is what its name says."""
    if not sources.compiled:
        read_program(sources.file)
        return
    for path in sources.files:
        read_source(path)


def _ending(path: Path) -> str:
    return path.suffix.lower()


def _check_further(first: Path, path: Path) -> None:
    """Refuse what cannot stand after the first file: most of all what is meant as an argument."""
    if _ending(path) in (*COMPILED, *_LINKED):
        return
    if _ending(path) in MODULES and path.exists():
        raise TeeforgeError(
            f"{path} is a module of its own, and {first} is one program", "run one after the other"
        )
    word = shlex.quote(str(path))
    raise TeeforgeError(
        f"{path} is no source of the program {first}",
        _OTHERS.get(
            _ending(path), f"arguments of the program: --args {word}, or behind --: {first} -- {word}"
        ),
    )


def _of_folder(
    folder: Path, more: Sequence[str], c_flags: tuple[str, ...], ld_flags: tuple[str, ...]
) -> Sources:
    """Return the program of a folder: what its program.yaml lists, or all C and C++ files right in it."""
    if more:
        raise TeeforgeError(f"{folder} is a folder, and {more[0]} is not in its list", f"name it in {LIST}")
    if (folder / LIST).exists():
        if c_flags or ld_flags:
            raise TeeforgeError(f"{folder}: flags are in {LIST} already", "write them all there")
        told = schema.load(folder / LIST, _List)
        files = [path for pattern in told.sources for path in _listed(folder, pattern)]
        flags = tuple(shlex.split(told.cflags)), tuple(shlex.split(told.ldflags))
        return Sources(folder, tuple(dict.fromkeys(files)), *flags, folder=folder, terms=told.manifest)
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    files = [folder / name for name in names if _ending(Path(name)) in COMPILED]
    if not files:
        lists = f"a {LIST} with `sources: [main.c, src/*.c]` names those that lie elsewhere"
        raise TeeforgeError(f"{folder}: no .c or C++ file is in the folder", lists)
    return Sources(folder, tuple(files), c_flags, ld_flags)


def _listed(folder: Path, pattern: str) -> list[Path]:
    """Return the files that a line of the list means; a pattern must find some."""
    if not any(letter in pattern for letter in "*?["):
        return [folder / pattern]
    try:
        found = sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError) as error:
        raise TeeforgeError(f"{folder / LIST}: sources: `{pattern}`: {error}") from error
    if not found:
        raise TeeforgeError(f"{folder / LIST}: sources: nothing is called `{pattern}`")
    return found


def _nearest(path: Path) -> str:
    """Return a hint that names a file like the one that is missing."""
    known = (*COMPILED, *MODULES)
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in known]
    except OSError:
        return f"the folder {path.parent} is not there either"
    close = difflib.get_close_matches(path.name, names, 1)
    return f"did you mean {path.with_name(close[0])}?" if close else "give a .c, .cpp, .wasm or .aot file"
