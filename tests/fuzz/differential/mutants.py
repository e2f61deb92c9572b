"""`python -m tests.fuzz.differential.mutants`: wamrc with one condition of a proof dropped, again and again.

Each mutant must be noticed: by a module of edges.py, or else by one of loops.py or fields.py. It runs on this
host, where code that leaves its sandbox hurts nobody but the process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from teeforge.lab import Lab

from . import edges
from .batch import compile_cases, prepare, run_batch
from .engines import Engine, HostEngine
from .workbench import ROOT, build_execute

_FOLDER = Path("core/iwasm/compilation")
_MODULES = 600
# For a call that does not end since nothing checks it any more.
_SECONDS = 2
_BATCH = 100


@dataclass(frozen=True)
class Mutant:
    """What is dropped: the text of a file that is replaced, once."""

    name: str
    file: str
    old: str
    new: str = ""


_PROOF, _FLOAT, _KNOWN = "aot_loop_proof.cpp", "aot_plain_float.cpp", "aot_known_checks.cpp"
_APART = "aot_disjoint_accesses.cpp"
MUTANTS = (
    Mutant(
        "count: of 64 bits",
        _PROOF,
        " || evolution.getUnsignedRangeMax(passed).getActiveBits() > 32",
    ),
    Mutant(
        "count: one less",
        _PROOF,
        "count = evolution.getTruncateOrZeroExtend(passed, i64);",
        "count = evolution.getAddExpr(evolution.getTruncateOrZeroExtend(passed, i64),"
        "evolution.getMinusOne(i64));",
    ),
    Mutant(
        "range: an address wraps",
        _PROOF,
        "if (!require(last, evolution.getConstant(i64, UINT32_MAX), made))\n        return nullptr;",
    ),
    Mutant(
        "range: the first address counts",
        _PROOF,
        "return last;\n}",
        "return evolution.getNoopOrZeroExtend(start, i64);\n}",
    ),
    Mutant(
        "equal: a counter steps over its end",
        _PROOF,
        "if (!require(rest, evolution.getZero(i64), made))\n        return nullptr;",
        "(void)rest;",
    ),
    Mutant("equal: an exit not passed each time", _PROOF, " || !tree.dominates(&block, loop.getLoopLatch())"),
    Mutant(
        "down: below 0",
        _PROOF,
        "if (!require(down, start, made))\n        return nullptr;",
        "(void)down;",
    ),
    Mutant(
        "down: the last address counts",
        _PROOF,
        "    return start;\n}",
        "    return evolution.getMinusSCEV(start, down);\n}",
    ),
    Mutant("sum: wraps at 64 bits", _PROOF, "if (wraps)\n            return nullptr;"),
    Mutant("sum: without one part", _PROOF, "total = evolution.getAddExpr(total, most);", "total = most;"),
    Mutant("bound: not compared", _PROOF, "return require(most, bound, made);", "return true;"),
    Mutant("bound: one more", _PROOF, "        most = evolution.getAddExpr(most, evolution.getOne(i64));\n"),
    Mutant(
        "merge: the smaller offset",
        _PROOF,
        "one.offset.ult(other.offset)",
        "one.offset.ugt(other.offset)",
    ),
    Mutant("merge: one of two bounds", _PROOF, " || !isAtMost(one.bound, other.bound)"),
    Mutant("merge: any bound below 2^32", _PROOF, "value && boundWidth(value->getValue())", "true"),
    Mutant("recurrence: not affine", _PROOF, " || !address.isAffine()"),
    Mutant(
        "versions: always the one without checks",
        "aot_loop_versioning.cpp",
        "versions.copy(*proven,",
        "versions.copy(*ConstantInt::getTrue(proven->getContext()),",
    ),
    Mutant("float: by 1", _FLOAT, " && !number->isExactlyValue(1.0)"),
    Mutant("float: by -1", _FLOAT, "\n           && !number->isExactlyValue(-1.0)"),
    Mutant("float: 0", _FLOAT, "number->getValueAPF().isFiniteNonZero()", "number->getValueAPF().isFinite()"),
    Mutant("float: a select", _FLOAT, "            open.push_back(select->getTrueValue());\n"),
    Mutant(
        "known, bound: any pointer's",
        "aot_bound_loads.cpp",
        "base && isInstance(base)",
        "base",
    ),
    Mutant(
        "known, larger: offsets compared",
        _KNOWN,
        "address, offset + width, bound",
        "address, offset + 1, bound",
    ),
    Mutant(
        "known, larger: any other end",
        _KNOWN,
        "known.lookup(check.address) >= check.end",
        "known.count(check.address)",
    ),
    Mutant(
        "known, larger: the address does not count",
        _KNOWN,
        "if (later.address == check.address)\n            ",
    ),
    Mutant("known, larger: one more", _KNOWN, "end - check.width)", "end - check.width + 1)"),
    Mutant(
        "known, edge: one of two ways in",
        _KNOWN,
        "block.getSinglePredecessor();\n    Check",
        "*pred_begin(&block);\n    Check",
    ),
    Mutant(
        "known, edge: beside where it held",
        _KNOWN,
        "        known[before.back().first] = before.back().second;\n",
    ),
    Mutant("known, same: whatever follows", _KNOWN, " || later.failed() != check.failed()"),
    Mutant(
        "known, silent: a store between",
        _KNOWN,
        "instruction.mayHaveSideEffects()",
        "isa<CallInst>(instruction)",
    ),
    Mutant("float: a phi", _FLOAT, "            append_range(open, phi->incoming_values());\n"),
    Mutant(
        "apart, whole: one round less",
        _APART,
        "count = evolution.getTruncateOrZeroExtend(count, i64);",
        "count = evolution.getAddExpr(evolution.getTruncateOrZeroExtend(count, i64),"
        "evolution.getMinusOne(i64));",
    ),
    Mutant(
        "apart, ends: without the last access",
        _APART,
        "evolution.getAddExpr(last, evolution.getConstant(i64, size))",
        "last",
    ),
    Mutant(
        "apart, ends: without the bytes of the address",
        _APART,
        "evolution.getAddExpr(address, evolution.getConstant(i64, size))",
        "evolution.getAddExpr(address, evolution.getOne(i64))",
    ),
    Mutant("apart, ends: always upwards", _APART, "        std::swap(first, last);", "        (void)0;"),
    Mutant("apart, pairs: never compared", _APART, "builder.CreateOr(below, above)", "builder.getTrue()"),
    Mutant(
        "apart, pairs: seven bytes less",
        _APART,
        "builder.CreateICmpULE(left, right)",
        "builder.CreateICmpULE(left, builder.CreateAdd(right, builder.getInt64(7)))",
    ),
    Mutant(
        "apart, pairs: loads and stores",
        _APART,
        "!one.stored && !other.stored",
        "!one.stored || !other.stored",
    ),
    Mutant(
        "apart, pairs: addresses alike",
        _APART,
        "if (!addPair(fixed[i], fixed[j]))\n                return false;",
        "(void)0;",
    ),
    Mutant(
        "apart, pairs: a known distance is enough",
        _APART,
        "return gap && !gap->getAPInt().isNegative();",
        "return gap != nullptr;",
    ),
)


class Workshop:
    """A build of wamrc whose sources may be changed."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        lab.build(["wamrc"])
        toolchain = lab.builder.toolchain()
        assert toolchain, "the mutants are made with the pinned toolchain"
        self.source, self._out = folder / "source", folder / "out"
        shutil.copytree(lab.workspace.work / "wamrc" / "source", self.source, symlinks=True)
        self._environment = os.environ | {"PATH": f"{toolchain.programs}:{os.environ['PATH']}"}
        options = [
            f"-DLLVM_DIR={toolchain.llvm().cmakedir}",
            "-DWAMRC_STATIC=ON",
            "-DCMAKE_BUILD_TYPE=Release",
        ]
        self._do(
            "cmake",
            "-S",
            self.source / "wamr-compiler",
            "-B",
            self._out,
            *options,
            "-DCMAKE_CXX_FLAGS=-include cstdint",
        )

    def wamrc(self) -> Path:
        """Build it as it is."""
        self._do("make", "-s", "-j2", "-C", self._out, "wamrc")
        return self._out / "wamrc"

    @contextmanager
    def changed(self, mutant: Mutant) -> Iterator[Path]:
        """Build it with a mutant's change."""
        path = self.source / _FOLDER / mutant.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.name}: {mutant.file} has {text.count(mutant.old)} times: {mutant.old}")
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        try:
            yield self.wamrc()
        finally:
            path.write_text(text, encoding="utf-8")

    def _do(self, *words: str | Path) -> None:
        done = subprocess.run(words, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{words[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")


def noticed(engine: Engine, wamrc: Path, scratch: Path) -> str:
    """Return by which module it is noticed that wamrc is wrong; nothing if it is not."""
    cases = edges.cases()
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for case, verdict in zip(
        cases, run_batch(engine, compile_cases(cases, wamrc, [engine.flags], folder)), strict=True
    ):
        if verdict.difference:
            return case.name
    for first in range(0, _MODULES, _BATCH):
        seeds = [(kind, first + n) for n in range(0, _BATCH, 2) for kind in ("loops", "fields")]
        batch = prepare(seeds, wamrc, [engine.flags], scratch)
        for case, verdict in zip(batch.cases, run_batch(engine, batch), strict=True):
            if verdict.difference:
                return case.name
    return ""


def main(words: Sequence[str]) -> int:
    """Return 1 if a mutant was not noticed, or if wamrc as it is was."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.differential.mutants", description=__doc__)
    parser.add_argument("--match", default="", help="only mutants with this in their name")
    parser.add_argument("--cc", default="clang-14", help="a clang, which has the sanitizers")
    given = parser.parse_args(words)
    lab, missed = Lab(ROOT), 0
    execute = build_execute(lab, lab.workspace.cache / "differential", given.cc)
    with tempfile.TemporaryDirectory(prefix="teeforge-mutants-") as scratch:
        engine = HostEngine(execute, _SECONDS)
        workshop = Workshop(lab, Path(scratch))
        if by := noticed(engine, workshop.wamrc(), Path(scratch)):
            raise SystemExit(f"wamrc as it is fails {by}")
        for mutant in MUTANTS:
            if given.match not in mutant.name:
                continue
            began = time.monotonic()
            with workshop.changed(mutant) as wamrc:
                by = noticed(engine, wamrc, Path(scratch))
            missed += not by
            print(f"{mutant.name}: {by or 'NOT NOTICED'} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
