"""Compilers that people use: each compiles a program that runs in the TEE, as the guide's table says."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from teeforge.lab import Lab

from .conftest import ROOT, Ran, clang_of_the_host, install_in_ci, run_invoke

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FOLDER = Path(__file__).parent / "compilers"
TABLE: list[dict[str, Any]] = yaml.safe_load((FOLDER / "compilers.yaml").read_text())


def wasi_sdk() -> str:
    return os.environ.get("TEEFORGE_TEST_WASI_SDK", "/opt/wasi-sdk")


def rust_target() -> str:
    """Return what Debian's rustc calls WASI preview 1; another rustc may come first in PATH."""
    rustc = Path("/usr/bin/rustc")
    targets = subprocess.check_output([rustc, "--print", "target-list"]).split() if rustc.exists() else ()
    return "wasm32-wasip1" if b"wasm32-wasip1" in targets else "wasm32-wasi"


def run(argv: list[str], cwd: Path | None = None) -> None:
    environment = os.environ | {
        "DEBIAN_FRONTEND": "noninteractive",
        "ZIG_GLOBAL_CACHE_DIR": str(ROOT / "build/compilers/zig-cache"),
        "ZIG_LOCAL_CACHE_DIR": str(ROOT / "build/compilers/zig-cache"),
    }
    done = subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(argv)}\n{done.stdout}{done.stderr}"


def install(compiler: dict[str, Any], here: Path, program: str) -> None:
    """Get what npm or pip have, and in CI what Debian has; else skip, and say what is missing."""
    if "pip" in compiler and not Path(program).exists():
        locked = here / "requirements.txt"
        locked.write_text(compiler["pip"])
        options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        run([sys.executable, "-m", "pip", "install", *options, "--target", str(here), "-r", str(locked)])
    missing = shutil.which(program) is None
    # The program alone may be here without all that it needs; but npm is whole, and one that is not Debian's
    # keeps Debian's from being installed.
    if compiler["apt"] and (missing or "npm" not in compiler):
        missing = not install_in_ci(compiler["apt"])
    if missing:
        wanted = f"apt install {' '.join(compiler['apt'])}" if compiler["apt"] else "install it by hand"
        pytest.skip(f"NOT TESTED: no {program} here ({wanted})")
    if "npm" in compiler and not (here / "node_modules").exists():
        shutil.copytree(FOLDER / compiler["npm"], here, dirs_exist_ok=True)
        run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=here)


@pytest.mark.parametrize("compiler", TABLE, ids=lambda compiler: str(compiler["name"]))
def test_a_program_of_this_compiler_runs_in_the_tee(
    vm: Lab, tmp_path: Path, compiler: dict[str, Any]
) -> None:
    here = ROOT / "build" / "compilers" / compiler["name"]
    here.mkdir(parents=True, exist_ok=True)
    output = tmp_path / "program.wasm"
    places: dict[str, object] = {"here": here, "wasi_sdk": wasi_sdk(), "clang": clang_of_the_host()}
    places |= {"output": output, "source": compiler["source"]}
    packages = [package.format(**places) for package in compiler.get("apt", ())]
    install({**compiler, "apt": packages}, here, compiler["program"].format(**places))
    shutil.copy(FOLDER / compiler["source"], here)
    places["rust_target"] = rust_target()
    run([word.format(**places) for word in shlex.split(compiler["compile"])], cwd=here)

    done = run_invoke("run", output, "--args", "one two")
    assert done.stdout == b"onetwo 1.414214\n", done.stderr
    assert done.status == 5


def test_the_table_names_each_compiler_once() -> None:
    names = [compiler["name"] for compiler in TABLE]
    assert len(names) == len(set(names))
    assert {"clang", "wasi-sdk", "clang-22", "zig", "rust", "assemblyscript", "emscripten"} <= set(names)


def test_the_npm_locks_name_no_registry() -> None:
    locks = list(FOLDER.glob("*/package-lock.json"))
    assert locks and not any("resolved" in lock.read_text() for lock in locks)


def test_a_program_of_emscripten_may_grow(vm: Lab, tmp_path: Path) -> None:
    assert b"onetwo" in grown(tmp_path, "-sINITIAL_MEMORY=131072").stdout


def test_what_emscripten_makes_for_16_mib_is_refused_with_the_reason(vm: Lab, tmp_path: Path) -> None:
    done = grown(tmp_path, "")
    assert done.status not in (0, 5)
    assert "-sINITIAL_MEMORY" in done.stderr


def grown(folder: Path, memory: str) -> Ran:
    """Run what emcc makes of a program that may grow, and takes more than ``memory``."""
    if shutil.which("emcc") is None:
        pytest.skip("NOT TESTED: no emcc here (apt install emscripten)")
    output = folder / "grows.wasm"
    options = f"-O2 -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sTOTAL_STACK=32768 {memory}"
    run(["emcc", *options.split(), "program.c", "-o", str(output)], cwd=FOLDER)
    return run_invoke("run", output, "--args", "one two")
