"""The TA's readers and the AOT loader on this host, under sanitizers: no input hurts them, for a while."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from teeforge.lab import Lab

from .conftest import ROOT, clang_of_the_host, install_in_ci
from .test_hostile import seed_file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# For hours of it, by hand: TEEFORGE_FUZZ_SECONDS=3600
SECONDS = int(os.environ.get("TEEFORGE_FUZZ_SECONDS", "10"))

# Inputs of fuzz_wasi: cursor.h and world.c say what a byte means
LENT = "00 00 00 01 04  00 00 00 02  01 00 00 00  02 00 05 01  03 00 00 0a"
PROGRAM = bytes.fromhex(
    LENT + "ff 03 00 00 01 00 00 00 00"  # path_open "a"
    "6c 03 01"  # path_create_directory "b"
    "78 03 00 00 03 03"  # path_link "a" "d"
    "8c 00 03 0a"  # path_symlink "a" "l"
    "80 03 0a 00 10 20"  # path_readlink "l"
    "68 05 01 00 10 20"  # fd_write
    "5c 05 00 00 20"  # fd_seek
    "50 05 01 00 10 20"  # fd_read
    "88 03 00 03 0d"  # path_rename "a"
    "74 03 01 0d 05 06 05"  # path_filestat_set_times
    "3c 05 05 06 05"  # fd_filestat_set_times
    "54 03 00 c1 00 20"  # fd_readdir
    "20 05"  # fd_close
    "90 03 03"  # path_unlink_file "d"
    "84 03 01"  # path_remove_directory "b"
    "ff 04 00 00 01 00 00 00 00"  # path_open "a" in /secure
    "68 05 01 00 10 20"  # fd_write
    "60 05"  # fd_sync
    "bc 00 00"  # the next run
    "ff 04 00 00 00 00 00 00 00"  # path_open "a" in /secure
    "50 05 01 00 10 20"  # fd_read
)
# A folder goes below itself; a file that is open is removed, and written
REFUSED = bytes.fromhex("00 00 00 00  6c 03 00  6c 03 06  88 03 06 03 07")
UNLINKED = bytes.fromhex("00 00 00 00  ff 03 00 00 01 00 00 00 00  90 03 00  68 05 01 00 10 20")
# What it found: removed, the folder was read nevertheless when it was sent back
REMOVED_MOUNT = bytes.fromhex("00 00 00 01 01  00 00 00 02  84 03 02")


@pytest.fixture(scope="module")
def fuzzers(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what tests/fuzz has, from the TA and from WAMR as it is patched for the TA."""
    clang = f"clang-{clang_of_the_host()}"
    packages = [clang, f"lib{clang.replace('-', '-rt-')}-dev"]
    if not install_in_ci(packages):
        pytest.skip(f"NOT TESTED: apt install {' '.join(packages)}")
    built = lab.builder.build(["optee_os", "wamr"])
    lab.patch()
    out = tmp_path_factory.mktemp("fuzz")
    arguments = {
        "WAMR": lab.workspace.work / "wamr" / "source",
        "TA": ROOT / "overlays/wasm_ta/ta",
        "TA_DEV_KIT": built["optee_os"].product("ta_dev_kit"),
        "O": out,
        "CC": f"/usr/bin/{clang}",
    }
    words = [f"{name}={value}" for name, value in arguments.items()]
    done = subprocess.run(
        ["make", "-j2", "-C", ROOT / "tests/fuzz", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def fuzz(program: Path, corpus: Path, *options: str) -> str:
    done = subprocess.run(
        [program, f"-max_total_time={SECONDS}", "-timeout=20", "-rss_limit_mb=2048", *options, corpus],
        cwd=corpus.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stderr


def test_no_aot_file_that_passes_the_check_hurts_the_loader(lab: Lab, fuzzers: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "seed.aot").write_bytes(seed_file(lab, tmp_path))
    shown = subprocess.run(
        [fuzzers / "fuzz_module", "-runs=1", corpus / "seed.aot"],
        env=os.environ | {"FUZZ_SHOW": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "module loaded" in shown.stderr
    assert "Done" in fuzz(fuzzers / "fuzz_module", corpus)


def test_no_argument_and_no_index_of_the_host_hurts_the_ta(fuzzers: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    assert "Done" in fuzz(fuzzers / "fuzz_parameters", tmp_path / "corpus", "-max_len=9000")


def shown(program: Path, file: Path) -> list[str]:
    # Once: where more was allocated than freed, libFuzzer runs an input again to look for leaks.
    done = subprocess.run(
        [program, "-runs=1", "-detect_leaks=0", file],
        env=os.environ | {"FUZZ_SHOW": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stderr.splitlines() if line.startswith(("files: ", "fd_", "path_"))]


def test_no_wasi_call_and_no_folder_of_the_host_hurts_the_ta(fuzzers: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    seeds = {"program": PROGRAM, "refused": REFUSED, "unlinked": UNLINKED, "removed": REMOVED_MOUNT}
    for name, data in seeds.items():
        (corpus / name).write_bytes(data)
    calls = shown(fuzzers / "fuzz_wasi", corpus / "program")
    assert calls[0] == "files: 0, 1"
    assert len(calls) == 22 and all(call.endswith(": 0") for call in calls[1:] if "files" not in call), calls
    assert shown(fuzzers / "fuzz_wasi", corpus / "refused")[-1] == "path_rename: 28"
    assert shown(fuzzers / "fuzz_wasi", corpus / "unlinked")[-1] == "fd_write: 0"
    assert shown(fuzzers / "fuzz_wasi", corpus / "removed") == ["files: 0, 1", "path_remove_directory: 10"]
    assert "Done" in fuzz(fuzzers / "fuzz_wasi", corpus, "-max_len=1024")


def test_the_fuzzer_would_find_what_the_check_is_there_for(lab: Lab, fuzzers: Path, tmp_path: Path) -> None:
    """Without the check the same loader is hurt within seconds: else the fuzzer tells nothing."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "seed.aot").write_bytes(seed_file(lab, tmp_path))
    done = subprocess.run(
        [fuzzers / "fuzz_unchecked", "-max_total_time=60", "-timeout=20", corpus],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    shutil.rmtree(corpus)
