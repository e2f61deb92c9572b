"""What runs before anything is installed: it needs Python alone, and reads our files as YAML would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teeforge.fetch import pipwheel
from teeforge.settings.config import load_config
from teeforge.settings.lock import load_lock

ROOT = Path(__file__).resolve().parents[2]


def test_it_needs_nothing_but_the_standard_library() -> None:
    line = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import teeforge.bootstrap"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_it_reads_what_debian_lock_says_of_pip() -> None:
    (package,) = load_lock(ROOT, load_config(ROOT)).of("pip")
    found = pipwheel._locked((ROOT / "debian.lock").read_text(encoding="utf-8"))
    assert found == (package.path, package.sha256)


def test_it_asks_the_archives_of_config_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teeforge.fetch.archives.host_archives", lambda: ("http://host.example/debian",))
    lock = load_lock(ROOT, load_config(ROOT))
    debian = load_config(ROOT).debian
    wanted = [debian.mirror, "http://host.example/debian", f"{debian.snapshot}/{lock.snapshot}"]
    found = list(pipwheel._archives(ROOT, (ROOT / "debian.lock").read_text(encoding="utf-8")))
    assert found == [address for address in wanted if address]


@pytest.mark.parametrize(
    ("config", "mirror"),
    [
        ("debian:\n  mirror: http://a.example/debian/\n", "http://a.example/debian"),
        (
            "debian:  # first\n\n  # of ours\n  snapshot: x\n  mirror: 'http://b.example'  # near\n",
            "http://b.example",
        ),
        ("debian:\n  mirror: null          # none\n", ""),
        ("debian:\n  mirror: ~\nother:\n  mirror: http://c.example\n", ""),
        ("other:\n  mirror: http://c.example\n", ""),
        ("debian:\n  mirror:\n  snapshot: http://d.example\n", ""),
    ],
)
def test_a_setting_is_read_as_yaml_would(config: str, mirror: str) -> None:
    assert pipwheel._setting(config, "mirror") == mirror
