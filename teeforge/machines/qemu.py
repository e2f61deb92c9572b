"""QEMU's command line: how memory, firmware, kernel and consoles are put together."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from teeforge.base.errors import TeeforgeError

# The virt machine's RAM starts at 1 GiB; TF-A is told where the kernel is when it is built.
_RAM = 0x4000_0000
_KERNEL = 0x4220_0000
_INITRD = 0x4800_0000
# The folder in the machine's own that its tee-supplicant keeps secure storage in: it outlives a boot.
SECURE_STORAGE = "tee"
# norandmaps: what QEMU has translated of a program serves its next start only at the same addresses; else
# each command takes half as long again. Whoever is there is root anyway. The addresses of TAs stay random.
# kpti=off: with it each system call changes the ASID twice, and QEMU drops its whole TLB each time. It is
# there for CPUs with Meltdown, which the emulated one has not; only for its KASLR Linux would switch it on.
# init_on_alloc=0: Debian has each page cleared that is then filled by the next packet or file;
# cgroup_disable=memory: and each one put on an account that nobody reads.
_BOOTARGS = (
    "console=ttyAMA0 initrd={start:#x},{size} quiet cryptomgr.notests "
    "norandmaps kpti=off init_on_alloc=0 cgroup_disable=memory"
)
# The CPU of a quiet machine that Linux's clock does not interrupt where one thread alone is to run.
QUIET_CPU = 1
# What is counted is executed by one thread of the host. Of one that sleeps the clock goes on as the host's.
_COUNTING = ("-accel", "tcg,thread=single", "-icount", "shift=0")
# What QEMU itself never does once it runs: whoever breaks out of the machine into it cannot do it either.
_SANDBOX = ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")


@dataclass(frozen=True)
class Deadlines:
    """Seconds that a machine may take to get to each state from the one before it.

    ``resumed`` is what one resumed from a snapshot may take to answer.
    """

    firmware: float = 20
    optee: float = 20
    linux: float = 60
    prepared: float = 60
    ssh: float = 60
    resumed: float = 20


class Clock(StrEnum):
    """How time goes by in a machine.

    PLAIN: as on the host, and Linux's clock interrupts each busy CPU 250 times a second. COUNTING: by a
    nanosecond with each instruction. QUIET: as on the host, and QUIET_CPU is left alone.
    """

    PLAIN = ""
    COUNTING = "counting"
    QUIET = "quiet"


@dataclass(frozen=True)
class MachineConfig:
    """What a user may choose about a machine. ``ssh_port`` 0 is any free one."""

    cpus: int = 2
    memory_mib: int = 1057
    cpu: str = "cortex-a53"
    ssh_port: int = 0
    qemu: str = "qemu-system-aarch64"
    clock: Clock = Clock.PLAIN
    extra: tuple[str, ...] = ()
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass(frozen=True)
class Firmware:
    """The files that a machine boots: BL1 and FIP, the kernel's Image, the initramfs.

    ``digests`` are their SHA-256, where they are known already: to read them takes a tenth of a second.
    """

    flash: Path
    kernel: Path
    initrd: Path
    digests: tuple[str, ...] = ()


def inputs_digest(config: MachineConfig, firmware: Firmware) -> str:
    """Return the digest of all that decides what a machine is, wherever its files lie, QEMU included.

    Neither its port nor its name belongs to it. Raises TeeforgeError when a file is missing.
    """
    described: dict[str, object] = asdict(config)
    del described["deadlines"], described["ssh_port"]
    described["files"] = _digests(firmware)
    found = shutil.which(config.qemu)
    if found:
        # As tools.py knows a program: by the file, not by asking it each time.
        file = Path(found).resolve().stat()
        described["qemu"] = (config.qemu, file.st_size, file.st_mtime_ns)
    # The part of the line that no field above decides.
    plain = MachineConfig(clock=config.clock)
    described["line"] = boot_command(plain, Firmware(Path("f"), Path("k"), Path("i")), 1, 1, 1)
    described["resumed"] = resume_command(plain, Path("f"), Path("r"), 1)
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _digests(firmware: Firmware) -> tuple[str, ...]:
    if firmware.digests:
        return firmware.digests
    digests = []
    for name, path in _files(firmware).items():
        try:
            with path.open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            raise TeeforgeError(
                f"{path}: {error.strerror}, and the machine cannot boot without its {name}",
                "`invoke build-all` makes it",
            ) from error
    return tuple(digests)


def boot_command(
    config: MachineConfig, firmware: Firmware, initrd_bytes: int, ram: int, ssh_port: int
) -> list[str]:
    """Return the argument list that boots a machine, to be run in the machine's own folder.

    ``ram`` is the descriptor of its RAM, which it is to have open. Since 8.1 QEMU leaves out of its state
    only RAM that is shared and a file with a name; the older ones do not mind a name.
    """
    bootargs = _BOOTARGS.format(start=_INITRD, size=initrd_bytes)
    if config.clock is Clock.QUIET:
        bootargs += f" nohz_full={QUIET_CPU}"
    backend = f"memory-backend-file,id=ram,share=on,size={config.memory_mib}M,mem-path=/proc/self/fd/{ram}"
    return [
        *_line(config, firmware.flash, ssh_port),
        *("-object", backend),
        # TF-A jumps to Linux by itself; -kernel only makes QEMU accept -append.
        *("-kernel", str(firmware.kernel)),
        *("-append", bootargs),
        *("-device", _loader(firmware.kernel, _KERNEL)),
        *("-device", _loader(firmware.initrd, _INITRD)),
        *config.extra,
    ]


def resume_command(config: MachineConfig, flash: Path, ram: Path, ssh_port: int) -> list[str]:
    """Return the argument list of a machine that waits to be resumed, to be run in the machine's own folder.

    ``ram`` is the snapshot's, of which the machine gets pages of its own as it writes to them. The kernel and
    the initramfs are in it. The firmware is given all the same: with it QEMU leaves PSCI to TF-A.
    """
    backend = f"memory-backend-file,id=ram,share=off,size={config.memory_mib}M,mem-path={_quoted(ram)}"
    return [
        *_line(config, flash, ssh_port),
        *("-object", backend),
        *("-incoming", "defer"),
        *config.extra,
    ]


def _line(config: MachineConfig, flash: Path, ssh_port: int) -> list[str]:
    """Return what does not depend on how the machine starts.

    Sockets and logs have relative names there: a Unix socket's path must fit in 107 bytes.
    """
    return [
        config.qemu,
        *("-machine", "virt,secure=on,gic-version=3,acpi=off,memory-backend=ram"),
        *("-cpu", config.cpu),
        *("-smp", str(config.cpus)),
        *("-m", str(config.memory_mib)),
        *(_COUNTING if config.clock is Clock.COUNTING else ("-accel", "tcg,thread=multi")),
        *("-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none"),
        *("-bios", str(flash)),
        *_SANDBOX,
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22"),
        *("-device", "virtio-net-device,netdev=net"),
        # While it is mounted, no snapshot can be made.
        *("-fsdev", f"local,id=tee,path={SECURE_STORAGE},security_model=none"),
        *("-device", "virtio-9p-device,fsdev=tee,mount_tag=tee"),
        *_console("normal"),
        *_console("secure"),
        *("-qmp", "unix:qmp.sock,server=on,wait=off"),
        *("-pidfile", "qemu.pid"),
    ]


def check_layout(config: MachineConfig, firmware: Firmware, initrd_bytes: int) -> None:
    """Raise TeeforgeError when kernel and initramfs do not fit beside each other in RAM."""
    with firmware.kernel.open("rb") as file:
        header = file.read(64)
    # Documentation/arm64/booting.rst: image_size at 16, the magic at 56.
    if header[56:60] != b"ARM\x64":
        raise TeeforgeError(
            f"{firmware.kernel} is not an uncompressed arm64 kernel (no magic at byte 56)",
            "an Image is needed, not a vmlinuz.gz or an EFI zboot file",
        )
    image_size = int.from_bytes(header[16:24], "little")
    if _KERNEL + image_size > _INITRD:
        raise TeeforgeError(
            f"{firmware.kernel} takes {image_size} bytes of memory, "
            f"{_INITRD - _KERNEL} are free before the initramfs"
        )
    # The unpacked files and the kernel's own data come on top of the archive.
    least = (_INITRD - _RAM + 4 * initrd_bytes) // (1 << 20) + 128
    if config.memory_mib < least:
        raise TeeforgeError(
            f"memory is {config.memory_mib} MiB, this machine needs at least {least} MiB",
            "raise `memory` of the target in config.yaml",
        )


def _files(firmware: Firmware) -> Mapping[str, Path]:
    return {"firmware": firmware.flash, "kernel": firmware.kernel, "initramfs": firmware.initrd}


def _loader(file: Path, address: int) -> str:
    return f"loader,file={_quoted(file)},addr={address:#x},force-raw=on"


def _quoted(path: Path) -> str:
    # A comma would end the file's name; QEMU takes two for one.
    return str(path).replace(",", ",,")


def _console(name: str) -> tuple[str, ...]:
    """Return a serial port that is logged whole and that one client at a time can attach to."""
    chardev = f"socket,id={name},path={name}.sock,server=on,wait=off,logfile={name}.log,logappend=on"
    return ("-chardev", chardev, "-serial", f"chardev:{name}")
