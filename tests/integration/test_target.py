"""Pushing to a target over real SSH: only what differs, verified, all or nothing."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.machines.identity import load_identity
from teeforge.targets import couriers, push
from teeforge.targets.parcel import Parcel, Upload, pack
from teeforge.targets.target import Session, SshTarget
from tests.integration.sshserver import Server, serving

ROOTFS = Path(__file__).resolve().parents[2] / "overlays/rootfs"


@pytest.fixture(scope="session")
def receive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the machines in QEMU, for this host and with sanitizers."""
    program = tmp_path_factory.mktemp("receive") / "receive"
    argv = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g"]
    argv += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    argv += ["-I", str(ROOTFS), "-o", str(program)]
    argv += [str(ROOTFS / "receive.c"), str(Path(__file__).with_name("receive") / "sha256.c"), "-lcrypto"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if "openssl/evp.h" in done.stderr:
        pytest.skip("OpenSSL's headers are not installed: apt-get install libssl-dev")
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = load_identity(tmp_path / "identity").client_key.parent
    host_key = paramiko.PKey.from_path(folder / "host_ed25519")
    with serving(host_key, paramiko.PKey.from_path(folder / "id_ed25519")) as running:
        yield running


@pytest.fixture(params=["shell", "receive"])
def session(
    server: Server, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """A connection to a target that has only a shell, or `receive` too."""
    if request.param == "receive":
        program = request.getfixturevalue("receive")
        monkeypatch.setattr(couriers, "COMMAND", f"exec {shlex.quote(str(program))}")
    with connected(server, tmp_path) as opened:
        yield opened


@pytest.fixture
def receiving(
    server: Server, tmp_path: Path, receive: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """A connection to a target that has `receive`."""
    monkeypatch.setattr(couriers, "COMMAND", f"exec {shlex.quote(str(receive))}")
    with connected(server, tmp_path) as opened:
        yield opened


@contextlib.contextmanager
def connected(server: Server, tmp_path: Path) -> Iterator[Session]:
    identity = load_identity(tmp_path / "identity")
    board = SshTarget(
        name="board",
        host="127.0.0.1",
        port=server.port,
        client_key=identity.client_key,
        host_key=identity.host_public_key,
        folder=tmp_path / "board",
    )
    with board.connect() as opened:
        yield opened


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder with an unusual name on the target, which is this same machine."""
    folder = tmp_path / "its folder ü $HOME '"
    folder.mkdir()
    return folder


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "a.ta").write_bytes(bytes(range(256)) * 5000)
    (folder / "empty").write_bytes(b"")
    return folder


def test_a_first_push_sends_bytes_and_mode(session: Session, local: Path, there: Path) -> None:
    uploads = [
        Upload(local / "a.ta", f"{there}/a.ta", 0o444),
        Upload(local / "empty", f"{there}/-rf", 0o755),
    ]
    pushed = session.push(uploads)
    assert (pushed.sent, pushed.unchanged) == ((f"{there}/a.ta", f"{there}/-rf"), ())
    assert (there / "a.ta").read_bytes() == (local / "a.ta").read_bytes()
    assert [(there / name).stat().st_mode & 0o7777 for name in ("a.ta", "-rf")] == [0o444, 0o755]
    assert sorted(file.name for file in there.iterdir()) == ["-rf", "a.ta"]


def test_files_of_all_sizes_arrive_together(session: Session, tmp_path: Path, there: Path) -> None:
    sizes = (0, 1, 65535, 65536, 1 << 20, (1 << 20) + 1, 3 << 20)
    uploads = []
    for size in sizes:
        file = tmp_path / str(size)
        file.write_bytes(os.urandom(size))
        uploads.append(Upload(file, f"{there}/{size}", 0o444))
    session.push(uploads, {})
    for size in sizes:
        assert (there / str(size)).read_bytes() == (tmp_path / str(size)).read_bytes(), size
    assert len(list(there.iterdir())) == len(sizes)


def test_more_files_than_fit_into_a_command_arrive(session: Session, local: Path, there: Path) -> None:
    uploads = [Upload(local / "empty", f"{there}/{number:0100}") for number in range(60)]
    assert len(session.push(uploads).sent) == 60
    assert len(list(there.iterdir())) == 60
    assert len(session.push(uploads).unchanged) == 60


@pytest.mark.skipif(not shutil.which("ssh"), reason="the ssh program is not installed")
def test_many_bytes_go_through_the_ssh_program(session: Session, tmp_path: Path, there: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(9 << 20))
    (there / "big").write_bytes(b"old")
    assert session.push([Upload(big, f"{there}/big", 0o755)]).sent == (f"{there}/big",)
    assert (there / "big").read_bytes() == big.read_bytes()
    assert (there / "big").stat().st_mode & 0o7777 == 0o755
    with pytest.raises(TeeforgeError, match=r"board has no folder .*nowhere"):
        session.push([Upload(big, f"{there}/nowhere/big")])


def test_a_file_that_becomes_shorter_meanwhile_leaves_the_old_one(
    session: Session, local: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there / "a.ta").write_bytes(b"old")

    def cut(upload: Upload) -> Parcel:
        made = pack(upload)
        upload.local.write_bytes(b"short")
        return made

    monkeypatch.setattr(push, "pack", cut)
    with pytest.raises(TeeforgeError, match="other bytes"):
        session.push([Upload(local / "a.ta", f"{there}/a.ta")], {})
    assert [(file.name, file.read_bytes()) for file in there.iterdir()] == [("a.ta", b"old")]


def test_a_second_push_touches_nothing(session: Session, local: Path, there: Path) -> None:
    uploads = [Upload(local / "a.ta", f"{there}/a.ta"), Upload(local / "empty", f"{there}/empty")]
    session.push(uploads)
    before = [(there / name).stat() for name in ("a.ta", "empty")]
    pushed = session.push(uploads)
    assert (pushed.sent, pushed.unchanged) == ((), (f"{there}/a.ta", f"{there}/empty"))
    assert [(there / name).stat().st_ino for name in ("a.ta", "empty")] == [s.st_ino for s in before]


def test_only_the_changed_file_is_sent(session: Session, local: Path, there: Path) -> None:
    uploads = [Upload(local / "a.ta", f"{there}/a.ta"), Upload(local / "empty", f"{there}/empty")]
    session.push(uploads)
    (local / "empty").write_bytes(b"not any more")
    pushed = session.push(uploads)
    assert (pushed.sent, pushed.unchanged) == ((f"{there}/empty",), (f"{there}/a.ta",))
    assert (there / "empty").read_bytes() == b"not any more"


def test_a_wrong_mode_is_put_right(session: Session, local: Path, there: Path) -> None:
    session.push([Upload(local / "a.ta", f"{there}/a.ta", 0o444)])
    (there / "a.ta").chmod(0o666)
    assert session.push([Upload(local / "a.ta", f"{there}/a.ta", 0o444)]).sent
    assert (there / "a.ta").stat().st_mode & 0o7777 == 0o444


def test_bytes_that_changed_on_the_way_leave_the_old_files(
    session: Session, server: Server, local: Path, there: Path
) -> None:
    (there / "a.ta").write_bytes(b"old")
    (there / "b.ta").write_bytes(b"old too")
    server.corrupts_uploads = True
    with pytest.raises(TeeforgeError, match=r"a\.ta arrived on board with other bytes"):
        session.push([Upload(local / "a.ta", f"{there}/{name}") for name in ("a.ta", "b.ta")])
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {
        "a.ta": b"old",
        "b.ta": b"old too",
    }


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    session: Session, server: Server, local: Path, there: Path
) -> None:
    (there / "a.ta").write_bytes(b"old")
    server.fails_uploads = True
    with pytest.raises(TeeforgeError, match=r"a\.ta cannot be written to .* on board"):
        session.push([Upload(local / "a.ta", f"{there}/a.ta")])
    assert [(file.name, file.read_bytes()) for file in there.iterdir()] == [("a.ta", b"old")]


def test_a_missing_folder_is_named(session: Session, local: Path, there: Path) -> None:
    with pytest.raises(TeeforgeError, match=r"board has no folder .*nowhere, where a\.ta should go"):
        session.push([Upload(local / "a.ta", f"{there}/nowhere/a.ta")])


def test_a_folder_in_the_files_place_is_not_filled(session: Session, local: Path, there: Path) -> None:
    (there / "a.ta").mkdir()
    with pytest.raises(TeeforgeError, match=r"a\.ta cannot be replaced on board"):
        session.push([Upload(local / "a.ta", f"{there}/a.ta")])
    assert list((there / "a.ta").iterdir()) == []
    assert [file.name for file in there.iterdir()] == ["a.ta"]


def test_a_missing_local_file_is_named_before_anything_is_sent(
    session: Session, local: Path, there: Path
) -> None:
    with pytest.raises(TeeforgeError, match="nothing cannot be read"):
        session.push([Upload(local / "a.ta", f"{there}/a.ta"), Upload(local / "nothing", f"{there}/b.ta")])
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("remote", ["relative", "/folder/", "/a\nb", "/back\\slash"])
def test_a_path_that_cannot_be_meant_is_refused(session: Session, local: Path, remote: str) -> None:
    with pytest.raises(TeeforgeError, match="is not an absolute path of a file"):
        session.push([Upload(local / "a.ta", remote)])


def test_two_files_for_one_path_are_refused(session: Session, local: Path, there: Path) -> None:
    with pytest.raises(TeeforgeError, match="two files are to be sent to"):
        session.push([Upload(local / name, f"{there}/a.ta") for name in ("a.ta", "empty")])


def test_a_connection_that_breaks_during_a_push_is_an_error(
    session: Session, server: Server, local: Path, there: Path
) -> None:
    server.drop()
    with pytest.raises(TeeforgeError, match="connection to board was lost"):
        session.push([Upload(local / "a.ta", f"{there}/a.ta")])
    assert list(there.iterdir()) == []


def test_one_receive_serves_as_long_as_the_connection(
    receiving: Session, server: Server, local: Path, there: Path
) -> None:
    for _ in range(2):
        assert receiving.push([Upload(local / "a.ta", f"{there}/a.ta")], {}).sent
        assert receiving.look([f"{there}/a.ta", f"{there}/none", str(there)]).keys() == {f"{there}/a.ta"}
    assert len(server.processes) == 1


@pytest.mark.skipif(not shutil.which("ssh"), reason="the ssh program is not installed")
def test_one_receive_serves_all_large_files(
    receiving: Session, server: Server, tmp_path: Path, there: Path
) -> None:
    big = tmp_path / "big"
    for filling in (b"1", b"2"):
        big.write_bytes(filling * (5 << 20))
        assert receiving.push([Upload(big, f"{there}/big")]).sent
        assert (there / "big").read_bytes() == big.read_bytes()
    assert len(server.processes) == 1


@pytest.mark.parametrize("broken", ["refused", "killed"])
def test_after_an_error_another_receive_is_started(
    receiving: Session, server: Server, local: Path, there: Path, broken: str
) -> None:
    upload = Upload(local / "a.ta", f"{there}/a.ta")
    receiving.push([upload])
    if broken == "killed":
        server.processes[0].kill()
        server.processes[0].wait()
        with pytest.raises(TeeforgeError, match="connection to board was lost"):
            receiving.push([Upload(local / "a.ta", f"{there}/b.ta")])
    else:
        with pytest.raises(TeeforgeError, match="no folder"):
            receiving.push([Upload(local / "a.ta", f"{there}/nowhere/a.ta")])
    assert receiving.push([upload]).unchanged
    assert [file.name for file in there.iterdir()] == ["a.ta"]


@pytest.mark.parametrize("stops", [KeyboardInterrupt, TeeforgeError])
def test_what_ends_on_our_side_leaves_nothing_over_there(
    session: Session, local: Path, there: Path, monkeypatch: pytest.MonkeyPatch, stops: type[BaseException]
) -> None:
    (there / "a.ta").write_bytes(b"old")

    def some(parcel: Parcel) -> Iterator[bytes]:
        yield b"some"
        raise stops("enough")

    monkeypatch.setattr(Parcel, "chunks", some)
    with pytest.raises(stops, match="enough"):
        session.push([Upload(local / "a.ta", f"{there}/a.ta")], {})
    deadline = time.monotonic() + 5
    while len(list(there.iterdir())) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [(file.name, file.read_bytes()) for file in there.iterdir()] == [("a.ta", b"old")]


def test_a_link_is_replaced_and_what_it_leads_to_stays(session: Session, local: Path, there: Path) -> None:
    (there / "real").write_bytes((local / "a.ta").read_bytes())
    (there / "a.ta").symlink_to("real")
    (local / "a.ta").write_bytes(b"new")
    assert session.push([Upload(local / "a.ta", f"{there}/a.ta")]).sent
    assert not (there / "a.ta").is_symlink()
    assert (there / "real").read_bytes() != b"new"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("sing\n", "failed understand 0: sing"),
        ("look /etc/passwd\n", "failed understand 0: /etc/passwd"),
        ("look -1 /dev/zero\nlook -1 /\nlook 1\n", "-\n-\n-"),
        ("put 644 x 00 /tmp/a\n", "failed understand 0: 644 x 00 /tmp/a"),
        (f"put 644 0 {'0' * 64} a\n", "failed understand 0: a path without a folder"),
        (f"put 644 0 {'0' * 64} /none/a\n", "failed folder 0: No such file or directory"),
        ("look -1 " + "/" * 9000, "failed understand 0: a line is too long"),
        ("commit\n", "done"),
        ("", ""),
    ],
)
def test_receive_says_what_it_cannot_do(receive: Path, said: str, answer: str) -> None:
    done = subprocess.run([receive], input=said, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == (f"receive 1\n{answer}\n" if answer else "receive 1\n", "")
    assert done.returncode == ("failed" in answer)
