"""Errors in words: result codes, traps and refusals, from the same list that the host app has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import RESTORE, TeeforgeError, unreadable

WORDS = Path("overlays/wasm_ta/host/library/words.def")
_ENTRY = re.compile(
    r'^(CODE|ORIGIN|TRAP|REFUSAL|STORAGE)\((?:(0x[0-9a-f]+|\d+),)?\s*((?:"[^"]*"[,\s]*)+)\)', re.M
)
_NUMBER = re.compile(r"\b(0x[0-9a-fA-F]{1,8}|4294\d{6})\b")
_ABORTS = {
    "translation fault": "it used an address where nothing is mapped",
    "write permission fault": "it wrote where it may only read or execute",
    "read permission fault": "it read or executed what it may not",
    "alignment fault": "it used an address that is not aligned",
    "undef-abort": "it executed what is no instruction",
}


@dataclass(frozen=True)
class Entry:
    """One line of the list: ``kind`` is CODE, ORIGIN, TRAP, REFUSAL or STORAGE; ``texts`` are its strings."""

    kind: str
    number: int | None
    texts: tuple[str, ...]


def load_words(path: Path) -> tuple[Entry, ...]:
    """Read the list. Raises TeeforgeError if it is missing or has nothing in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error, RESTORE) from error
    entries = tuple(
        Entry(found[1], int(found[2], 0) if found[2] else None, tuple(re.findall(r'"([^"]*)"', found[3])))
        for found in _ENTRY.finditer(text)
    )
    if not entries:
        raise TeeforgeError(f"{path} has no entries", RESTORE)
    return entries


def explain_text(words: tuple[Entry, ...], text: str) -> Iterator[str]:
    """Yield a sentence with the next step for each result code and known message in a text."""
    seen: set[str] = set()
    for found in _NUMBER.finditer(text):
        for entry in words:
            if entry.kind == "CODE" and entry.number == int(found[1], 0):
                name, meaning, hint = entry.texts
                seen.add(f"{entry.number:#010x} {name}: {meaning}; {hint}")
    for entry in words:
        if entry.kind in ("TRAP", "REFUSAL", "STORAGE") and entry.texts[0] in text:
            seen.add(f"{entry.texts[0]}: {entry.texts[1]}")
        elif entry.kind == "CODE" and re.search(rf"\b{entry.texts[0].replace('TEEC_', 'TEEC?_')}\b", text):
            seen.add(f"{entry.number:#010x} {entry.texts[0]}: {entry.texts[1]}; {entry.texts[2]}")
    yield from sorted(seen)


def explain_abort(reason: str) -> str:
    """Return in words what kind of abort ended a TA, such as `data-abort at 0x0 (translation fault)`."""
    return next((words for part, words in _ABORTS.items() if part in reason), "")
