"""One bare git repository per source: fetch a commit, put changes on top, write out a work tree.

Nothing here needs a work tree to make a commit: cherry-picks, patches and overlays are applied to
an index, so a change that does not apply leaves no trace.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from teeforge.base.errors import TeeforgeError
from teeforge.base.hostboot import is_of_this_boot, put_stamp
from teeforge.base.locking import exclusive_lock
from teeforge.base.process import UMASK
from teeforge.fetch.gitfetch import fetch_commit

# What has no date of its own is as old as this: 2020-01-01, Unix seconds.
OVERLAY_DATE = 1577836800

# What git may see of the user's variables that begin with GIT_: how to reach a server, and what concerns
# nothing but messages. The others would make git look at another repository, or write other bits.
_HARMLESS = re.compile(
    r"GIT_(SSL_|SSH|HTTP_|PROXY_|CONFIG|ASKPASS|ALLOW_PROTOCOL|PROTOCOL|TRACE|CURL_VERBOSE|EXEC_PATH|PYTHON_"
    r"|AUTHOR_(NAME|EMAIL)|COMMITTER_(NAME|EMAIL))"
)
# The user's settings say how to reach a server, and nothing of what a tree is: apply.whitespace, core.eol,
# attributes and hooks of his are for his own repositories.
_NOBODYS_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.attributesFile",
    "GIT_CONFIG_VALUE_0": os.devnull,
}
_COMMITTER = {"GIT_COMMITTER_NAME": "teeforge", "GIT_COMMITTER_EMAIL": "teeforge@localhost"}
_EPOCH = f"{OVERLAY_DATE} +0000"


class GitStore:
    """A bare repository at ``path``, made when it is first used."""

    def __init__(self, path: Path) -> None:
        for name in [name for name in os.environ if name.startswith("GIT_") and not _HARMLESS.match(name)]:
            del os.environ[name]
        import git

        self.path = path
        ready = path / "teeforge.ready"
        try:
            # Components that share a source come here at once, and `git init` takes a lock without waiting.
            if not ready.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with exclusive_lock(path.with_name(f"{path.name}.init")):
                    (path / "config.lock").unlink(missing_ok=True)
                    options: Any = {"object_format": "sha1", "template": ""}
                    git.Repo.init(path, bare=True, allow_unsafe_options=True, **options)
                    ready.touch()
            repository = git.Repo(path)
        except git.GitCommandNotFound as error:
            raise TeeforgeError("git is not installed", "`invoke doctor --fix` installs it") from error
        self._git = repository.git
        self._git.update_environment(
            GIT_DIR=str(path),
            GIT_TERMINAL_PROMPT="0",
            GIT_CONFIG_NOSYSTEM="0",
            LC_ALL="C.UTF-8",
            **_COMMITTER,
        )

    def has(self, commit: str) -> bool:
        """Say whether ``commit`` was fetched whole: its ref is written after the objects."""
        return bool(self._quiet("rev-parse", "--verify", "--quiet", f"refs/teeforge/{commit}^{{tree}}"))

    def fetch(self, url: str, commit: str, *, depth: int = 1) -> None:
        """Fetch ``commit`` from ``url`` unless it is here; git checks every object by its hash."""
        if self.has(commit):
            return
        # Our callers hold a lock of their own: what git's lock files tell of is a run that was killed.
        for stale in (self.path / "shallow.lock", *self.path.glob("refs/teeforge/*.lock")):
            stale.unlink(missing_ok=True)
        fetch_commit(self._git, url, commit, depth)
        if not self.has(commit):
            raise TeeforgeError(f"{url} did not deliver commit {commit}", "try another mirror")

    def date(self, commit: str) -> int:
        """Return the committer date of ``commit`` in Unix seconds."""
        return int(self._run("show", "-s", "--format=%ct", commit))

    def tree(self, commit: str) -> str:
        """Return the tree hash of ``commit``."""
        return self._run("rev-parse", f"{commit}^{{tree}}")

    def compose(
        self,
        base: str | None,
        cherry_picks: tuple[str, ...],
        patches: list[Path],
        overlay: Path | None,
    ) -> str:
        """Put changes on top of ``base`` (None: an empty tree) and return the resulting commit.

        Author, committer and dates are taken from the changes, never from the clock: the commit is
        the same everywhere. Raises TeeforgeError that names the patch, the file and the hunk.
        """
        with self._index() as index:
            if base is not None:
                self._run("read-tree", base, index=index)
            head = base
            for pick in cherry_picks:
                head = self._cherry_pick(index, head, pick)
            for patch in patches:
                head = self._apply(index, head, patch)
            if overlay is not None:
                self._run(
                    f"--work-tree={overlay}", "-c", "core.autocrlf=false", "-c", "core.fileMode=true",
                    "add", "--force", "--ignore-removal", "--", ".",
                    *(f":(exclude){glob}" for glob in ("**/*~", "**/.*.swp", "**/__pycache__")),
                    index=index,
                )  # fmt: skip
                head = self._commit(index, head, "teeforge: lay our overlay on top\n", _EPOCH)
            if head is None:
                raise TeeforgeError(f"{self.path}: nothing to make a tree of", "give an overlay")
            return head

    def check_out(self, commit: str, folder: Path) -> None:
        """Make ``folder`` exactly the tree of ``commit``, touching only files that differ."""
        index = folder.with_name(f"{folder.name}.index")
        # The index knows files by size and time.
        if not is_of_this_boot(stamp := folder.with_name(f"{folder.name}.boot")):
            shutil.rmtree(folder, ignore_errors=True)
            index.unlink(missing_ok=True)
            put_stamp(stamp)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
        work_tree = f"--work-tree={folder}"
        config = ("-c", "core.autocrlf=false", "-c", "core.fileMode=true", "-c", "core.bare=false")
        self._run(*config, work_tree, "read-tree", "--reset", "-u", commit, index=index)
        self._run(*config, work_tree, "checkout-index", "--all", "--force", "-u", index=index)
        self._run(*config, work_tree, "clean", "-ffdxq", index=index)

    def _cherry_pick(self, index: Path, head: str | None, pick: str) -> str:
        diff = self._bytes("diff-tree", "-p", "--binary", "--full-index", f"{pick}^", pick)
        with tempfile.NamedTemporaryFile(suffix=".patch") as patch:
            patch.write(diff)
            patch.flush()
            try:
                self._run("apply", "--cached", "--3way", patch.name, index=index)
            except TeeforgeError as error:
                raise TeeforgeError(
                    f"cherry-pick {pick} does not apply: {error.message}",
                    "remove it from `cherry_picks:` in config.yaml, or choose another commit",
                ) from error
        message = self._run("show", "-s", "--format=%B", pick)
        author = self._run("show", "-s", "--format=%an%n%ae%n%at +0000", pick).split("\n")
        return self._commit(index, head, message, author[2], author[0], author[1])

    def _apply(self, index: Path, head: str | None, patch: Path) -> str:
        with tempfile.TemporaryDirectory() as folder:
            body, diff = Path(folder, "body"), Path(folder, "diff")
            info = self._run("mailinfo", str(body), str(diff), stdin=patch)
            try:
                self._run("apply", "--cached", "--whitespace=nowarn", str(diff), index=index)
            except TeeforgeError as error:
                raise _does_not_apply(patch, error.message) from error
            field = dict(re.findall(r"^(Author|Email|Subject|Date): (.*)$", info, re.MULTILINE))
            message = f"{field.get('Subject', patch.stem)}\n\n{body.read_text(encoding='utf-8')}"
        date = field.get("Date") or _EPOCH
        return self._commit(
            index, head, message, date, field.get("Author", "teeforge"), field.get("Email", "")
        )

    def _commit(
        self,
        index: Path,
        head: str | None,
        message: str,
        date: str,
        author: str = "teeforge",
        email: str = "teeforge@localhost",
    ) -> str:
        tree = self._run("write-tree", index=index)
        parents = ["-p", head] if head else []
        return self._run(
            "-c", "commit.gpgSign=false", "-c", "i18n.commitEncoding=UTF-8",
            "commit-tree", tree, *parents, "-m", message,
            environment={
                "GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": email or "teeforge@localhost",
                "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date,
            },
        )  # fmt: skip

    @contextmanager
    def _index(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.path) as folder:
            yield Path(folder, "index")

    def _run(
        self,
        *arguments: str,
        index: Path | None = None,
        stdin: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> str:
        return (
            self._bytes(*arguments, index=index, stdin=stdin, environment=environment)
            .decode(errors="replace")
            .rstrip("\n")
        )

    def _bytes(
        self,
        *arguments: str,
        index: Path | None = None,
        stdin: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> bytes:
        import git

        env = {**_NOBODYS_SETTINGS, **(environment or {})}
        if index is not None:
            env["GIT_INDEX_FILE"] = str(index)
        try:
            with open(stdin or os.devnull, "rb") as given:
                out = self._git.execute(
                    ["git", *arguments],
                    env=env,
                    istream=given,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                    umask=UMASK,
                )
        except git.GitCommandError as error:
            told = re.sub(r"^\s*stderr: '|'$", "", str(error.stderr).strip())
            verb = next((word for word in arguments if not word.startswith("-")), "git")
            raise TeeforgeError(told or f"git {verb} failed", f"in {self.path}") from error
        assert isinstance(out, bytes)
        return out

    def _quiet(self, *arguments: str) -> str:
        try:
            return self._run(*arguments)
        except TeeforgeError:
            return ""


def _does_not_apply(patch: Path, told: str) -> TeeforgeError:
    """Return the error for a patch: which file and which hunk, from git's own words."""
    where = re.search(r"patch failed: (.+):(\d+)", told)
    name = f"{patch.parent.name}/{patch.name}"
    hint = "rebase the patch on the pinned commit, or pin the commit that it was made for"
    if not where:
        return TeeforgeError(f"patch {name} does not apply: {_last_line(told)}", hint)
    file, line = where[1], where[2]
    hunk, inside = 0, False
    for text in patch.read_text(encoding="utf-8", errors="replace").splitlines():
        if text.startswith("diff --git "):
            inside, hunk = text.endswith(f" b/{file}"), 0
        elif inside and text.startswith("@@ "):
            hunk += 1
            if re.match(rf"@@ -{line}[, ]", text):
                break
    return TeeforgeError(f"patch {name} does not apply: {file}, hunk {hunk} (line {line})", hint)


def _last_line(text: str) -> str:
    lines = [line.strip(" '") for line in text.strip().splitlines() if line.strip(" '")]
    return lines[-1] if lines else "git said nothing"
