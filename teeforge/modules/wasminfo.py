"""What `invoke wasm-info` tells of a .wasm or .aot file, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teeforge.base.reader import printable
from teeforge.compiling.sources import read_program
from teeforge.modules import wasi
from teeforge.modules.aot import AotModule, is_aot, read_aot
from teeforge.modules.verdict import Room, Verdict, judge_aot, judge_wasm
from teeforge.modules.wamrc import recorded_bounds_checks
from teeforge.modules.wasm import WasmModule, read_wasm
from teeforge.settings.memory import STACK_OWN
from teeforge.settings.memory import words as words_of
from teeforge.signing.manifest import Manifest, split

_LISTED = 40  # exports that are shown to people


@dataclass(frozen=True)
class Info:
    """A file as it was read, and what becomes of it in the TA."""

    path: Path
    size: int
    module: WasmModule | AotModule
    verdict: Verdict
    manifest: Manifest | None = None


def inspect(path: Path, room: Room | None) -> Info:
    """Read a .wasm or .aot file by its contents and judge it. Raises TeeforgeError if it is neither."""
    data = read_program(path)
    name = str(path)
    if is_aot(data):
        aot, manifest, _ = split(data, name)
        module = read_aot(aot, name)
        checks = recorded_bounds_checks(path, aot)
        verdict = judge_aot(module, name, bounds_checks=checks, file_bytes=len(data), room=room)
        return Info(path, len(data), module, verdict, manifest)
    wasm = read_wasm(data, name)
    return Info(path, len(data), wasm, judge_wasm(wasm, name, room, data))


def as_json(info: Info) -> dict[str, Any]:
    """Return all of it for scripts; sizes in bytes."""
    module, verdict = info.module, info.verdict
    told: dict[str, Any] = {"file": str(info.path), "size": info.size}
    told |= _aot(module) if isinstance(module, AotModule) else _wasm(module)
    if info.manifest:
        told["manifest"] = info.manifest.as_json()
    return told | {
        "runs": verdict.runs,
        "problems": [{"what": problem.message, "do": problem.hint} for problem in verdict.problems],
        "warnings": list(verdict.warnings),
        "heap_needed": verdict.needed,
        "heap": verdict.heap,
        "heap_largest": verdict.largest,
        "stack": STACK_OWN,
    }


def as_lines(info: Info) -> list[str]:
    """Return it for people: the file, what it wants, what it gives, and the verdict."""
    told = as_json(info)
    lines = [f"{'file':<10} {info.path}, {info.size} bytes", f"{'kind':<10} {_kind(told)}"]
    if isinstance(info.module, AotModule):
        lines.append(f"{'signed':<10} {info.manifest.words() if info.manifest else 'no: `invoke sign FILE`'}")
    lines.append(f"{'sections':<10} " + ", ".join(f"{s['name']} {s['size']}" for s in told["sections"]))
    for memory in told.get("memories") or []:
        most = f"at most {memory['most']}" if memory["most"] is not None else "no limit of its own"
        lines.append(f"{'memory':<10} {memory['start']} bytes at the start, {most}")
    if told.get("features"):
        lines.append(f"{'features':<10} {', '.join(told['features'])}")
    for number, entry in enumerate(told.get("imports") or []):
        offered = "" if entry["offered"] else "    NOT OFFERED by the TA"
        name = printable(f"{entry['module']}.{entry['name']} {entry['type']}".rstrip())
        lines.append(f"{'imports' if number == 0 else '':<10} {name}{offered}")
    exports = [printable(name) for name in told.get("exports") or []]
    if exports:
        more = f" and {len(exports) - _LISTED} more" if len(exports) > _LISTED else ""
        lines.append(f"{'exports':<10} {', '.join(exports[:_LISTED])}{more}")
    return [*lines, *_verdict_lines(info.verdict, isinstance(info.module, WasmModule))]


def _verdict_lines(verdict: Verdict, is_wasm: bool) -> list[str]:
    lines = []
    for problem in verdict.problems:
        lines += [f"{'problem':<10} {problem.message}", f"{'do':<10} {problem.hint}"]
    lines += [f"{'warning':<10} {warning}" for warning in verdict.warnings]
    if not verdict.runs:
        return [*lines, f"{'verdict':<10} it will not run in the TEE"]
    if is_wasm:
        return [*lines, f"{'verdict':<10} it will run in the TEE; compiling it tells how much heap it needs"]
    stack = words_of(STACK_OWN)
    lines.append(f"{'stack':<10} {stack} for compiled code, unless --stack gives it another")
    words = f"it will run in the TEE, in a heap from about {verdict.needed} bytes"
    words += f" to {verdict.largest}" if verdict.largest is not None else ""
    return [*lines, f"{'verdict':<10} {words}; --heap auto gives it {verdict.heap}"]


def _kind(told: dict[str, Any]) -> str:
    if told["kind"] == "wasm":
        return f"WebAssembly module, version {told['version']}, {told['functions']} functions"
    arch = printable(told["architecture"]) or "no architecture"
    functions = f", {told['functions']} functions" if told["functions"] is not None else ""
    return f"AOT module, version {told['version']}, for {arch}, as written by {told['written_by']}{functions}"


def _imported(module: str, name: str, kind: str, offered: bool) -> dict[str, Any]:
    return {"module": module, "name": name, "type": kind, "offered": offered}


def _wasm(module: WasmModule) -> dict[str, Any]:
    return {
        "kind": "wasm",
        "version": 1,
        "functions": module.functions,
        "sections": _sections([(s.name, s.size) for s in module.sections]),
        "memories": [
            {"start": m.minimum * 65536, "most": None if m.maximum is None else m.maximum * 65536}
            for m in (*module.memories, *(i.limits for i in module.imports if i.limits is not None))
        ],
        "features": sorted(module.features),
        "imports": [
            _imported(
                i.module,
                i.name,
                wasi.signature(i.type) if i.type else i.kind,
                i.kind == "func" and wasi.offers(i.module, i.name, i.type),
            )
            for i in module.imports
        ],
        "exports": [entry.name for entry in module.exports],
    }


def _aot(module: AotModule) -> dict[str, Any]:
    told: dict[str, Any] = {
        "kind": "aot",
        "version": module.version,
        "written_by": module.written_by,
        "architecture": module.target.arch,
        "machine": module.target.machine,
        "target_info_size": module.target.size,
        "sections": _sections([(s.name, s.size) for s in module.sections]),
        "functions": None,
    }
    if module.contents is None:
        return told
    contents = module.contents
    return told | {
        "functions": contents.functions,
        "memories": [
            {"start": m.page_size * m.minimum, "most": m.page_size * m.maximum} for m in contents.memories
        ],
        "grows": contents.grows,
        "imports": [
            _imported(
                i.module,
                i.name,
                wasi.signature(i.type) if i.type else "",
                wasi.offers(i.module, i.name, i.type),
            )
            for i in contents.imports
        ],
        "exports": [entry.name for entry in contents.exports],
        "relocations": contents.relocations,
        "relocation_types": sorted(contents.relocation_types),
    }


def _sections(sections: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"name": printable(name), "size": size} for name, size in sections]
