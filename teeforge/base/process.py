"""Running host programs: as argument lists, in a clean environment, never through a shell."""

from __future__ import annotations

import contextlib
import os
import resource
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from teeforge.base.errors import TeeforgeError

# Steps that run now: they have sessions of their own, so Ctrl-C does not reach them by itself.
_running: set[subprocess.Popen[str]] = set()

_PATH = "/usr/local/bin:/usr/bin:/bin"
# The modes of files that host programs make may end up in products; what is secret is given its own mode.
UMASK = 0o022
# What a log ends with whose last step failed; the exit status follows.
FAILED = "# failed with exit status"

# What a host program may see of the user's environment; everything else could change the bits.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for host programs: a fixed locale and zone, proxies, and ``extra``."""
    env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    env.setdefault("PATH", _PATH)
    env |= {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    env.update(extra or {})
    return env


def offer_programs(folder: Path) -> None:
    """Let the programs of ``folder`` be found where the host has none of that name."""
    path = os.environ.get("PATH") or _PATH
    if str(folder) not in path.split(":"):
        os.environ["PATH"] = f"{path}:{folder}"


def shell_line(argv: Sequence[str | Path], cwd: Path | None = None, path: str = "") -> str:
    """Return a line to be pasted into a shell to repeat the command, with another PATH if one is given."""
    line = shlex.join([*([f"PATH={path}"] if path else []), *(str(word) for word in argv)])
    return f"cd {shlex.quote(str(cwd))} && {line}" if cwd else line


def ending(returncode: int) -> str:
    """Return how a program that failed came to its end; ``returncode`` is subprocess's."""
    if returncode >= 0:
        return f"failed with exit status {returncode}"
    number = -returncode
    name = next((one.name for one in signal.Signals if one == number), f"signal {number}")
    return f"was ended by {name}" + (" (out of memory?)" if number == signal.SIGKILL else "")


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    hint: str = "",
) -> str:
    """Run a short command and return its stdout.

    Raises TeeforgeError with the last line of stderr when the program is missing or fails.
    """
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env=dict(env) if env is not None else clean_environment(),
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
            umask=UMASK,
        )
    except FileNotFoundError as error:
        raise missing_program(str(error.filename)) from error
    if done.returncode != 0:
        told = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace")
        last = told.strip().splitlines()[-1] if told.strip() else "it said nothing"
        raise TeeforgeError(
            f"{Path(str(argv[0])).name} {ending(done.returncode)}: {last}",
            hint or f"repeat it by hand: {shell_line(argv, cwd)}",
        )
    return done.stdout.decode(errors="replace")


def run_logged(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None] | None = None,
    pass_fds: Sequence[int] = (),
) -> None:
    """Run one step of a build, appending all that it prints to ``log``.

    ``on_line`` is called with each line. Raises TeeforgeError that holds the last lines, the log's
    path and the command to repeat by hand.
    """
    path = env.get("PATH", "")
    line_by_hand = shell_line(argv, cwd, "" if path == os.environ.get("PATH") else path)
    last: deque[str] = deque(maxlen=12)
    with log.open("a", encoding="utf-8", errors="replace") as record:
        record.write(f"$ {line_by_hand}\n")
        record.flush()
        try:
            child = subprocess.Popen(
                [str(word) for word in argv],
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=tuple(pass_fds),
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
                umask=UMASK,
            )
        except FileNotFoundError as error:
            raise missing_program(str(argv[0])) from error
        with child, _registered(child):
            assert child.stdout is not None
            try:
                for line in child.stdout:
                    record.write(line)
                    stripped = line.rstrip()
                    if stripped:
                        last.append(stripped)
                        if on_line:
                            on_line(stripped)
                status = child.wait()
                if status != 0:
                    record.write(f"{FAILED} {status}\n")
            except BaseException:
                _kill_group(child)
                raise
    if status != 0:
        why = "the disk is full: " if any("No space left on device" in line for line in last) else ""
        raise TeeforgeError(
            f"{why}{Path(str(argv[0])).name} {ending(status)}:\n" + "\n".join(f"    {line}" for line in last),
            f"the whole output is in {log}\n    to repeat it by hand: {line_by_hand}",
        )


def cpu_seconds() -> float:
    """Return the CPU time of all that this process started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def end_all() -> None:
    """End every step that still runs, with everything it started: for Ctrl-C."""
    for child in list(_running):
        _kill_group(child)


@contextlib.contextmanager
def _registered(child: subprocess.Popen[str]) -> Iterator[None]:
    _running.add(child)
    try:
        yield
    finally:
        _running.discard(child)


def missing_program(name: str) -> TeeforgeError:
    """Return the error for a program that is not installed."""
    return TeeforgeError(
        f"{name} is not installed",
        "`invoke doctor` names the package that has it, `invoke doctor --fix` installs it",
    )


def end_with_children(child: subprocess.Popen[bytes]) -> None:
    """End a process and what it started: one that may ask on the terminal has no group of its own."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended just now
            # proc(5): the parent is the second word after the name, which may have anything in it.
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    doomed = [child.pid] if child.poll() is None else []
    for pid in doomed:
        doomed += parents.get(pid, [])
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)


def _kill_group(child: subprocess.Popen[str]) -> None:
    """End a step and everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(timeout=3)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
