"""The parts of a machine that need no QEMU: console reading, command line, identity."""

from __future__ import annotations

import base64
import os
import struct
from pathlib import Path

import pytest

from teeforge.bootlog import Progress, last_lines, read_progress
from teeforge.errors import TeeforgeError
from teeforge.identity import load_identity
from teeforge.qemu import Firmware, MachineConfig, command, inputs_digest


def test_a_state_is_what_the_consoles_said_last() -> None:
    assert read_progress(b"", b"") == Progress("off")
    assert read_progress(b"NOTICE:  BL1: x\n", b"I/TC: OP-TEE version: 4\n") == Progress("optee")
    # busybox's prompt has no line end, so the marker may stand behind it.
    normal = b"NOTICE:  BL1\nteeforge: state linux\nPlease press Enter. teeforge: state ssh\r\n"
    assert read_progress(normal, b"OP-TEE version: 4") == Progress("ssh")


def test_a_panicking_ta_does_not_count_as_the_end_of_the_machine() -> None:
    secure = b"OP-TEE version: 4\nE/TC:? 0 TA panicked with code 0xdeadbeef\n"
    assert read_progress(b"NOTICE:  BL1\n", secure) == Progress("optee")
    secure += b"E/TC:0 0 Panic at core/kernel/abort.c:1 <f>\n"
    assert read_progress(b"NOTICE:  BL1\n", secure).failure == "E/TC:0 0 Panic at core/kernel/abort.c:1 <f>"


def test_what_a_program_prints_after_the_start_is_no_failure_of_the_start() -> None:
    normal = b"teeforge: state ssh\nteeforge: failed to impress\n"
    assert read_progress(normal, b"") == Progress("ssh")
    assert read_progress(b"teeforge: failed to load x\n", b"").failure == "failed to load x"


def test_console_lines_cannot_drive_the_terminal() -> None:
    assert last_lines(b"a\n\n\x1b[2Jb\xff\r\n  \n", 5) == ["a", "?[2Jb\N{REPLACEMENT CHARACTER}"]


def test_the_second_initramfs_starts_on_the_page_after_the_first() -> None:
    firmware = Firmware(Path("/f"), Path("/k"), Path("/a,b"))
    line = command(MachineConfig(), firmware, Path("identity.cpio"), (4097, 100), 0)
    assert "loader,file=/a,,b,addr=0x48000000,force-raw=on" in line
    assert "loader,file=identity.cpio,addr=0x48002000,force-raw=on" in line
    assert any(f"initrd=0x48000000,{0x2000 + 100} " in word for word in line)


def test_the_digest_follows_content_and_config_but_not_paths(tmp_path: Path) -> None:
    def firmware(folder: str, flash: bytes) -> Firmware:
        (tmp_path / folder).mkdir()
        for name, data in (("flash", flash), ("kernel", b"k"), ("initrd", b"i")):
            (tmp_path / folder / name).write_bytes(data)
        return Firmware(*(tmp_path / folder / name for name in ("flash", "kernel", "initrd")))

    one, moved, other = firmware("1", b"f"), firmware("2", b"f"), firmware("3", b"g")
    config = MachineConfig()
    digest = inputs_digest(config, one, b"id")
    assert inputs_digest(config, moved, b"id") == digest
    assert inputs_digest(config, other, b"id") != digest
    assert inputs_digest(MachineConfig(cpus=3), one, b"id") != digest
    assert inputs_digest(config, one, b"another") != digest


def test_an_identity_is_made_once_and_kept(tmp_path: Path) -> None:
    first = load_identity(tmp_path / "identity")
    assert load_identity(tmp_path / "identity") == first
    assert (tmp_path / "identity").stat().st_mode & 0o777 == 0o700
    assert first.client_key.stat().st_mode & 0o777 == 0o600
    assert load_identity(tmp_path / "other").host_public_key != first.host_public_key
    # What can be derived comes back; a key that others could read is closed again.
    first.known_hosts.unlink()
    first.client_key.chmod(0o644)
    assert load_identity(tmp_path / "identity") == first
    assert first.known_hosts.read_text() == f"[127.0.0.1]:* {first.host_public_key}\n"
    assert first.client_key.stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_named_and_not_replaced(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    identity.client_key.write_text("damaged")
    with pytest.raises(TeeforgeError, match="id_ed25519 is not an ed25519 private key"):
        load_identity(tmp_path)
    assert identity.client_key.read_text() == "damaged"


def test_the_dropbear_key_holds_the_public_half_that_known_hosts_pins(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    blob = base64.b64decode(identity.host_public_key.split()[1])
    head = struct.pack(">I11sI", 11, b"ssh-ed25519", 64)
    assert identity.dropbear_host_key[: len(head)] == head
    assert len(identity.dropbear_host_key) == len(head) + 64
    assert identity.dropbear_host_key[-32:] == blob[-32:]


@pytest.mark.skipif(not os.path.exists("/usr/bin/cpio"), reason="cpio is not installed")  # noqa: PTH110
def test_the_second_initramfs_is_a_cpio_that_cpio_reads(tmp_path: Path) -> None:
    import subprocess

    identity = load_identity(tmp_path / "identity")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(
        ["cpio", "--extract", "--make-directories", "--quiet"],
        cwd=unpacked,
        input=identity.initrd("a-name"),
        check=True,
    )
    assert (unpacked / "etc/hostname").read_text() == "a-name\n"
    key = unpacked / "etc/dropbear/dropbear_ed25519_host_key"
    assert key.read_bytes() == identity.dropbear_host_key
    assert key.stat().st_mode & 0o777 == 0o600
    assert (unpacked / "root/.ssh/authorized_keys").read_text() == f"{identity.authorized_key}\n"
