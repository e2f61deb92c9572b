"""config.yaml: the one file that a user edits."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

from teeforge.base.errors import TeeforgeError
from teeforge.settings import schema
from teeforge.settings.memory import SecureMemory
from teeforge.settings.modules import DEVELOPMENT, Modules

_FULL_COMMIT = re.compile(r"[0-9a-f]{40}")
_SIZE = re.compile(r"(\d+)\s*(KiB|MiB|GiB|B)?")
# make splits its words at spaces, and optee_os, TF-A and CMake all go through make.
SAFE_PATH = re.compile(r"[A-Za-z0-9_./+@%=,-]+")
_UNITS = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True)
class GitSource:
    """A git repository at one full commit, with upstream commits put on top of it."""

    url: str
    """Where upstream is. `mirrors` may have it fetched from elsewhere."""
    commit: str
    """All 40 digits: whoever serves it, the bits are these."""
    version: str = ""
    """What people call that commit; shown, and given to builds that ask for a version."""
    cherry_picks: tuple[str, ...] = ()
    """Upstream commits put on top, in this order; all 40 digits of each."""

    def __post_init__(self) -> None:
        for key, commit in [
            ("commit", self.commit),
            *(("cherry_picks", c) for c in self.cherry_picks),
        ]:
            if not _FULL_COMMIT.fullmatch(commit):
                raise ValueError(
                    f"{key}: `{commit}` is not a full 40-digit commit (a short one cannot be "
                    "fetched, and may come to mean another); `git rev-parse` gives the full one"
                )


@dataclass(frozen=True)
class DebianSource:
    """Debian packages of one suite and architecture; their versions and hashes are in debian.lock.

    ``architecture`` may be `host`: the one that teeforge runs on. With ``depends`` what the packages depend
    on belongs to the source as well, but for the packages ``without`` and what only they would bring.
    A package may be for one architecture alone, as in Debian's own control files: `gcc [amd64]`, and from
    another suite, as apt has it: `gcc/trixie`; what it depends on is from there as well.
    """

    suite: str
    """Debian's release, such as bookworm."""
    architecture: str
    """Debian's name for it, or `host`: the one that teeforge runs on."""
    packages: tuple[str, ...]
    """Their names. For one architecture alone: `gcc [amd64]`; from another suite: `gcc/trixie`."""
    depends: bool = False
    """Whether what the packages depend on belongs to the source as well."""
    without: tuple[str, ...] = ()
    """Packages to leave out, and what only they would bring."""

    def packages_for(self, architecture: str) -> dict[str, str]:
        """Return the names of the packages to take for an architecture, and the suite of each."""
        split = [package.partition(" ") for package in self.packages]
        meant = [name for name, _, only in split if not only or architecture in only.strip("[]").split()]
        return {name.partition("/")[0]: name.partition("/")[2] or self.suite for name in meant}


@dataclass(frozen=True)
class DebianArchive:
    """Where Debian packages come from: a mirror of yours first, then the host's apt, then snapshot."""

    mirror: str | None = None
    """Asked first, before the one that the apt of this host uses."""
    snapshot: str | None = None
    """Asked last: it keeps every version for ever."""


# What AOT code may be made for, the default first. All are of Armv8.0: what is made for one runs on each.
WASM_CPUS = ("cortex-a53", "generic", "cortex-a35", "cortex-a57", "cortex-a72", "cortex-a73")


@dataclass(frozen=True)
class Toolchain:
    """Where the compilers come from: Debian packages by their hashes, or whatever the host has.

    ``cross`` and ``llvm`` are for `host`. In any case ``wasm_cc`` may name another compiler for .c programs,
    and ``wasm_cpu`` is the core that AOT code is made for.
    """

    short: ClassVar[str] = "kind"  # `toolchain: host` is the same as `toolchain: {kind: host}`

    kind: Literal["pinned", "host"] = "pinned"
    """`pinned`: fetched by hash. `host`: compilers, LLVM and QEMU that are installed here."""
    cross: str = "aarch64-linux-gnu-"
    """For `host`: the prefix of the cross compiler."""
    llvm: str = "auto"
    """For `host`: what wamrc is built with: `auto`, 13, 14, 15, or the folder of one that was unpacked."""
    wasm_cc: str = "auto"
    """The compiler for .c programs: `auto`, the folder of a wasi-sdk, or a clang."""
    wasm_cpu: str = WASM_CPUS[0]
    """The core that AOT code is made for: `generic` or one of Armv8.0, such as cortex-a72."""

    def __post_init__(self) -> None:
        if self.wasm_cpu not in WASM_CPUS:
            raise ValueError(f"wasm_cpu: is {self.wasm_cpu}, should be one of {', '.join(WASM_CPUS)}")
        for key in ("cross", "llvm"):
            if self.kind == "pinned" and getattr(self, key) != getattr(Toolchain, key):
                raise ValueError(f"{key}: is for `kind: host`, and this toolchain is pinned")

    @property
    def pinned(self) -> bool:
        """Whether the compilers are the same on every host."""
        return self.kind == "pinned"


