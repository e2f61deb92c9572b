"""The parts of a machine that need no QEMU: console reading, command line, identity."""

from __future__ import annotations

import base64
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.machines.bootlog import Progress, last_lines, read_progress
from teeforge.machines.fleet import Place
from teeforge.machines.identity import load_identity
from teeforge.machines.qemu import (
    Clock,
    Firmware,
    MachineConfig,
    boot_command,
    inputs_digest,
    resume_command,
)
from teeforge.machines.ram import Copied
from teeforge.machines.snapshot import Snapshots, remark_on
from teeforge.machines.wake import wake_line


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


def test_a_resumed_machine_is_the_one_that_booted_but_for_what_is_loaded() -> None:
    firmware = Firmware(Path("/f"), Path("/k"), Path("/a,b"))
    booted = boot_command(MachineConfig(), firmware, 4097, 7, 0)
    resumed = resume_command(MachineConfig(), Path("/f"), Path("/r,s"), 0)
    assert "loader,file=/a,,b,addr=0x48000000,force-raw=on" in booted
    assert any("initrd=0x48000000,4097 " in word for word in booted)
    assert not any("loader" in word or word in ("-kernel", "-append") for word in resumed)
    assert any(word.endswith("mem-path=/r,,s") and "share=off" in word for word in resumed)
    assert any(word.endswith("mem-path=/proc/self/fd/7") and "share=on" in word for word in booted)
    same = booted[: booted.index("-object")]
    assert resumed[: len(same)] == same


def test_one_that_counts_has_instructions_for_a_clock_in_a_single_thread() -> None:
    plain, counting = (
        resume_command(MachineConfig(clock=clock), Path("/f"), Path("/r"), 0)
        for clock in (Clock.PLAIN, Clock.COUNTING)
    )
    assert "tcg,thread=multi" in plain and "-icount" not in plain
    assert "tcg,thread=single" in counting and counting[counting.index("-icount") + 1] == "shift=0"


def test_a_quiet_one_has_a_cpu_without_ticks() -> None:
    plain, quiet = (
        boot_command(MachineConfig(clock=clock), Firmware(Path("f"), Path("k"), Path("i")), 1, 1, 1)
        for clock in (Clock.PLAIN, Clock.QUIET)
    )
    assert quiet[quiet.index("-append") + 1] == plain[plain.index("-append") + 1] + " nohz_full=1"


def test_the_digest_follows_content_config_and_qemu_but_not_paths_and_ports(tmp_path: Path) -> None:
    def firmware(folder: str, flash: bytes) -> Firmware:
        (tmp_path / folder).mkdir()
        for name, data in (("flash", flash), ("kernel", b"k"), ("initrd", b"i")):
            (tmp_path / folder / name).write_bytes(data)
        paths = [tmp_path / folder / name for name in ("flash", "kernel", "initrd")]
        return Firmware(paths[0], paths[1], paths[2])

    qemu = tmp_path / "qemu"
    qemu.write_bytes(b"one")
    qemu.chmod(0o755)
    one, moved, other = firmware("1", b"f"), firmware("2", b"f"), firmware("3", b"g")
    config = MachineConfig(qemu=str(qemu))
    digest = inputs_digest(config, one)
    assert inputs_digest(config, moved) == digest
    assert inputs_digest(replace(config, ssh_port=2222), one) == digest
    assert inputs_digest(config, other) != digest
    assert inputs_digest(replace(config, cpus=3), one) != digest
    assert inputs_digest(replace(config, clock=Clock.COUNTING), one) != digest
    known = ("a", "b", "c")
    assert inputs_digest(config, replace(one, digests=known)) == inputs_digest(
        config, replace(other, digests=known)
    )
    qemu.write_bytes(b"another")
    assert inputs_digest(config, one) != digest


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


def test_what_wakes_a_machine_is_one_short_line_and_never_the_same(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    lines = [wake_line("a-name", identity) for _ in range(2)]
    words = lines[0].decode().strip().removesuffix(" end").split(" ", 5)
    assert words[0] == "wake"
    assert abs(float(words[1]) - time.time()) < 5
    assert len(words[2]) == 2 * 64
    assert words[3] == "a-name"
    assert bytes.fromhex(words[4]) == identity.dropbear_host_key
    assert words[5] == identity.authorized_key
    assert words[2] not in lines[1].decode()
    # overlays/rootfs/wake.c has room for so much; a terminal takes 4095.
    assert len(lines[0]) < 2048


def test_a_snapshot_that_somebody_wrote_to_or_that_a_restart_may_have_cut_is_not_whole(
    tmp_path: Path, restart_host: Callable[[], None]
) -> None:
    snapshots = Snapshots(tmp_path / "snapshots")
    assert snapshots.find("key") is None
    folder = tmp_path / "snapshots/key"
    folder.mkdir(parents=True)
    for name in ("ram", "state", "normal.log", "secure.log"):
        (folder / name).write_bytes(b"four")
    found = snapshots.find("key")
    assert found is not None and not found.is_whole()
    found.seal("7.2.22")
    assert found.is_whole()
    (folder / "state").write_bytes(b"4...")
    assert not found.is_whole()
    found.seal("7.2.22")
    restart_host()
    assert not found.is_whole()
    snapshots.remove(found)
    snapshots.remove(found)
    assert snapshots.find("key") is None and not list((tmp_path / "snapshots").iterdir())


def test_a_snapshot_that_is_as_it_should_be_gets_no_remark() -> None:
    # In MiB: flash and secure RAM are in every state; the figures are those of a real one.
    assert remark_on(Copied(1057 << 20, 94 << 20, 95 << 20), 144 << 20, "7.2.22") == ""
    # A filesystem that compresses.
    assert remark_on(Copied(1057 << 20, 94 << 20, 30 << 20), 144 << 20, "7.2.22") == ""


@pytest.mark.parametrize(
    ("data", "disk", "streamed", "cause", "way_out"),
    [
        (1057, 1057, 1201, "QEMU 12.0.0 wrote the machine's memory into its state", "use QEMU 7.2, 10 or 11"),
        (94, 1057, 144, "the snapshot takes 1057 of 1057 MiB, for its filesystem keeps", "`build_dir`"),
        (700, 701, 144, "the snapshot takes 701 of 1057 MiB, for the machine has used so much", "initramfs"),
    ],
)
def test_what_makes_a_snapshot_large_or_slow_is_told_in_a_line_with_what_to_do(
    data: int, disk: int, streamed: int, cause: str, way_out: str
) -> None:
    told = remark_on(Copied(1057 << 20, data << 20, disk << 20), streamed << 20, "12.0.0")
    assert told.startswith(cause) and way_out in told and "\n" not in told


@pytest.mark.parametrize("name", ["A", "a_b", "-a", "a" * 33, "a/b", "..", "a\n"])
def test_a_machine_has_a_name_that_can_be_a_folder_and_a_host(name: str) -> None:
    with pytest.raises(TeeforgeError, match="is no name for a machine"):
        Place("qemu", name)


def test_a_machine_without_a_name_has_that_of_its_target() -> None:
    assert (Place("board").name, Place("qemu", "a-1").name) == ("board", "a-1")
