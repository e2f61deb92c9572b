"""Where secure memory lies: the machine's own, and the pool in ordinary RAM that makes it larger."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
PAGE = 4096

# QEMU's virt machine has 16 MiB of secure RAM (VIRT_SECURE_MEM); TF-A keeps the first of them.
OWN = 16 * MIB
FIRMWARE = 1 * MIB
# A larger `secure_ram` is completed by a pool for TAs in ordinary RAM, which begins at 1 GiB. The pool lies
# above all that is loaded before Linux starts. The core maps it in blocks of 2 MiB.
RAM_START = 0x4000_0000
POOL_START = 0x6000_0000
BLOCK = 2 * MIB
LARGEST = 256 * MIB
# The core keeps one page table for each 2 MiB that a TA maps: so many without a pool, as the recipe of
# optee_os has it; with one, one for each of its blocks and some more. They are in the core's own 2 MiB: those
# for 512MiB would leave it no room to start.
_TABLES = 32
_OTHER_TABLES = 24
# The core's heap on this platform (CFG_CORE_HEAP_SIZE). Of memory that both worlds share it has two lists of
# pages there while that is made known: 26 MiB could be shared, 28 not. With a pool it is larger.
_CORE_HEAP = 192 << 10
_SHARED_OWN = 26 * MIB
_HEAP_PART = 1024
_LISTED = PAGE // 16

# What compiled code has of the TA's own stack (TA_STACK_SIZE less what WAMR reserves for natives).
STACK_OWN = 256 << 10
# WASM_TA_STACK_MIN and _MAX of the TA's wasm_ta.h: what a stack for compiled code may be.
STACK_LEAST = 16 << 10
STACK_MOST = 256 * MIB

NOT_ISOLATED = (
    "what is above 16MiB lies in ordinary RAM, which QEMU does not keep from the normal world: "
    "root in Linux can read and change it. For experiments with large modules, never for secrets"
)


@dataclass(frozen=True)
class SecureMemory:
    """How `secure_ram` (``total`` bytes) is made up. Raises ValueError for a size that cannot be had."""

    total: int

    def __post_init__(self) -> None:
        if self.total == OWN:
            return
        if not OWN < self.total <= LARGEST or self.total % BLOCK:
            raise ValueError(
                f"secure_ram: is {words(self.total)}, should be 16MiB, which the machine itself has, "
                f"or more in steps of 2MiB up to {LARGEST // MIB}MiB"
            )

    @property
    def pool(self) -> int:
        """Bytes of the pool in ordinary RAM; 0 with the machine's own memory alone."""
        return self.total - OWN

    @property
    def page_tables(self) -> int:
        """How many page tables the core has for TAs, each for BLOCK bytes."""
        return self.pool // BLOCK + _OTHER_TABLES if self.pool else _TABLES

    @property
    def largest_file(self) -> int:
        """The most bytes that both worlds can share in one piece, as a module's file is."""
        return _SHARED_OWN + self.pool // _HEAP_PART * _LISTED

    @property
    def least_ram(self) -> int:
        """Bytes of ordinary RAM that a machine must have for the pool to be in it."""
        return POOL_START - RAM_START + self.pool if self.pool else 0

    def placeholders(self) -> dict[str, str]:
        """What recipes may use in `options`; nothing where there is no pool."""
        if not self.pool:
            return {}
        return {
            "memory.pool_start": f"{POOL_START:#x}",
            "memory.pool_size": f"{self.pool:#x}",
            "memory.page_tables": str(self.page_tables),
            "memory.core_heap": str(_CORE_HEAP + self.pool // _HEAP_PART),
        }


def words(size: int) -> str:
    """Return a size as it is written in config.yaml."""
    for unit, scale in (("MiB", MIB), ("KiB", 1 << 10)):
        if size % scale == 0 and size >= scale:
            return f"{size // scale}{unit}"
    return str(size)


def pages(size: int) -> int:
    """Return ``size`` rounded up to whole pages of 4 KiB, in bytes."""
    return -(-size // PAGE) * PAGE
