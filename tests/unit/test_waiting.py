"""Waiting for the network: said in time, once, and not without end."""

from __future__ import annotations

import time

import pytest

from teeforge.fetch import waiting
from teeforge.fetch.waiting import Waiting, asked, plainly


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SAID", 0.3)
    monkeypatch.setattr(waiting, "PATIENCE", 1.2)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_silence_is_told_once_and_each_silence_again(capsys: pytest.CaptureFixture[str]) -> None:
    line = "no answer yet from a.example; still trying, Ctrl-C ends\n"
    with Waiting("a.example") as first, Waiting("a.example") as second:
        time.sleep(0.9)
        assert capsys.readouterr().err == line
        first.heard()
        second.rest()
        time.sleep(0.9)
    assert capsys.readouterr().err == line


def test_who_goes_on_answering_is_never_told(capsys: pytest.CaptureFixture[str]) -> None:
    with Waiting("b.example") as waiting:
        for _ in range(10):
            time.sleep(0.1)
            waiting.heard("more of it")
    assert capsys.readouterr().err == ""


def test_nobody_is_waited_for_without_end_but_for_what_is_under_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given_up: list[str] = []
    with Waiting("c.example", lambda: given_up.append("c")) as silent, Waiting("d.example") as loading:
        loading.heard("not all of d is here yet", endless=True)
        time.sleep(2)
    assert given_up == ["c"] and silent.gave_up and not loading.gave_up
    assert "not all of d is here yet; still trying" in capsys.readouterr().err


def test_the_proxy_is_named_with_the_host_and_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked("https://a.example/x.git") == "a.example"
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example:3128/")
    assert asked("https://a.example/x.git") == "a.example through the proxy proxy.example:3128"
    assert asked("http://a.example/") == "a.example"
    monkeypatch.setenv("no_proxy", "a.example")
    assert asked("https://a.example/x.git") == "a.example"
    assert asked("git@a.example:x.git") == "git@a.example:x.git"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("[Errno -2] Name or service not known", "the host's name is not known"),
        ("[Errno -3] Temporary failure in name resolution", "cannot be looked up"),
        ("fatal: unable to access 'https://a/': Could not resolve host: a", "cannot be looked up"),
        ("[Errno 111] Connection refused", "connection refused"),
        ("[Errno 101] Network is unreachable", "there is no way to it"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "its certificate is not trusted"),
        ("The read operation timed out", "no answer"),
        ("something else\nand more", "something else"),
        ("", "no reason was given"),
    ],
)
def test_what_went_wrong_is_said_in_plain_words(said: str, words: str) -> None:
    assert words in plainly(said)
    assert "\n" not in plainly(said)
