"""`invoke bench` on the machine; how fast it is on a busy host is no test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teeforge.lab import Lab

from .conftest import SAMPLES, run_invoke

pytestmark = pytest.mark.e2e


def test_all_of_it_is_measured_in_one_run_and_held_to_goals(vm: Lab) -> None:
    done = run_invoke("bench", "--repeat", "2", "--dataset", "mini", "--kernels", "gemm", "--json")
    assert done.status == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"goals", "start", "code", "compile"}
    assert set(told["compile"]["programs"]) == {"hello.c", "sha256.c", "matrix.c"}
    assert set(told["goals"]) == {
        "hello, TEE, cold over /bin/true",
        "hello, TEE, instance alive over hello, iwasm",
        "TEE over native, instructions",
        "TEE over native, seconds",
    }
    for goal in told["goals"].values():
        assert goal["verdict"] == ("met" if goal["measured"] <= goal["goal"] else "MISSED")


def test_a_benchmark_gives_every_ratio_as_json(vm: Lab) -> None:
    done = run_invoke("bench.start", "--repeat", "2", "--json")
    assert done.status == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["startup_ms"]) == {
        "/bin/true",
        "hello, iwasm",
        "hello, TEE, instance alive",
        "hello, TEE, cold",
    }
    assert all(figure["n"] == 2 for figure in told["startup_ms"].values())
    assert set(told["secure_over_normal"]) == {"primes.c", "sha256.c", "matrix.c"}
    assert 0.1 < told["secure_over_normal_mean"] < 10


def test_the_pipeline_is_measured_in_a_copy_of_its_own(vm: Lab) -> None:
    def ours() -> list[str]:
        folders = (vm.workspace.store, vm.workspace.targets, vm.root / "overlays/wasm_ta")
        return sorted(str(path) for folder in folders for path in folder.glob("*/*") if path.is_dir())

    before, state = ours(), vm.fleet.machine_as_it_is("qemu").state()
    done = run_invoke("bench.pipeline", "--only", "list,noop,git,c-run,memory", "--repeat", "1", "--json")
    assert done.status == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["rows"]) == {"list", "noop", "git", "c-run", "memory"}
    assert all(row["values"] and row["verdict"] for row in told["rows"].values())
    assert told["rows"]["memory"]["verdict"] == "met"
    assert told["host"]["cores"] >= 1 and told["host"]["work_ms"] > 0
    assert ours() == before
    assert vm.fleet.machine_as_it_is("qemu").state() == state
    assert not (vm.workspace.build / "bench/scratch").exists()


def test_a_start_is_traced_cold_and_kept(vm: Lab) -> None:
    cold, kept = (
        json.loads(run_invoke("bench.trace", "--repeat", "2", "--json", *words).stdout)
        for words in ((), ("--keep",))
    )
    assert cold["ms"]["open the session"]["secure world"] > 0
    assert cold["requests"]["open the session"] > 0, "the TA comes from the file system"
    assert cold["ms"]["the commands"]["secure world"] > 0 and set(cold["ta_ms"]) == set(kept["ta_ms"])
    assert "open the session" not in kept["ms"] and "close the session" not in kept["ms"]


def test_an_unknown_row_is_told_the_known_ones() -> None:
    done = run_invoke("bench.pipeline", "--only", "lst")
    assert done.status == 1
    assert "rows: noop, list, " in done.stderr


def test_a_benchmark_of_nothing_is_one_line() -> None:
    done = run_invoke("bench", "--repeat", "0")
    assert done.status == 1
    assert "it takes at least one" in done.stderr


def test_wamrc_is_measured_by_turns_with_another_one(vm: Lab, tmp_path: Path) -> None:
    wamrc = vm.build(["wamrc"])["wamrc"].product("wamrc")
    options = ("--before", wamrc, "--repeat", "1", "--json")
    done = run_invoke("bench.compile", SAMPLES / "hello.c", *options)
    assert done.status == 0, done.stderr
    found = json.loads(done.stdout)["programs"]["hello.c"]
    full, quick, before = (found[how]["taken"][0] for how in ("full", "quick", "before"))
    assert full["size"] == before["size"] < quick["size"]
    assert quick["cpu"] < full["cpu"] and full["memory"] > 1 << 20
    assert run_invoke("bench.compile", tmp_path / "none.c").status == 1
