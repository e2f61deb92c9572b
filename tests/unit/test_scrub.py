"""What a text for others has no more: secrets, and whose host it is from."""

from __future__ import annotations

import socket

import pytest

from teeforge.diagnosis.scrub import private_values, scrubbed, without_private

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAA\n-----END OPENSSH PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME"):
        monkeypatch.setenv(name, "gerda")
    monkeypatch.setenv("HOME", "/home/gerda")
    monkeypatch.setattr(socket, "gethostname", lambda: "snowqueen.example.org")
    monkeypatch.setenv("DEPLOY_TOKEN", "kai-is-in-the-palace")
    monkeypatch.setenv("SHORT_TOKEN", "e")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/gerda/teeforge/build/logs", "~/teeforge/build/logs"),
        ("cd /home/gerda && make", "cd ~ && make"),
        ("/home/gerdas/x", "/home/gerdas/x"),
        ("gerda@snowqueen: make -j2", "USER@HOST: make -j2"),
        ("/mnt/gerda/x on snowqueen.example.org", "/mnt/USER/x on HOST"),
        ("https://gerda:pass@mirror/x.git", "https://(removed)@mirror/x.git"),
        ("https://mirror/x.deb?sig=abc&t=1 failed", "https://mirror/x.deb?(removed) failed"),
        ("Authorization: Bearer abc def", "Authorization: (removed)"),
        ("NPM_TOKEN=abc make", "NPM_TOKEN=(removed) make"),
        ('{"password": "abc"}', '{"password": (removed)'),
        (f"before\n{KEY}\nafter", "before\n(removed)\nafter"),
        (f"before\n{KEY[:60]}", "before\n(removed)"),
        ("it said kai-is-in-the-palace", "it said (removed)"),
        ("nothing of the sort", "nothing of the sort"),
    ],
)
def test_secrets_and_names_are_taken_out(text: str, left: str) -> None:
    assert scrubbed(text) == left


def test_a_user_whom_every_host_has_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME"):
        monkeypatch.setenv(name, "root")
    monkeypatch.setenv("HOME", "/root")
    assert scrubbed("root in /root/x runs rootfs") == "root in ~/x runs rootfs"


def test_where_boards_are_is_taken_out_of_settings() -> None:
    board = {"kind": "ssh", "host": "10.1.2.3", "host_key": "ssh-ed25519 A", "user": "root", "key": "k"}
    settings = {"targets": {"board": board, "x": None}, "modules": {"key": "development"}, "jobs": 2}
    told = without_private(settings)
    gone = dict.fromkeys(("host", "host_key", "user", "key"), "(removed)")
    assert told == {**settings, "targets": {"board": {"kind": "ssh", **gone}, "x": None}}
    assert private_values(settings) == {"10.1.2.3", "ssh-ed25519 A"}
    assert scrubbed("cannot reach 10.1.2.3", private_values(settings)) == "cannot reach (removed)"


@pytest.mark.parametrize("wrong", [None, "text", [], {"targets": []}, {"targets": {"a": 1}}, {}])
def test_settings_that_are_wrong_are_left_as_they_are(wrong: object) -> None:
    assert without_private(wrong) == wrong and private_values(wrong) == set()
