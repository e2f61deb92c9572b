"""The engines, built and connected."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.lab import Lab
from teeforge.machines.fleet import Place

from .engines import Engine, HostEngine, TeeEngine

ROOT = Path(__file__).resolve().parents[3]


def build_execute(lab: Lab, out: Path, cc: str) -> Path:
    """Build the TA for this host, from the sources as they are patched."""
    built = lab.builder.build(["optee_os", "wamr", "optee_client"])
    lab.patch()
    overlays = ROOT / "overlays"
    arguments = {
        "WAMR": lab.workspace.work / "wamr" / "source",
        "TA": overlays / "wasm_ta/ta",
        "HOST": overlays / "wasm_ta/host",
        "DRIVER": overlays / "spec_test/teeforge/spec_test.c",
        "TA_DEV_KIT": built["optee_os"].product("ta_dev_kit"),
        "CLIENT": built["optee_client"].product("export") / "usr/include",
        "O": out,
        "CC": cc,
    }
    out.mkdir(parents=True, exist_ok=True)
    words = [f"{name}={value}" for name, value in arguments.items()]
    done = subprocess.run(
        ["make", "-s", "-j2", "-C", Path(__file__).parent, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise TeeforgeError(
            f"the TA does not build for this host:\n{done.stderr[-3000:]}", f"{cc} must have its sanitizers"
        )
    return out / "execute"


@contextlib.contextmanager
def engines(
    lab: Lab, names: Sequence[str], place: Place, cc: str, seconds: int
) -> Iterator[dict[str, Engine]]:
    """Give the engines by name, as long as they are wanted; a call has so many seconds."""
    with contextlib.ExitStack() as stack:
        made: dict[str, Engine] = {}
        if "host" in names:
            made["host"] = HostEngine(build_execute(lab, lab.workspace.cache / "differential", cc), seconds)
        if "tee" in names:
            driver = lab.build(["spec_test"])["spec_test"].product("spec_test")
            made["tee"] = TeeEngine(stack.enter_context(lab.deployed(place)), driver, lab.signer, seconds)
        yield made
