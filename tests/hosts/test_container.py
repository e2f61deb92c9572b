"""The guide's line for containers: `./inv demo` and `dev` in one, not as root, with no privileges.

Asked for by name (`invoke test --only hosts`): it downloads and builds everything in it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.copies import ROOT
from tests.hosts.podman import Podman
from tests.terminal import Terminal

pytestmark = pytest.mark.timeout(3600)

GREETING = "Hello from WebAssembly in the secure world!\n"
HELLO = "samples/hello.c"


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    # A short path, for podman has sockets there.
    with tempfile.TemporaryDirectory(prefix="tee-", ignore_cleanup_errors=True) as folder:
        made = Podman(Path(folder))
        yield made
        made.close()


@pytest.fixture(scope="module")
def checkout(podman: Podman) -> Path:
    """A checkout of a user whose number is not that of the user in the container."""
    return podman.new_checkout("checkout", owner=1001)


def test_nobody_in_it_has_privileges_or_compilers(podman: Podman, checkout: Path) -> None:
    look = "id -un; grep -E 'CapEff|Seccomp:' /proc/self/status; df --output=size /dev/shm | tail -n 1"
    found = podman.run(checkout, "sh", "-c", f"{look}; command -v gcc clang make ssh qemu-system-aarch64")
    assert found.stdout.split() == ["teeforge", "CapEff:", "0" * 16, "Seccomp:", "2", "64000"], found.stderr


def test_the_demo_greets_from_a_checkout_that_may_only_be_read(podman: Podman, checkout: Path) -> None:
    began = time.monotonic()
    done = podman.run(checkout, "./inv", "demo", network="host")
    print(f"cold demo in {time.monotonic() - began:.0f} s; in the volume:")
    assert (done.status, done.stdout) == (0, GREETING), done.stderr
    print(podman.run(checkout, "du", "-sm", "/cache").stdout)


def test_the_next_container_neither_fetches_nor_builds_nor_boots(podman: Podman, checkout: Path) -> None:
    done = podman.run(checkout, "./inv", "demo")
    assert (done.status, done.stdout) == (0, GREETING), done.stderr
    for word in (" built ", ".venv", " firmware "):
        assert word not in done.stderr
    assert " resumed " in done.stderr


def test_every_product_has_the_committed_bits(podman: Podman, checkout: Path) -> None:
    # The checkout cannot be written to, and need not: its lock is compared with.
    copy = "cp -r /teeforge /tmp/copy && cd /tmp/copy && ./inv lock.products >&2 && cat products.lock"
    done = podman.run(checkout, "sh", "-c", copy, network="host")
    assert (done.status, done.stdout) == (0, (ROOT / "products.lock").read_text()), done.stderr


def test_dev_runs_at_each_save_outside_until_ctrl_c(podman: Podman, checkout: Path) -> None:
    argv = podman.run_argv(checkout, "./inv", "dev", HELLO, options=["--network=none", "-it"])
    terminal = Terminal(argv, ROOT)
    try:
        terminal.wait("Hello from WebAssembly in the secure world!")
        terminal.wait("exit status 0")
        text = (checkout / HELLO).read_text()
        (checkout / HELLO).write_text(text.replace("Hello from", "Hello again from"))
        terminal.wait("hello.c saved")
        terminal.wait("Hello again from WebAssembly")
        terminal.wait("exit status 0")
        terminal.press("\x03")
        assert terminal.status() == 0
        (checkout / HELLO).write_text(text)
    finally:
        terminal.close()


def test_a_container_that_is_stopped_ends_at_once(podman: Podman, checkout: Path) -> None:
    with podman.going_on(checkout, "./inv", "dev", HELLO, until="exit status 0") as name:
        began = time.monotonic()
        assert podman.call(podman.argv("stop", "--time", "60", name)).status == 0
        assert time.monotonic() - began < 30
    assert podman.run(checkout, "./inv", "run", HELLO).stdout == GREETING


def test_a_machine_of_another_container_is_told(podman: Podman, checkout: Path) -> None:
    with podman.going_on(checkout, "sh", "-c", "./inv boot && sleep 600", until=" ssh ") as name:
        told = podman.run(checkout, "./inv", "run", HELLO)
        assert told.status == 1 and "error: the machine qemu runs in another container" in told.stderr
        there = podman.call(podman.argv("exec", name, "./inv", "run", HELLO))
        assert (there.status, there.stdout) == (0, GREETING), there.stderr
        other = podman.run(checkout, "./inv", "run", HELLO, "--name", "other")
        assert (other.status, other.stdout) == (0, GREETING), other.stderr
        assert podman.run(checkout, "./inv", "halt").stderr == "qemu is off\n"
