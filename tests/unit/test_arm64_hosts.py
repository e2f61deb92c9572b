"""A host of the target's own kind: what its toolchain is made of, and what compiles for the target there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from teeforge.modules.wamrc import WAMRC_FLAGS
from teeforge.settings.config import DebianSource, load_config
from teeforge.settings.host import ARCHITECTURES
from teeforge.settings.lock import LockedPackage, load_lock, section_of
from teeforge.settings.recipe import load_recipes

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "overlays/toolchain"
TRIPLET = "aarch64-linux-gnu"

SPECS = """\
*self_spec:


*cc1:
%{profile:-p}

*cc1plus:


*link:
-X

*cross_compile:
0

"""


@pytest.fixture(autouse=True)
def tools_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])


def locked() -> dict[str, dict[str, LockedPackage]]:
    lock = load_lock(ROOT, load_config(ROOT))
    return {
        architecture: {package.name: package for package in lock.of(f"toolchain/{architecture}")}
        for architecture in ARCHITECTURES.values()
    }


def test_every_kind_of_host_gets_the_same_version_of_a_package() -> None:
    sections = locked()
    assert set(sections) == {"amd64", "arm64"}
    both = sections["amd64"].keys() & sections["arm64"].keys()
    assert len(both) > 100
    for name in both:
        one, other = sections["amd64"][name], sections["arm64"][name]
        # What is rebuilt for one architecture alone is the same source.
        assert one.version.partition("+b")[0] == other.version.partition("+b")[0], name
        assert (one.sha256 == other.sha256) == one.path.endswith("_all.deb"), name


def test_what_the_targets_programs_are_linked_with_is_the_same_file_everywhere() -> None:
    sections = locked()
    for name in ("libc6-dev-arm64-cross", "libc6-arm64-cross", "linux-libc-dev-arm64-cross"):
        assert sections["amd64"][name] == sections["arm64"][name]
    [libgcc] = {name for name in sections["amd64"] if name.startswith("libgcc-") and "dev-arm64" in name}
    assert sections["amd64"][libgcc] == sections["arm64"][libgcc]


def test_what_compiles_for_the_target_is_the_same_gcc_everywhere() -> None:
    sections = locked()
    cross, own = sections["amd64"]["cpp-12-aarch64-linux-gnu"], sections["arm64"]["cpp-12"]
    # A fix that Debian made in one of them alone makes other code: of stack protection, that was.
    assert cross.version.partition("cross")[0] == own.version


def test_only_compilers_and_the_hosts_binutils_are_for_one_kind_of_host() -> None:
    sections = locked()
    assert sections["arm64"].keys() <= sections["amd64"].keys()
    for name in sections["amd64"].keys() - sections["arm64"].keys():
        assert name == "binutils-x86-64-linux-gnu" or name.endswith((f"-{TRIPLET}", f"-{TRIPLET}-base"))


def test_a_package_may_be_for_one_architecture_alone_and_from_another_suite() -> None:
    source = DebianSource("old", "host", ("gcc/new [amd64]", "make", "clang [amd64 arm64]"))
    assert source.packages_for("amd64") == {"gcc": "new", "make": "old", "clang": "old"}
    assert source.packages_for("arm64") == {"make": "old", "clang": "old"}


def test_the_section_of_the_lock_is_this_hosts() -> None:
    assert section_of("toolchain", DebianSource("suite", "host", ())) in (
        "toolchain/amd64",
        "toolchain/arm64",
    )
    assert section_of("linux", DebianSource("suite", "arm64", ())) == "linux"


def test_the_toolchain_knows_every_host_that_teeforge_runs_on() -> None:
    from relocate import HOSTS

    assert HOSTS.keys() == ARCHITECTURES.keys()
    for machine, host in HOSTS.items():
        assert host.triplet == f"{machine}-linux-gnu"
        assert host.loader.startswith("ld-linux-")


def test_no_recipe_says_what_the_host_is_and_wamrc_is_told_the_target() -> None:
    for recipe in load_recipes(ROOT, load_config(ROOT)).values():
        assert not [word for word in ("x86", "amd64", "uname") if word in recipe.text()]
    assert "--target=aarch64" in WAMRC_FLAGS


def made_up_toolchain(root: Path) -> None:
    """Lay out what Debian's packages bring on arm64, as far as it is moved or linked."""
    for name in ("gcc-12", "cpp-12", "g++-12", "as", "ld", "ld.bfd", "ld.gold", "ar", "nm", "objcopy"):
        file(root / "usr/bin" / f"{TRIPLET}-{name}")
    for name in ("objdump", "ranlib", "readelf", "strip"):
        file(root / "usr/bin" / f"{TRIPLET}-{name}")
    for name in ("gcc", "cpp", "g++"):
        (root / "usr/bin" / f"{name}-12").symlink_to(f"{TRIPLET}-{name}-12")
        (root / "usr/bin" / f"{TRIPLET}-{name}").symlink_to(f"{name}-12")
    for name in ("cc1", "collect2", "lto-wrapper", "liblto_plugin.so", "libgcc.a", "include/stddef.h"):
        file(root / "usr/lib/gcc" / TRIPLET / "12" / name, "host")
    for name in ("libgcc.a", "include/stddef.h"):
        file(root / "usr/lib/gcc-cross" / TRIPLET / "12" / name, "target")
    for name in ("include/stdio.h", "lib/libc.a"):
        file(root / "usr" / TRIPLET / name, "target")


