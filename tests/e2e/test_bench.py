"""`invoke bench` on the machine; how fast it is on a busy host is no test."""

from __future__ import annotations

import json

import pytest

from teeforge.lab import Lab

from .conftest import run_invoke

pytestmark = pytest.mark.e2e


def test_a_benchmark_gives_every_ratio_as_json(vm: Lab) -> None:
    done = run_invoke("bench", "--repeat", "2", "--json")
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


def test_a_benchmark_of_nothing_is_one_line() -> None:
    done = run_invoke("bench", "--repeat", "0")
    assert done.status == 1
    assert "it takes at least one" in done.stderr
