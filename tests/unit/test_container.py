"""The Containerfile, the dev container, the guide's line and that of `inv` are of one mind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# A container's folder: what is lent to it, or kept of it.
CHECKOUT, KEPT = "/teeforge", "/cache"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def image() -> dict[str, str]:
    """Return the Containerfile's instructions, the last of each kind, with all they say on one line."""
    said = re.sub(r"(?m)^#.*\n|^\n", "", text_of("Containerfile"))
    lines = re.sub(r"\s*\\\n\s*", " ", said).splitlines()
    return {word: rest for word, _, rest in (line.partition(" ") for line in lines)}


def dev_container() -> dict[str, Any]:
    """Return devcontainer.json, which may have comments on lines of their own."""
    said: dict[str, Any] = json.loads(
        re.sub(r"(?m)^\s*//.*$", "", text_of(".devcontainer/devcontainer.json"))
    )
    return said


def test_the_image_is_debian_with_a_user_and_a_volume() -> None:
    said = image()
    assert re.search(r"^ARG BASE=debian:\d+-slim\nFROM \$BASE$", text_of("Containerfile"), re.MULTILINE)
    assert said["USER"] == "teeforge" and "teeforge" in said["RUN"]
    assert said["WORKDIR"] == CHECKOUT and said["VOLUME"] == KEPT
    settings = dict(word.split("=", 1) for word in said["ENV"].split())
    assert settings["XDG_CACHE_HOME"] == KEPT and settings["TEEFORGE_OUT"].startswith(f"{KEPT}/")
    assert json.loads(said["ENTRYPOINT"])[0] == "tini"


def test_the_dev_container_is_that_image_with_the_same_user_and_volume() -> None:
    said = dev_container()
    here = ROOT / ".devcontainer"
    assert (here / said["build"]["dockerfile"]).resolve() == ROOT / "Containerfile"
    assert {said["remoteUser"], said["containerUser"]} == {image()["USER"]}
    assert said["mounts"] == [f"source=teeforge,target={KEPT},type=volume"]
    python = said["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert f"TEEFORGE_OUT={python.removesuffix('/.venv/bin/python')}" in image()["ENV"].split()


def test_every_line_to_type_mounts_what_the_image_has() -> None:
    lines = [
        line
        for name in ("docs/guides/containers.md", "Containerfile", "inv")
        for line in text_of(name).splitlines()
    ]
    runs = [line for line in lines if re.search(r"(docker|podman) run .* ./inv demo", line)]
    assert len(runs) >= 3
    for line in runs:
        mounted = dict(
            word.strip("\"'").rsplit(":", 1) for word in re.findall(r"-v (\S+)", line.replace("'", ""))
        )
        assert set(mounted.values()) == {CHECKOUT, KEPT}, line
        assert mounted["teeforge"] == KEPT, line


def test_git_changes_no_line_ends() -> None:
    assert "* -text" in text_of(".gitattributes").splitlines()