# CPUs that the firmware has code for and QEMU a model; each was booted. Others hang before Linux.
CPUS = ("cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "max")
# In a cluster, as TF-A and OP-TEE are built: Linux waits in vain for a fifth one.
MOST_CPUS = 4


@dataclass(frozen=True)
class QemuTarget:
    """A machine that we start ourselves."""

    kind: Literal["qemu"]
    """A machine of ours in QEMU."""
    cpus: int = 2
    """1 to 4."""
    memory: str = "1057MiB"
    """RAM of the machine, at least 512MiB."""
    cpu: str = "cortex-a53"
    """QEMU's model: cortex-a53, cortex-a57, cortex-a72, cortex-a76 or max."""
    ssh_port: int = 0
    """On 127.0.0.1 only; 0: any free one."""
    firmware: str = "trusted-firmware-a.flash"
    """What it boots, as component.product."""
    kernel: str = "linux.Image"
    """The kernel, as component.product."""
    initrd: str = "rootfs.initrd"
    """The root filesystem, as component.product."""

    def __post_init__(self) -> None:
        if not 1 <= self.cpus <= MOST_CPUS:
            raise ValueError(f"cpus: is {self.cpus}, should be 1 to {MOST_CPUS}, which the firmware starts")
        if self.cpu.partition(",")[0] not in CPUS:
            raise ValueError(f"cpu: is {self.cpu}, and the firmware knows {', '.join(CPUS)}")
        if not 0 <= self.ssh_port <= 65535:
            raise ValueError(f"ssh_port: is {self.ssh_port}, should be 0 (any free one) to 65535")
        if parse_size(self.memory, "memory") < 512 << 20:
            raise ValueError(f"memory: is {self.memory}, should be at least 512MiB")
        for key in ("firmware", "kernel", "initrd"):
            if getattr(self, key).count(".") != 1:
                raise ValueError(f"{key}: `{getattr(self, key)}` should be component.product")

    @property
    def memory_mib(self) -> int:
        """The machine's RAM in MiB."""
        return parse_size(self.memory, "memory") >> 20


@dataclass(frozen=True)
class SshTarget:
    """A board that runs OP-TEE and an SSH server."""

    kind: Literal["ssh"]
    """A machine that is there already."""
    host: str
    """Its name or address."""
    host_key: str
    """The public key that it has to show: a line of `ssh-keyscan` without the name."""
    port: int = 22
    """Of its SSH server."""
    user: str = "root"
    """Who may use /dev/tee0 and write where TAs are."""
    key: str | None = None
    """The file of the private key; default: the one in build/identity."""


@dataclass(frozen=True)
class Config:
    """All of config.yaml."""

    sources: dict[str, GitSource | DebianSource]
    """Where files come from, by name: git repositories at one commit, Debian packages by hash."""
    targets: dict[str, QemuTarget | SshTarget]
    """Machines to deploy to, by name: `kind: qemu`, or `kind: ssh` for a board that runs OP-TEE."""
    mirrors: dict[str, str] = field(default_factory=dict)
    """Prefix of a source's URL: where to fetch it instead. Whoever serves a commit, its hash is verified."""
    debian: DebianArchive = DebianArchive()
    """Where Debian packages are fetched."""
    toolchain: Toolchain = Toolchain()
    """Where compilers and QEMU come from: `pinned`, `host`, or a mapping."""
    signing: Literal["development", "own"] = "development"
    """Whose key TAs are signed with: OP-TEE's, which everybody has, or this environment's `own`."""
    modules: Modules = DEVELOPMENT
    """Whose signature the TEE asks of a module: `development`, `own`, `any`, or a mapping."""
    secure_ram: str = "16MiB"
    """Memory of the TEE: 16MiB; up to 256MiB in steps of 2MiB, of which QEMU isolates 16MiB."""
    jobs: Literal["auto"] | int = "auto"
    """Compilers at once, over all components (GNU make's jobserver) and in a program; `auto`: one a core."""
    build_dir: str = "build"
    """Where all lies that is made. If make cannot take its path (a space, say), it becomes a link."""
    store: str | None = None
    """Where products are kept, if not in build/store: a folder that several checkouts and users share."""
    remote: str | None = None
    """A store that a team or CI has, asked before building: s3://…, gs://…, https://… or a folder."""

    def __post_init__(self) -> None:
        if isinstance(self.jobs, int) and self.jobs < 1:
            raise ValueError(f"jobs: is {self.jobs}, should be `auto` or at least 1")
        if self.store and not SAFE_PATH.fullmatch(str(self.store_folder)):
            raise ValueError(f"store: `{self.store}` has a character that make cannot take")
        for name, target in self.targets.items():
            if isinstance(target, QemuTarget) and target.memory_mib << 20 < self.memory.least_ram:
                raise ValueError(
                    f"targets.{name}.memory: is {target.memory}, `secure_ram: {self.secure_ram}` "
                    f"needs at least {self.memory.least_ram >> 20}MiB"
                )

    @property
    def memory(self) -> SecureMemory:
        """How the secure memory is made up."""
        return SecureMemory(parse_size(self.secure_ram, "secure_ram"))

    @property
    def job_count(self) -> int:
        """How many compilers may run at once."""
        return self.jobs if isinstance(self.jobs, int) else len(os.sched_getaffinity(0))

    @property
    def store_folder(self) -> Path | None:
        """Where products are kept, if not in the build folder: shared by checkouts and users."""
        return Path(self.store).expanduser() if self.store else None

    def mirrored(self, url: str) -> str:
        """Return where ``url`` is really fetched from: the longest matching prefix of ``mirrors``."""
        prefixes = [prefix for prefix in self.mirrors if url.startswith(prefix)]
        if not prefixes:
            return url
        prefix = max(prefixes, key=len)
        return self.mirrors[prefix] + url[len(prefix) :]


def parse_size(text: str, key: str) -> int:
    """Return the bytes that ``text`` (``64KiB``, ``16MiB``, ``4096``) means; ValueError otherwise."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{key}: is `{text}`, should be a size such as 64KiB, 16MiB or 4096")
    return int(match[1]) * _UNITS[match[2]]


def find_root(start: Path) -> Path:
    """Return the folder, at or above ``start``, that holds config.yaml."""
    for folder in (start, *start.parents):
        if (folder / "config.yaml").is_file() and (folder / "recipes").is_dir():
            return folder
    raise TeeforgeError(f"no config.yaml in {start} or above", "run this inside a teeforge checkout")


@functools.lru_cache(maxsize=4)
def load_config(root: Path) -> Config:
    """Read ``root``/config.yaml; TEEFORGE_CONFIG names another file (for tests and experiments)."""
    path = Path(os.environ.get("TEEFORGE_CONFIG") or root / "config.yaml")
    try:
        return anchored(schema.load(path, Config), root)
    except ValueError as error:
        raise TeeforgeError(f"{path}: {error}", "1 to correct in config.yaml") from error


def anchored(config: Config, root: Path) -> Config:
    """Return ``config`` with its paths absolute: what is relative in it begins at the checkout ``root``."""

    def at(path: str) -> str:
        return str((root / Path(path).expanduser()).absolute())

    def of_target(target: QemuTarget | SshTarget) -> QemuTarget | SshTarget:
        return replace(target, key=at(target.key)) if isinstance(target, SshTarget) and target.key else target

    tools = config.toolchain
    if tools.llvm != "auto" and not tools.llvm.isdecimal():
        tools = replace(tools, llvm=at(tools.llvm))
    # It may also be a program's name.
    if "/" in tools.wasm_cc or (root / tools.wasm_cc).is_dir():
        tools = replace(tools, wasm_cc=at(tools.wasm_cc))
    return replace(
        config,
        toolchain=tools,
        store=at(config.store) if config.store else None,
        remote=at(config.remote) if config.remote and "://" not in config.remote else config.remote,
        targets={name: of_target(target) for name, target in config.targets.items()},
    )
