"""QEMU's command line: how memory, firmware, kernel and consoles are put together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from teeforge.errors import TeeforgeError

# The virt machine's RAM starts at 1 GiB; TF-A is told where the kernel is when it is built.
_RAM = 0x4000_0000
_KERNEL = 0x4220_0000
_INITRD = 0x4800_0000
_PAGE = 4096
# The folder in the machine's own that its tee-supplicant keeps secure storage in: it outlives a boot.
SECURE_STORAGE = "tee"
_BOOTARGS = "console=ttyAMA0 initrd={start:#x},{size} quiet cryptomgr.notests"


@dataclass(frozen=True)
class Deadlines:
    """Seconds that a machine may take to get to each state from the one before it."""

    firmware: float = 20
    optee: float = 20
    linux: float = 60
    ssh: float = 60


@dataclass(frozen=True)
class MachineConfig:
    """What a user may choose about a machine. ``ssh_port`` 0 is any free one."""

    cpus: int = 2
    memory_mib: int = 1057
    cpu: str = "cortex-a53"
    ssh_port: int = 0
    qemu: str = "qemu-system-aarch64"
    extra: tuple[str, ...] = ()
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass(frozen=True)
class Firmware:
    """The files that a machine boots: BL1 and FIP, the kernel's Image, the first initramfs."""

    flash: Path
    kernel: Path
    initrd: Path


def inputs_digest(config: MachineConfig, firmware: Firmware, identity: bytes) -> str:
    """Return the digest of all that decides what a machine is, wherever its files lie.

    Raises TeeforgeError when a file is missing.
    """
    described: dict[str, object] = asdict(config)
    del described["deadlines"]
    for name, path in _files(firmware).items():
        try:
            with path.open("rb") as file:
                described[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise TeeforgeError(
                f"{path}: {error.strerror}, and the machine cannot boot without its {name}",
                "`invoke build-all` makes it",
            ) from error
    described["identity"] = hashlib.sha256(identity).hexdigest()
    # The part of the line that no field above decides.
    described["line"] = command(MachineConfig(), Firmware(*[Path("x")] * 3), Path("x"), (1, 1), 1)
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def command(
    config: MachineConfig,
    firmware: Firmware,
    identity: Path,
    initrd_sizes: tuple[int, int],
    ssh_port: int,
) -> list[str]:
    """Return the argument list, to be run in the machine's own folder.

    ``identity`` is the second initramfs, ``initrd_sizes`` the bytes of the first and of the second.
    Sockets and logs have relative names there: a Unix socket's path must fit in 107 bytes.
    """
    first, second = initrd_sizes
    # The kernel skips the zeros between the two: they need not be one file.
    second_at = _INITRD + -(-first // _PAGE) * _PAGE
    bootargs = _BOOTARGS.format(start=_INITRD, size=second_at + second - _INITRD)
    return [
        config.qemu,
        *("-machine", "virt,secure=on,gic-version=3,acpi=off"),
        *("-cpu", config.cpu),
        *("-smp", str(config.cpus)),
        *("-m", str(config.memory_mib)),
        *("-accel", "tcg,thread=multi"),
        *("-nodefaults", "-no-user-config", "-no-reboot"),
        *("-display", "none"),
        *("-bios", str(firmware.flash)),
        # TF-A jumps to Linux by itself; -kernel only makes QEMU accept -append.
        *("-kernel", str(firmware.kernel)),
        *("-append", bootargs),
        *("-device", _loader(firmware.kernel, _KERNEL)),
        *("-device", _loader(firmware.initrd, _INITRD)),
        *("-device", _loader(identity, second_at)),
        *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{ssh_port}-:22"),
        *("-device", "virtio-net-device,netdev=net"),
        *("-fsdev", f"local,id=tee,path={SECURE_STORAGE},security_model=none"),
        *("-device", "virtio-9p-device,fsdev=tee,mount_tag=tee"),
        *_console("normal"),
        *_console("secure"),
        *("-qmp", "unix:qmp.sock,server=on,wait=off"),
        *("-pidfile", "qemu.pid"),
        *config.extra,
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
    # A comma would end the file's name; QEMU takes two for one.
    return f"loader,file={str(file).replace(',', ',,')},addr={address:#x},force-raw=on"


def _console(name: str) -> tuple[str, ...]:
    """Return a serial port that is logged whole and that one client at a time can attach to."""
    chardev = f"socket,id={name},path={name}.sock,server=on,wait=off,logfile={name}.log,logappend=off"
    return ("-chardev", chardev, "-serial", f"chardev:{name}")
