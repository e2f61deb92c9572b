"""What to type when C or C++ does not become a module, from what clang and the linker say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from teeforge.compiling.sources import Sources

_NAMED = 4
_EMULATED = re.compile(r"-D_WASI_EMULATED_\w+|-lwasi-emulated-[\w-]+")
_NO_HEADER = re.compile(r"error: '([^']+)' file not found")
# A header of Linux's C library, which wasi-libc has none of, and what it asks for in vain.
_LINUX_HEADER = re.compile(r"(\S+\.h):\d+:\d+: fatal error: '(?:bits|gnu|asm|linux)/[^']*' file not found")
_UNDEFINED = re.compile(r"undefined symbol: (.+)")
_EXCEPTIONS = "do without: WebAssembly's exceptions are newer than this WAMR"
_NO_THREADS = "do without threads: WASI preview 1 has none"
_NO_PROCESSES = "do without other processes: WASI has none"
_NO_SOCKETS = "do without sockets: WASI preview 1 cannot open any"
# What no library for WASI has.
_NOT_THERE = {
    r"pthread_\w+|(thrd|mtx|cnd|sem)_\w+|std::__1::(thread|mutex|condition_variable)\b.*": _NO_THREADS,
    r"v?fork|exec[lv]p?e?|posix_spawnp?|wait(pid|id)?|system|popen|kill|pipe2?": _NO_PROCESSES,
    r"socket|bind|listen|connect|getaddrinfo|gethostbyname": _NO_SOCKETS,
    r"__cxa_(throw|allocate_exception|begin_catch)|_Unwind_\w+|_?_?(sig)?(setjmp|longjmp)": _EXCEPTIONS,
    r"dl(open|sym|close|error)": "link it in: WASI loads no libraries",
}


def advice(told: str, sources: Sources) -> str:
    """Return one line that names options that there are; nothing if none would help."""
    emulated = dict.fromkeys(_EMULATED.findall(told))
    if _UNDEFINED.search(told):
        # Headers do not tell of a library to those who took half of their advice.
        emulated |= dict.fromkeys(word for word in sources.c_flags if _EMULATED.fullmatch(word))
    missing = dict.fromkeys(_NO_HEADER.findall(told))
    near = [f"-I{place}" for name in missing for place in _folders_of(name, sources.files)[:1]]
    given = {*sources.c_flags, *sources.ld_flags}
    c_flags = [word for word in (*emulated, *dict.fromkeys(near)) if word[1] != "l" and word not in given]
    ld_flags = [word for word in _libraries(emulated) if word not in given]
    if c_flags or ld_flags:
        return _options(c_flags, ld_flags)
    if found := _LINUX_HEADER.search(told):
        name = Path(found[1]).name
        why = _EXCEPTIONS if name == "setjmp.h" else "do without, or bring one of your own: --cflags=-IFOLDER"
        return f"{name} is not in WASI's C library; {why}"
    if missing:
        return _where(next(iter(missing)))
    if "exceptions disabled" in told:
        return f"exceptions: {_EXCEPTIONS}"
    return _undefined(told)


class Hints:
    """Reads along on stderr, where wasi-libc says which library a program was not linked with."""

    _ADVICE = re.compile(rb"add (-l[\w-]+) to the link command")
    _LONGEST = 256

    def __init__(self, sink: Callable[[bytes], object]) -> None:
        self._sink = sink
        self._last = b""
        self._found: dict[str, None] = {}

    def feed(self, data: bytes) -> None:
        """Take what came from stderr, and give it on."""
        self._sink(data)
        self._last += data
        self._found |= dict.fromkeys(found[1].decode() for found in self._ADVICE.finditer(self._last))
        self._last = self._last[-self._LONGEST :]

    def lines(self) -> list[str]:
        """Return what to type."""
        return [f"hint: {_options([], list(self._found))}"] if self._found else []


def _libraries(emulated: Iterable[str]) -> list[str]:
    """Return the libraries of what is to be emulated, which are called as what is to be defined."""
    named = [word.removeprefix("-D_WASI_EMULATED_").lower().replace("_", "-") for word in emulated]
    words = [word if word.startswith("-l") else f"-lwasi-emulated-{word}" for word in named]
    return list(dict.fromkeys(words))


def _options(c_flags: Sequence[str], ld_flags: Sequence[str]) -> str:
    words = [(option, flags) for option, flags in (("--cflags", c_flags), ("--ldflags", ld_flags)) if flags]
    typed = [f'{option}="{" ".join(flags)}"' for option, flags in words]
    return f"add {' '.join(typed)}"


def _folders_of(header: str, sources: Sequence[Path]) -> list[Path]:
    """Return the folders near the sources that have a header."""
    folders = dict.fromkeys(near for path in sources for near in (path.parent, path.parent / ".."))
    places = [place for near in folders for place in (near, *sorted(near.glob("*/")))]
    return [place for place in places if (place / header).is_file()]


def _where(header: str) -> str:
    if "." not in header:
        return (
            f"{header} is C++'s: apt install libc++-14-dev-wasm32 libc++abi-14-dev-wasm32, or take a wasi-sdk"
        )
    return f"tell where {header} is: --cflags=-IFOLDER"


def _undefined(told: str) -> str:
    names = list(dict.fromkeys(name.strip() for name in _UNDEFINED.findall(told)))
    if not names:
        return ""
    if names[0] in ("main", "__main_void", "__original_main", "__main_argc_argv"):
        return "none of the files has a main(): name the one that has it as well"
    for pattern, why in _NOT_THERE.items():
        for name in names:
            if re.fullmatch(pattern, name):
                return f"{name} is not in WASI's C library; {why}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    told = ", ".join(names[:_NAMED]) + more
    return f"{told}: name the source or library that has it after the first file, or --ldflags=-lNAME"
