"""Sending to the machine: little at once, much no slower than scp, measured side by side."""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.lab import Lab
from teeforge.targets.parcel import Upload
from teeforge.targets.target import Session

pytestmark = pytest.mark.e2e

_NOISE = 1 / 0.8


@pytest.mark.skipif(not shutil.which("scp"), reason="scp is not installed")
def test_a_large_file_is_sent_and_verified_no_slower_than_by_scp_alone(vm: Lab, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(24 << 20))
    os.sync()
    target = vm.fleet.machine_as_it_is("qemu").target()
    scp = [str(big) if word == "FILE" else word for word in shlex.split(target.address.scp_line())]
    scp[-1] += "big.scp"
    # The toolchain's would look for ssh where its package has it.
    scp[1:1] = ["-q", "-S", shutil.which("ssh") or "ssh"]
    ratios: list[float] = []

    with target.connect() as session:
        # Side by side, for a busy host to slow down both; more often where it is close.
        while len(ratios) < 3 or (statistics.median(ratios) > _NOISE and len(ratios) < 9):
            ours = timed(lambda: session.push([Upload(big, "/tmp/big")], {}))
            theirs = timed(lambda: subprocess.run(scp, check=True))
            ratios.append(ours / theirs)
            told(session, "cmp /tmp/big /tmp/big.scp && rm /tmp/big /tmp/big.scp")
    assert statistics.median(ratios) <= _NOISE, ratios


def test_files_are_taken_by_one_receive_that_hashes_as_sha256sum_does(vm: Lab, tmp_path: Path) -> None:
    uploads = []
    for size in (0, 1, 63, 64, 65, 65536, 65537, 1_000_003):
        (tmp_path / str(size)).write_bytes(os.urandom(size))
        uploads.append(Upload(tmp_path / str(size), f"/tmp/push.{size}", 0o640))
    paths = [upload.remote for upload in uploads]
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        assert len(session.push(uploads).sent) == len(session.push(uploads).unchanged) == len(uploads)
        sums = told(session, shlex.join(["sha256sum", *paths]))
        assert {path: digest for path, (digest, _) in session.look(paths).items()} == {
            path: digest for digest, path in (line.split() for line in sums.splitlines())
        }
        assert told(session, "pidof receive").split()
        told(session, "rm /tmp/push.*")


def test_a_file_that_finds_no_room_leaves_the_old_one(vm: Lab, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    with vm.fleet.machine_as_it_is("qemu").target().connect() as session:
        told(
            session,
            "mkdir /tmp/small && mount -t tmpfs -o size=1m tmpfs /tmp/small && echo old >/tmp/small/large",
        )
        try:
            with pytest.raises(TeeforgeError, match=r"/tmp/small on qemu is full: large needs 2097152 bytes"):
                session.push([Upload(tmp_path / "large", "/tmp/small/large")])
            assert told(session, "cat /tmp/small/large; ls -A /tmp/small") == "old\nlarge\n"
        finally:
            told(session, "umount /tmp/small && rmdir /tmp/small")


def told(session: Session, command: str) -> str:
    said = bytearray()
    status = session.run(["sh", "-c", command], on_stdout=said.extend, on_stderr=said.extend)
    assert status == 0, said.decode()
    return said.decode()


def timed(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began
