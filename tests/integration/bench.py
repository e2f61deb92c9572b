"""Machines in a real QEMU, with a firmware of a few instructions that says and waits for what it is told."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from teeforge.machines.identity import load_identity
from teeforge.machines.machine import Machine
from teeforge.machines.qemu import Deadlines, Firmware, MachineConfig
from teeforge.machines.snapshot import Snapshots

ASSEMBLER, OBJCOPY = "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objcopy"

needs_qemu = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("qemu-system-aarch64", ASSEMBLER, OBJCOPY)),
    reason="QEMU or the cross compiler is not installed: nothing about machines is tested",
)

# \x01 and \x02 in the script choose the normal and the secure console, PL011s of hw/arm/virt.c; at \x04 the
# machine sleeps until a line comes from the normal one. The script is said from RAM.
FIRMWARE = """
_start: adr x0, script
        mov x5, #0x48000000
copy:   ldrb w1, [x0], #1
        strb w1, [x5], #1
        cbnz w1, copy
        mov x0, #0x48000000
        mov x3, #0x09000000
        mov x4, #0x09040000
        mov x2, x3
next:   ldrb w1, [x0], #1
        cbz w1, end
        cmp w1, #1
        csel x2, x3, x2, eq
        cmp w1, #2
        csel x2, x4, x2, eq
        cmp w1, #3
        b.lt next
        cmp w1, #4
        b.eq sleep
        strb w1, [x2]
        b next
sleep:  ldr w7, [x3, #0x18]
        tbnz w7, #4, sleep
        ldr w7, [x3]
        cmp w7, #10
        b.ne sleep
        b next
end:    wfi
        b end
script: .asciz "{script}"
"""
UP_TO_LINUX = r"\001NOTICE:  BL1: v2\n\002I/TC: OP-TEE version: 4\n\001teeforge: state linux\n"
BOOTED = UP_TO_LINUX + r"teeforge: state ssh\n"
# As the real ones: prepared, it sleeps until it is woken.
SLEEPER = UP_TO_LINUX + r"teeforge: state prepared\n\004teeforge: state ssh\n"
QUICK = Deadlines(firmware=5, optee=5, linux=5, prepared=5, ssh=5)


class Bench:
    """A folder in which machines are made, and stopped at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = load_identity(folder / "identity")
        self.machines: list[Machine] = []
        # The smallest file that passes as an arm64 Image.
        (folder / "Image").write_bytes(bytes(56) + b"ARM\x64" + bytes(4))
        # QEMU 11 loads no empty file.
        (folder / "initrd").write_bytes(b"initrd")

    def machine(self, script: str = BOOTED, name: str = "m", **config: object) -> Machine:
        machine = Machine(
            name,
            self.folder / "targets" / name,
            replace(MachineConfig(cpus=1, memory_mib=256, deadlines=QUICK), **config),  # type: ignore[arg-type]
            Firmware(self.flash(script), self.folder / "Image", self.folder / "initrd"),
            self.identity,
            Snapshots(self.folder / "snapshots"),
        )
        self.machines.append(machine)
        return machine

    def flash(self, script: str) -> Path:
        flash = self.folder / f"flash {abs(hash(script))}, with a comma"
        if not flash.exists():
            elf = self.folder / "firmware.elf"
            subprocess.run(
                [ASSEMBLER, "-nostdlib", "-static", "-xassembler", "-", "-o", elf],
                input=FIRMWARE.format(script=script).encode(),
                check=True,
                capture_output=True,
            )
            subprocess.run([OBJCOPY, "-O", "binary", "-j", ".text", elf, flash], check=True)
        return flash


def pid_of(machine: Machine) -> int:
    return int((machine.folder / "qemu.pid").read_text())


def is_alive(pid: int) -> bool:
    # A zombie is dead; only its parent, us, has not looked yet.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
