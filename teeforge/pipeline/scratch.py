"""A copy of this checkout to measure in: its own store, machines and edits, the sources of the real one.

It lies below build/bench/. What is measured there is what a user sees, `invoke` command lines in processes of
their own, and nothing of the user's is touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import yaml

from teeforge.base.errors import TeeforgeError
from teeforge.base.process import clean_environment, cpu_seconds, run, shell_line

if TYPE_CHECKING:
    from teeforge.lab import Lab

_SECONDS = 1800.0
_BUILT = re.compile(r"^(\S+) +built +[0-9.]+ s$", re.MULTILINE)
_SENT = re.compile(r"^[a-z0-9-]+:(/\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Done:
    """A command that ended well: its wall time, what it said, the most memory it had itself, in bytes.

    ``cpu`` is the CPU time in seconds of it and all that it started.
    """

    seconds: float
    cpu: float
    stdout: str
    stderr: str
    peak: int

    @property
    def built(self) -> list[str]:
        """The components that it built."""
        return _BUILT.findall(self.stderr)

    @property
    def sent(self) -> list[str]:
        """The files that it pushed to the target."""
        return _SENT.findall(self.stderr)


class Scratch:
    """The copy in ``folder``/checkout; ``peak`` is the most memory that a task had, in bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "checkout"
        self.build = self.root / "build"
        self.peak = 0

    def prepare(self, lab: Lab) -> None:
        """Copy the checkout with its uncommitted changes, its sources and its up-to-date products."""
        with contextlib.suppress(TeeforgeError):  # what a killed run left may be half a copy
            self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.build.mkdir(parents=True)
        listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=lab.root)
        for name in filter(None, listed.split("\0")):
            if (lab.root / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(lab.root / name, self.root / name)
        self._configure(lab)
        lab.fetch()
        _link_tree(lab.workspace.sources, self.build / "sources")
        for entry in lab.builder.up_to_date().values():
            shutil.copytree(
                entry.folder, self.build / "store" / entry.component / entry.folder.name, symlinks=True
            )
        self.git("init", "--quiet")
        self.commit("as it is")
        self.invoke("build-all")

    def invoke(self, *words: str, env: Mapping[str, str] | None = None) -> Done:
        """Run a task as a user does. Raises TeeforgeError if it fails."""
        done = self.python("-m", "invoke", *words, env=env)
        self.peak = max(self.peak, done.peak)
        return done

    def argv(self, *words: str) -> list[str]:
        """Return the command line of a task."""
        return [sys.executable, "-m", "invoke", *words]

    def python(self, *words: str, env: Mapping[str, str] | None = None) -> Done:
        """Run our Python in the copy, and take its time and memory."""
        argv = [sys.executable, *words]
        began, cpu = time.monotonic(), cpu_seconds()
        child = self.start(argv, env)
        peak = _Peak(child.pid)
        try:
            stdout, stderr = child.communicate(timeout=_SECONDS)
        except BaseException:
            child.kill()
            child.wait()
            raise
        seconds = time.monotonic() - began
        done = Done(seconds, cpu_seconds() - cpu, stdout, stderr, peak.stop())
        if child.returncode != 0:
            said = stderr.rstrip()[-1500:]
            raise TeeforgeError(
                f"{' '.join(words)} ended with status {child.returncode} in the copy:\n{said}",
                f"to repeat it by hand: {shell_line(argv, self.root)}",
            )
        return done

    def start(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program in the copy."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TEEFORGE_")}
        return subprocess.Popen(
            argv,
            cwd=self.root,
            env={**inherited, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    @contextlib.contextmanager
    def going_on(self, *words: str) -> Iterator[Spoken]:
        """Have a task run that ends by Ctrl-C, while the block listens to it."""
        child = self.start(self.argv(*words))
        peak = _Peak(child.pid)
        try:
            yield Spoken(child)
        finally:
            self.peak = max(self.peak, peak.stop())
            child.send_signal(signal.SIGINT)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def cold(self) -> dict[str, str]:
        """Make a build folder with nothing but the sources; return the variable that chooses it."""
        shutil.rmtree(self.folder / "cold", ignore_errors=True)
        _link_tree(self.build / "sources", self.folder / "cold" / "sources")
        settings = yaml.safe_load((self.root / "config.yaml").read_text(encoding="utf-8"))
        (self.folder / "cold.yaml").write_text(
            yaml.safe_dump({**settings, "build_dir": str(self.folder / "cold")}), encoding="utf-8"
        )
        return {"TEEFORGE_CONFIG": str(self.folder / "cold.yaml")}

    def status(self) -> Any:
        """Return what `invoke status --json` says."""
        return json.loads(self.invoke("status", "--json").stdout)

    def halt(self) -> None:
        """Stop all machines of the copy that ran once."""
        if any((self.build / "targets").glob("*/qemu.pid")):
            self.invoke("halt", "--all")

    def remove(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def unshared(self, machine: str) -> int:
        """Return the bytes of memory that a running machine shares with no other process."""
        pid = int((self.build / "targets" / machine / "qemu.pid").read_text().split()[0])
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))

    def git(self, *words: str) -> str:
        """Run git in the copy, with nobody's settings and nobody's hooks."""
        nobody = {
            f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        env = clean_environment({**nobody, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull})
        return run(["git", *words], cwd=self.root, env=env)

    def commit(self, message: str) -> None:
        """Commit all that is there."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")

    def _configure(self, lab: Lab) -> None:
        """Write the copy's config.yaml: the user's own, but for what would lead outside of the copy."""
        settings = yaml.safe_load(
            Path(os.environ.get("TEEFORGE_CONFIG") or lab.root / "config.yaml").read_text(encoding="utf-8")
        )
        own = {"build_dir": "build", "store": None, "remote": None, "jobs": lab.config.job_count}
        (self.root / "config.yaml").write_text(yaml.safe_dump({**settings, **own}), encoding="utf-8")


class Spoken:
    """What a task that goes on says, each line with the time at which it came."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._lines: list[tuple[float, str]] = []
        self._more = threading.Condition()
        for stream in (child.stdout, child.stderr):
            threading.Thread(target=self._listen, args=(stream,), daemon=True).start()

    def until(self, text: str, times: int = 1, seconds: float = 120.0) -> float:
        """Wait until ``times`` lines had ``text``; return when the last came, as monotonic() has it.

        Raises TeeforgeError if it does not come in time, or the task has ended.
        """
        deadline = time.monotonic() + seconds
        with self._more:
            while True:
                came = [when for when, line in self._lines if text in line]
                if len(came) >= times:
                    return came[times - 1]
                if time.monotonic() > deadline or self._child.poll() is not None:
                    said = "\n".join(line for _, line in self._lines[-12:])
                    raise TeeforgeError(f"`{text}` was never said, but:\n{said}")
                self._more.wait(0.2)

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            with self._more:
                self._lines.append((time.monotonic(), line.rstrip()))
                self._more.notify_all()


class _Peak:
    """The most memory that a process ever had, asked until it ends; what it starts does not count."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Return the bytes."""
        self._ended.set()
        self._thread.join()
        return self._bytes

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            try:
                lines = self._status.read_text(encoding="ascii", errors="replace").splitlines()
            except OSError:
                return
            for line in lines:
                if line.startswith("VmHWM:"):
                    self._bytes = max(self._bytes, int(line.split()[1]) << 10)


def _link_tree(old: Path, new: Path) -> None:
    """Copy a folder without copying its files: git and apt's packages are never written in place."""

    def link(source: str, to: str) -> None:
        try:
            os.link(source, to)
        except OSError:
            shutil.copy2(source, to)

    shutil.copytree(old, new, symlinks=True, copy_function=link, dirs_exist_ok=True)
