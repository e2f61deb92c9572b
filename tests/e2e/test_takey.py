"""`signing: own`: the core loads what this environment signed, and nothing that others can sign."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.settings.config import load_config
from teeforge.targets.parcel import Upload

from .conftest import ROOT, SAMPLES, run_invoke

# It builds a core of its own.
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not os.environ.get("TEEFORGE_OWN_KEY"), reason="TEEFORGE_OWN_KEY is not set"),
]

MACHINE = "own-key"


@pytest.fixture
def own(vm: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The same environment with a core for its own key, and a machine that boots it."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("\nsigning: development", "\nsigning: own"), encoding="utf-8")
    monkeypatch.setenv("TEEFORGE_CONFIG", str(config))
    load_config.cache_clear()
    yield Lab(ROOT)
    run_invoke("halt", "--name", MACHINE)
    load_config.cache_clear()


def test_a_ta_runs_with_this_environments_signature_and_not_with_the_one_everybody_can_make(own: Lab) -> None:
    assert own.config.signing == "own"
    done = run_invoke("run", "--name", MACHINE, SAMPLES / "hello.c")
    assert done.status == 0, done.stderr
    assert b"secure world" in done.stdout
    theirs = own.builder.up_to_date()["wasm_ta"]
    (there,) = [entry for entry in own.recipes["wasm_ta"].deploy if entry.path.endswith(".ta")]
    program, verdict = own.programs.judged(SAMPLES / "hello.c", Place())
    told = bytearray()
    with own.fleet.machine_as_it_is(MACHINE).target().connect() as session:
        session.push(
            [
                Upload(theirs.product(there.product), there.path, 0o444),
                Upload(program.signed, "/tmp/hello.aot"),
            ]
        )
        argv = ["optee_wamr", str(verdict.heap), "/tmp/hello.aot"]
        status = session.run(argv, on_stdout=told.extend, on_stderr=told.extend)
    assert status == 126
    assert b"0xffff000f" in told


def test_all_but_the_core_and_what_is_made_of_it_stays_what_it_is(own: Lab, vm: Lab) -> None:
    other = {"optee_os", "trusted-firmware-a", "evidence"}
    assert run_invoke("build-all").status == 0
    mine, plain = own.builder.up_to_date(), vm.builder.up_to_date()
    assert {name for name in plain if mine[name].key != plain[name].key} == other
