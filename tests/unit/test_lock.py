"""debian.lock: the packages of every architecture, and which packages a few of them need."""

from __future__ import annotations

from pathlib import Path

import pytest
from debian.deb822 import Packages

from teeforge.base.errors import TeeforgeError
from teeforge.fetch.closure import Suite, closure
from teeforge.settings.config import Config, DebianSource, QemuTarget
from teeforge.settings.host import host_architecture
from teeforge.settings.lock import LockedPackage, load_lock, section_of, sections

ROOT = Path(__file__).resolve().parents[2]
LINE = f"gcc 4:12.2.0-3 pool/main/g/gcc.deb 5216 {'a' * 64}"


def locked(root: Path, text: str, **source: object) -> str:
    """Write a debian.lock of one source, and return what is said of it."""
    keys: dict[str, object] = {"suite": "bookworm", "architecture": "arm64", "packages": ("gcc",), **source}
    config = Config(sources={"up": DebianSource(**keys)}, targets={"qemu": QemuTarget("qemu")})  # type: ignore[arg-type]
    (root / "debian.lock").write_text(f"snapshot: 20261122T000000Z\npackages:\n{text}", encoding="utf-8")
    try:
        for section, _ in sections("up", config.sources["up"]):  # type: ignore[arg-type]
            load_lock(root, config).of(section)
    except TeeforgeError as error:
        return error.message
    return ""


def test_a_line_comes_back_as_it_was_written() -> None:
    package = LockedPackage.read(LINE)
    assert (package.name, package.version, package.size) == ("gcc", "4:12.2.0-3", 5216)
    assert package.line() == LINE


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("gcc 12 pool/gcc.deb", "should be name, version, path, size and SHA-256"),
        (LINE.replace("5216", "much"), "should be name, version, path, size and SHA-256"),
        (LINE[:-1], "is not 64 hexadecimal digits"),
        (LINE.replace("pool/main", "../pool"), "should begin with pool/"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str, told: str) -> None:
    assert told in locked(tmp_path, f"  up: |\n    {line}\n")


def test_a_package_that_is_not_locked_or_not_asked_for_is_named(tmp_path: Path) -> None:
    assert locked(tmp_path, f"  up: |\n    {LINE}\n") == ""
    assert "does not lock make" in locked(tmp_path, f"  up: |\n    {LINE}\n", packages=("gcc", "make"))
    assert "also locks gcc" in locked(tmp_path, f"  up: |\n    {LINE}\n", packages=())
    more = LINE.replace("gcc", "cpp")
    assert locked(tmp_path, f"  up: |\n    {LINE}\n    {more}\n", depends=True) == ""
    told = locked(tmp_path, f"  up: |\n    {LINE}\n    {more}\n", depends=True, without=("cpp",))
    assert "also locks cpp" in told


def test_a_source_for_the_host_has_a_section_for_each_architecture(tmp_path: Path) -> None:
    one = f"  up/amd64: |\n    {LINE}\n"
    assert "does not lock gcc" in locked(tmp_path, one, architecture="host")
    assert locked(tmp_path, one + one.replace("amd64", "arm64"), architecture="host") == ""
    only = ("gcc [amd64]",)
    assert locked(tmp_path, one + "  up/arm64: |\n", architecture="host", packages=only) == ""
    source = DebianSource("bookworm", "host", ("gcc",))
    assert section_of("up", source) == f"up/{host_architecture()}"


def index(**depends: str) -> dict[str, Packages]:
    """Return packages by name, each with what it depends on, and after `;` what it provides."""
    made = {}
    for name, told in depends.items():
        needs, _, provides = told.partition("; ")
        fields = {"Package": name, "Depends": needs, "Provides": provides}
        made[name] = Packages([f"{field}: {value}" for field, value in fields.items() if value])
    return made


def chosen(packages: dict[str, Packages], wanted: str, *without: str) -> list[str]:
    """Return what comes with a package of a suite."""
    return list(closure({"old": Suite("old", packages)}, {wanted: "old"}, without, "old"))


def test_dependencies_of_dependencies_are_taken_once_in_a_circle_too() -> None:
    packages = index(gcc="cpp (>= 12), libc6", cpp="libc6, gcc", libc6="", other="gcc")
    assert chosen(packages, "gcc") == ["cpp", "gcc", "libc6"]


def test_the_first_alternative_is_taken_unless_another_is_there_already() -> None:
    packages = index(editor="vi | emacs", vi="", emacs="", both="emacs, vi | emacs")
    assert chosen(packages, "editor") == ["editor", "vi"]
    assert chosen(packages, "both") == ["both", "emacs"]


def test_what_is_left_out_brings_nothing() -> None:
    packages = index(ssh="passwd | login, libc6", passwd="libpam", login="", libpam="", libc6="")
    assert chosen(packages, "ssh", "passwd") == ["libc6", "ssh"]


def test_a_virtual_package_is_had_from_who_provides_it() -> None:
    packages = index(app="awk", mawk="; awk (= 1)")
    assert chosen(packages, "app") == ["app", "mawk"]
    assert chosen(packages, "app", "mawk") == ["app"]


def test_a_dependency_that_nothing_satisfies_is_named() -> None:
    with pytest.raises(TeeforgeError, match="app depends on ghost, which old does not have"):
        chosen(index(app="ghost"), "app")


SUITES = {
    "old": Suite("old", index(gcc="libc", make="libc, sh", libc="", sh="libc")),
    "new": Suite("new", index(gcc="libc (>= 2), libmpc", libc="", libmpc="libc", sh="libc")),
}


def test_what_a_package_of_another_suite_needs_is_of_that_suite_and_all_else_is_not() -> None:
    asked = {"make": "old", "gcc": "new"}
    assert closure(SUITES, asked, (), "old") == asked | {"libc": "new", "libmpc": "new", "sh": "old"}


def test_what_was_asked_for_is_of_the_suite_that_it_was_asked_from() -> None:
    assert closure(SUITES, {"gcc": "new", "libc": "old"}, (), "old")["libc"] == "old"
