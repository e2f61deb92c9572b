"""SSH to a real server: whom we trust, what we offer, and that streams and statuses come through."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.machines.identity import Identity, load_identity
from teeforge.ssh.connection import SshAddress
from teeforge.targets.target import Session, SshTarget
from tests.integration.sshserver import Server, serving


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return load_identity(tmp_path / "my keys, 100% mine")


@pytest.fixture
def server(identity: Identity) -> Iterator[Server]:
    with serving(_host_key(identity), _client_key(identity)) as running:
        yield running


@pytest.fixture
def target(identity: Identity, server: Server, tmp_path: Path) -> SshTarget:
    return _target(identity, server.port, tmp_path)


@pytest.fixture
def session(target: SshTarget) -> Iterator[Session]:
    with target.connect() as opened:
        yield opened


def _host_key(identity: Identity) -> paramiko.PKey:
    return paramiko.PKey.from_path(identity.client_key.with_name("host_ed25519"))


def _client_key(identity: Identity) -> paramiko.PKey:
    return paramiko.PKey.from_path(identity.client_key)


def _target(identity: Identity, port: int, tmp_path: Path) -> SshTarget:
    return SshTarget(
        name="board",
        host="127.0.0.1",
        port=port,
        user="root",
        client_key=identity.client_key,
        host_key=identity.host_public_key,
        folder=tmp_path / "a board's folder",
    )


def _run(session: Session, *argv: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
    out, err = bytearray(), bytearray()
    status = session.run(argv, stdin=stdin, on_stdout=out.extend, on_stderr=err.extend)
    return status, bytes(out), bytes(err)


def test_another_host_key_is_refused_before_anything_is_offered(
    target: SshTarget, server: Server, tmp_path: Path
) -> None:
    other = load_identity(tmp_path / "other")
    with pytest.raises(TeeforgeError, match="shows another host key than the pinned one"):
        replace(target, host_key=other.host_public_key).connect()
    assert server.attempts == []


def test_a_refused_key_is_an_error_and_no_password_is_offered(
    target: SshTarget, server: Server, identity: Identity
) -> None:
    server.accepts_keys = False
    with pytest.raises(TeeforgeError, match="refuses the key"):
        target.connect()
    ours = identity.authorized_key.split()[1]
    assert set(server.attempts) <= {"none", f"publickey {ours}"}
    assert f"publickey {ours}" in server.attempts


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 !!!", "AAAAC3Nza", "ssh-ed25519 AAAA"])
def test_a_host_key_that_is_none_is_named(target: SshTarget, line: str) -> None:
    with pytest.raises(TeeforgeError, match="is not a public key"):
        replace(target, host_key=line).connect()


def test_a_client_key_that_is_none_is_named(target: SshTarget, tmp_path: Path) -> None:
    with pytest.raises(TeeforgeError, match="nowhere does not exist"):
        replace(target, client_key=tmp_path / "nowhere").connect()
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(TeeforgeError, match="junk is not a private SSH key"):
        replace(target, client_key=tmp_path / "junk").connect()


def test_a_server_that_comes_up_late_is_waited_for(identity: Identity, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    started: list[Server] = []

    def start_late() -> None:
        time.sleep(0.5)
        started.append(Server(_host_key(identity), _client_key(identity), port))

    threading.Thread(target=start_late).start()
    with _target(identity, port, tmp_path).connect() as session:
        assert _run(session, "echo", "up") == (0, b"up\n", b"")
    started[0].close()


def test_nobody_there_is_an_error_at_the_deadline(identity: Identity, tmp_path: Path) -> None:
    from teeforge.ssh.connection import connect

    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    address = _target(identity, port, tmp_path).address
    begun = time.monotonic()
    with pytest.raises(TeeforgeError, match=f"port {port}.* did not answer within 0.5 s"):
        connect("board", address, deadline=0.5)
    assert time.monotonic() - begun < 3


def test_a_server_that_hangs_up_is_told_in_one_line(
    identity: Identity, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from teeforge.ssh.connection import connect

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                listener.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        address = _target(identity, listener.getsockname()[1], tmp_path).address
        with pytest.raises(TeeforgeError, match="did not answer"):
            connect("board", address, deadline=0.3)
    time.sleep(0.1)
    assert not caplog.records, "Python prints them where nobody listens"


def test_status_and_both_streams_come_back(session: Session) -> None:
    assert _run(session, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")


def test_arguments_arrive_as_they_are(session: Session) -> None:
    words = ["a b", "$HOME", "'", '"', "*", "", "ü\n"]
    _, out, _ = _run(session, "printf", "[%s]", *words)
    assert out.decode() == "".join(f"[{word}]" for word in words)


def test_stdin_arrives_whole_and_ends(session: Session) -> None:
    data = os.urandom(3 << 20)
    assert _run(session, "cat", stdin=data) == (0, data, b"")


def test_megabytes_on_both_streams_arrive_whole_and_in_order(session: Session) -> None:
    program = "seq 1 400000 & seq 400001 800000 >&2; wait"
    status, out, err = _run(session, "sh", "-c", program)
    assert status == 0
    assert out == b"".join(b"%d\n" % number for number in range(1, 400001))
    assert err == b"".join(b"%d\n" % number for number in range(400001, 800001))


def test_output_is_handed_over_while_the_program_runs(session: Session) -> None:
    read_end, write_end = os.pipe()
    seen: list[bytes] = []

    def answer(data: bytes) -> None:
        # The program ends only if its question arrives before its end.
        seen.append(data)
        if len(seen) == 1:
            os.write(write_end, b"yes\n")
            os.close(write_end)

    with os.fdopen(read_end, "rb") as stdin:
        status = session.run(
            ["sh", "-c", "echo question; read answer; echo $answer"],
            stdin=stdin,
            on_stdout=answer,
            on_stderr=answer,
        )
    assert (status, b"".join(seen)) == (0, b"question\nyes\n")


def test_a_program_that_closes_its_output_and_goes_on_keeps_its_status(session: Session) -> None:
    assert _run(session, "sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 5")[0] == 5


def test_the_signal_that_ended_a_program_is_named(session: Session) -> None:
    with pytest.raises(TeeforgeError, match="sh was ended by signal SEGV on board") as caught:
        _run(session, "sh", "-c", "kill -SEGV $$")
    assert caught.value.status == 128 + signal.SIGSEGV


def test_a_lost_connection_is_told(session: Session, server: Server) -> None:
    def drop(_: bytes) -> None:
        server.drop()

    with pytest.raises(TeeforgeError, match="the connection to board was lost"):
        session.run(["sh", "-c", "echo up; sleep 60"], on_stdout=drop, on_stderr=drop)


def test_interrupting_us_ends_the_program_over_there(session: Session, server: Server) -> None:
    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.run(["sh", "-c", "echo up; exec sleep 60"], on_stdout=interrupt, on_stderr=interrupt)
    assert server.processes[-1].wait(timeout=5) == -signal.SIGINT


@pytest.mark.skipif(not shutil.which("ssh"), reason="the ssh program is not installed")
def test_the_printed_ssh_line_works_when_pasted(target: SshTarget) -> None:
    line = [*shlex.split(target.address.ssh_line()), "echo pasted"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (0, "pasted\n"), done.stderr


@pytest.mark.skipif(not shutil.which("ssh"), reason="the ssh program is not installed")
def test_the_known_hosts_of_an_identity_holds_for_any_port(identity: Identity, server: Server) -> None:
    address = SshAddress(
        host="127.0.0.1",
        port=server.port,
        user="root",
        client_key=identity.client_key,
        host_key=identity.host_public_key,
        known_hosts=identity.known_hosts,
    )
    line = [*shlex.split(address.ssh_line()), "cat"]
    done = subprocess.run(line, capture_output=True, check=False, input=b"through")
    assert (done.returncode, done.stdout) == (0, b"through"), done.stderr
