"""YAML to dataclasses: every mistake is named, with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.settings.config import Config, GitSource, QemuTarget, SshTarget, load_config
from teeforge.settings.schema import load

COMMIT = "753afbbee1682f5d16fd30e87b31058a4fd4f4b8"
GOOD = f"""\
sources:
  optee_os: {{url: "https://example.org/optee_os.git", commit: {COMMIT}}}
targets:
  qemu: {{kind: qemu}}
"""


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Config)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(TeeforgeError) as caught:
        read(tmp_path, text)
    return caught.value.message


def test_code_is_made_for_a_core_that_we_know(tmp_path: Path) -> None:
    text = GOOD.replace("{", "{{").replace("}", "}}") + "toolchain: {{wasm_cpu: {0}}}\n"
    assert read(tmp_path, text.format("cortex-a72")).toolchain.wasm_cpu == "cortex-a72"
    message = refused(tmp_path, text.format("cortex-m0"))
    assert "wasm_cpu: is cortex-m0, should be one of cortex-a53, generic" in message


def test_a_config_becomes_dataclasses_with_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    assert config.sources["optee_os"] == GitSource("https://example.org/optee_os.git", COMMIT)
    assert config.targets["qemu"] == QemuTarget("qemu")
    assert config.toolchain.llvm == "auto"


def test_a_target_of_kind_ssh_is_told_from_qemu_by_its_kind(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD + "  board: {kind: ssh, host: 192.0.2.1, host_key: ssh-ed25519 AAAA}\n")
    assert config.targets["board"] == SshTarget("ssh", "192.0.2.1", "ssh-ed25519 AAAA")


def test_an_unknown_key_names_the_line_and_the_nearest_valid_key(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD + "toolchian: {llvm: 14}\n")
    assert message == f"{tmp_path}/config.yaml:5: toolchian: unknown key; did you mean `toolchain`?"


def test_all_mistakes_of_a_file_are_shown_at_once(tmp_path: Path) -> None:
    text = GOOD + "jobs: many\ntoolchain: {lvm: 14}\nmirrors: [1]\n"
    lines = refused(tmp_path, text).splitlines()
    assert len(lines) == 3
    assert "5: jobs: is `many`" in lines[0] or "5: jobs: should be" in lines[0]
    assert "6: toolchain.lvm: unknown key; did you mean `llvm`?" in lines[1]
    assert "7: mirrors: should be a mapping" in lines[2]


def test_a_short_commit_is_refused_with_the_reason(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace(COMMIT, "cba4c782"))
    assert "sources.optee_os.commit: `cba4c782` is not a full 40-digit commit" in message


def test_a_commit_of_digits_only_is_text(tmp_path: Path) -> None:
    digits = "1" * 40
    source = read(tmp_path, GOOD.replace(COMMIT, digits)).sources["optee_os"]
    assert isinstance(source, GitSource)
    assert source.commit == digits


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert "targets: is missing" in refused(tmp_path, GOOD.split("targets")[0])


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    assert "6: jobs: stands here twice" in refused(tmp_path, GOOD + "jobs: 1\njobs: 2\n")


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD + "jobs: [1\n").startswith(f"{tmp_path}/config.yaml:6: not YAML")


def test_an_empty_file_is_one_clear_line(tmp_path: Path) -> None:
    assert "should be a mapping" in refused(tmp_path, "")


def test_a_size_without_sense_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace("{kind: qemu}", "{kind: qemu, memory: lots}"))
    assert "targets.qemu.memory: is `lots`" in message


def test_the_longest_mirror_prefix_wins(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        GOOD + "mirrors: {'https://example.org/': 'file:///a/', 'https://example.org/optee': 'file:///b'}\n",
    )
    assert config.mirrored("https://example.org/optee_os.git") == "file:///b_os.git"
    assert config.mirrored("https://example.org/tf-a.git") == "file:///a/tf-a.git"
    assert config.mirrored("https://other.org/x.git") == "https://other.org/x.git"


def test_what_is_relative_begins_at_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = (
        "store: ../shared\nremote: remote\ntoolchain: {kind: host, llvm: opt/llvm, wasm_cc: ./sdk}\n"
        "targets: {board: {kind: ssh, host: h, host_key: k, key: ~/.ssh/id}}\nsources: {}\n"
    )
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path)
    assert config.store_folder == tmp_path / "../shared"
    assert config.remote == str(tmp_path / "remote")
    assert config.toolchain.llvm == str(tmp_path / "opt/llvm")
    assert config.toolchain.wasm_cc == str(tmp_path / "sdk")
    board = config.targets["board"]
    assert isinstance(board, SshTarget) and board.key == "/home/me/.ssh/id"


def test_what_is_no_path_stays_as_it_is(tmp_path: Path) -> None:
    text = "remote: s3://bucket/x\ntoolchain: {kind: host, llvm: 14, wasm_cc: clang-14}\n"
    text += "sources: {}\ntargets: {}\n"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path)
    assert (config.remote, config.store_folder) == ("s3://bucket/x", None)
    assert (config.toolchain.llvm, config.toolchain.wasm_cc) == ("14", "clang-14")


def test_a_store_that_make_cannot_take_is_refused_by_its_whole_path(tmp_path: Path) -> None:
    place = tmp_path / "a space"
    place.mkdir()
    (place / "config.yaml").write_text("store: shared\nsources: {}\ntargets: {}\n", encoding="utf-8")
    with pytest.raises(TeeforgeError) as caught:
        load_config(place)
    assert "store: `" in caught.value.message and "a space/shared" in caught.value.message


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        *((f"cpus: {count}", "should be 1 to 4") for count in (0, 5, 6, 8, 64)),
        *(
            (f"cpu: {cpu}", "cortex-a53, cortex-a57")
            for cpu in ("cortex-a35", "cortex-a15", "neoverse-n1", "host")
        ),
    ],
)
def test_a_machine_that_cannot_come_up_is_refused_by_file_and_line(
    tmp_path: Path, setting: str, told: str
) -> None:
    message = refused(tmp_path, f"sources: {{}}\ntargets:\n  qemu:\n    kind: qemu\n    {setting}\n")
    assert told in message and f"targets.qemu.{setting.split(':')[0]}" in message
    assert re.search(r"config\.yaml:\d+: ", message)


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a76", "max", "max,pauth-impdef=on"])
def test_cpus_that_come_up_are_taken(cpu: str) -> None:
    assert QemuTarget("qemu", cpus=4, cpu=cpu).cpu == cpu
