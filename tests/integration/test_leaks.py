"""What a user's shell is set up with reaches no product: variables, umask, time zone, locale, and git."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

from tests import usershell

from .conftest import Checkout, Upstream, make_checkout

ROOT = Path(__file__).resolve().parents[2]
# Each file of its products would differ if what it is named after came through.
TELLTALES = """\
T = $(O)/telltales
all:
	mkdir -p $(T)/packed
	printf '%s\\n' 'a$(CFLAGS)$(CPPFLAGS)$(LDFLAGS)$(LIBS)$(CC)$(AR)' > $(T)/compiler
	printf '%s\\n' 'b$(ARCH)$(CROSS_COMPILE)$(KBUILD_OUTPUT)$(PLATFORM)$(DEBUG)$(V)$(MAKELEVEL)' > $(T)/kernel
	date -d @0 '+%c %Z' > $(T)/date
	printf 'b\\nA\\na\\nB\\n' | sort > $(T)/sorted
	echo 'TITLE' | sed 's/.*/\\L&/' > $(T)/lower
	(git rev-parse --git-dir; git config user.leak; cat no-such-file) > $(T)/git 2>&1 || :
	umask > $(T)/umask
	echo packed > $(T)/packed/plain
	cp -p script.sh $(T)/packed/script.sh
	tar -c -f $(T)/packed.tar -C $(T) --mtime=@0 --owner=0 --group=0 --numeric-owner --sort=name packed
	cp -a . $(T)/source
	env | cut -d= -f1 | sort > $(T)/names
"""
BLANK = "a line that ends in blanks   \n"


def make(place: Path, *, cloned_with: int) -> Checkout:
    """Make the miniature with one component more, as a clone has it that was made with a umask."""
    checkout = make_checkout(place, Upstream(place.with_name(f"{place.name}-upstream")))
    (checkout.root / "tasks.py").symlink_to(ROOT / "tasks.py")
    overlay = checkout.root / "overlays" / "telltales"
    overlay.mkdir()
    (overlay / "Makefile").write_text(TELLTALES, encoding="utf-8")
    (overlay / "论文 ş.txt").write_text("a name that each locale reads in another way\n", encoding="utf-8")
    (overlay / "script.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (overlay / "script.sh").chmod(0o777)
    checkout.recipe(
        "telltales",
        summary="tells what came through",
        overlay="telltales",
        tools={"make": "make", "git": "git", "tar": "tar"},
        steps=["make -C {source} O={out}"],
        products={"told": "telltales"},
    )
    for path in checkout.root.rglob("*"):
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~cloned_with)
    return checkout


def build(checkout: Checkout, umask: int, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "build-all"],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        umask=umask,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def products(store: Path) -> dict[str, str]:
    """Return mode and digest of every product, by its path in the store."""
    return {
        str(path.relative_to(store)): f"{path.lstat().st_mode:o} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(store.glob("*/*/products/**/*"))
    }


def test_a_users_environment_changes_no_bit_and_no_mode(tmp_path: Path) -> None:
    checkouts = [make(tmp_path / name, cloned_with=umask) for name, umask in (("a", 0o022), ("b", 0o077))]
    upstream = checkouts[0].upstream
    # Put on top of the pin, as `git apply` sees it, which a user may have told to mend blanks.
    pick = upstream.commit(**{"blanks.txt": BLANK})
    for checkout in checkouts:
        checkout.upstream = upstream
        checkout.pinned(checkouts[0].pin, cherry_picks=[pick])
        checkout.recipe(
            "greeting", steps=["make -C {source} O={out} NAME=greeting", "cp blanks.txt {out}/blanks.txt"]
        )
        checkout.recipe("greeting", products={"text": "greeting.txt", "blanks": "blanks.txt"})
    build(checkouts[0], 0o022)
    build(checkouts[1], usershell.UMASK, **usershell.soiled(tmp_path))
    clean, other = (products(checkout.workspace.store) for checkout in checkouts)
    assert clean == other
    digests = [
        {entry.component: entry.manifest["products"] for entry in checkout.builder().store.entries()}
        for checkout in checkouts
    ]
    assert digests[0] == digests[1]
    found = {Path(name).name for name in clean}
    assert {"greeting.txt", "blanks.txt", "packed.tar", "names", "script.sh"} <= found


def test_what_is_shared_is_readable_for_others_whatever_the_umask(tmp_path: Path) -> None:
    checkout = make(tmp_path / "a", cloned_with=0o022)
    checkout.configure(store=str(tmp_path / "shared" / "store"))
    build(checkout, 0o077)
    shared = [tmp_path / "shared", *(tmp_path / "shared").rglob("*")]
    closed = [path for path in shared if not path.is_symlink() and not path.stat().st_mode & 0o004]
    assert len(shared) > 20 and not closed
    # A group that shares a store by a umask of 002 goes on doing so.
    other = make(tmp_path / "b", cloned_with=0o022)
    other.configure(store=str(tmp_path / "groups"))
    build(other, 0o002)
    assert (tmp_path / "groups/greeting").stat().st_mode & 0o020
    assert not next((tmp_path / "groups/greeting").glob("*/products/greeting.txt")).stat().st_mode & 0o020


def test_what_is_private_stays_so(checkout: Checkout) -> None:
    from teeforge.machines.identity import load_identity

    was = os.umask(0)
    try:
        identity = load_identity(checkout.workspace.identity)
    finally:
        os.umask(was)
    assert stat.S_IMODE(identity.client_key.stat().st_mode) == 0o600
    assert stat.S_IMODE(identity.client_key.parent.stat().st_mode) == 0o700