def file(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_targets_compiler_finds_the_targets_parts_and_gccs_programs(tmp_path: Path) -> None:
    from target import set_apart

    root = tmp_path / "root"
    made_up_toolchain(root)
    drivers = [*set_apart(root)]
    moved = tmp_path / "elsewhere"
    shutil.move(root, moved)
    for name in ("gcc", "cpp"):
        called = moved / "usr/bin" / f"{TRIPLET}-{name}"
        assert called.resolve() == moved / "cross/usr/bin" / f"{TRIPLET}-{name}-12"
        assert root / called.resolve().relative_to(moved) in drivers
        # The host's own compiler is where it was.
        assert (moved / f"usr/bin/{name}-12").resolve() == moved / f"usr/bin/{TRIPLET}-{name}-12"
    # This is the folder that a gcc looks in, from where it lies.
    parts = moved / "cross/usr/bin/../lib/gcc" / TRIPLET / "12"
    assert (parts / "libgcc.a").read_text() == (parts / "include/stddef.h").read_text() == "target"
    assert (parts / "cc1").resolve() == moved / "usr/lib/gcc" / TRIPLET / "12/cc1"
    beside = parts / "../../../.." / TRIPLET
    assert (beside / "lib/libc.a").read_text() == "target"
    assert (beside / "bin/ld").resolve() == moved / f"usr/bin/{TRIPLET}-ld"


def test_the_hosts_compiler_sees_nothing_of_the_target(tmp_path: Path) -> None:
    from target import set_apart

    made_up_toolchain(tmp_path)
    list(set_apart(tmp_path))
    assert not (tmp_path / "usr" / TRIPLET).exists()
    assert not (tmp_path / "usr/lib/gcc-cross").exists()
    assert (tmp_path / "usr/lib/gcc" / TRIPLET / "12/libgcc.a").read_text() == "host"


@pytest.fixture
def gcc(tmp_path: Path) -> list[str]:
    """A gcc that says its specs and does nothing else."""
    file(tmp_path / "specs.txt", SPECS)
    return ["sh", "-c", f"cat {tmp_path}/specs.txt"]


def test_a_confined_gcc_writes_no_path_of_the_toolchain_however_it_is_reached(
    tmp_path: Path, gcc: list[str]
) -> None:
    from compilers import confine

    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to("real")
    confine(gcc, tmp_path / "specs", tmp_path / "linked/root")
    written = (tmp_path / "specs").read_text()
    assert f"*self_spec:\n --sysroot={tmp_path}/linked/root\n" in written
    maps = f"-ffile-prefix-map={tmp_path}/linked/root= -ffile-prefix-map={tmp_path}/real/root= -fno-ident"
    assert f"*cc1:\n%{{profile:-p}} {maps}\n" in written
    assert f"*cc1plus:\n {maps}\n" in written
    assert "*cross_compile:\n0\n" in written


def test_a_gcc_for_the_target_takes_no_library_of_the_host(tmp_path: Path, gcc: list[str]) -> None:
    from target import confine_apart

    specs = tmp_path / "cross/usr/lib/gcc-cross" / TRIPLET / "12/specs"
    specs.parent.mkdir(parents=True)
    confine_apart(gcc, tmp_path, Path("/somewhere/root"))
    written = specs.read_text()
    assert "*cross_compile:\n1\n" in written
    assert "--sysroot=/somewhere/root/cross\n" in written
