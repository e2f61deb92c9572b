"""What a program sees of its streams and its name, how its end is told, and what becomes of its files."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from teeforge.compiling.sources import gather
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.runs.running import Runner, RunOptions

from .conftest import ROOT, run_invoke

pytestmark = pytest.mark.e2e

STREAMS = """#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;
		if (fstat(fd, &st))
			return 1;
		fprintf(stderr, "%c%c%lld ", isatty(fd) ? 't' : '-', S_ISCHR(st.st_mode) ? 'c' :
			S_ISREG(st.st_mode) ? 'f' : S_ISFIFO(st.st_mode) ? 'p' : '?', (long long)st.st_size);
	}
	return 0;
}
"""
EXITS = "#include <stdlib.h>\nint main(int c, char **v) { return c > 1 ? atoi(v[1]) : 0; }\n"
LINKS = """#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argc;
	FILE *scratch = fopen("/tmp/scratch", "w");
	printf("%s %d", argv[0], scratch != NULL);
	chdir("/n");
	mkdir("a", 0777);
	mkdir("a/b", 0777);
	symlink("../..", "a/b/up");
	symlink("a/b/up/../x", "through");
	symlink("../x", "out");
	symlink("there/x", "byold");
	symlink("a/b", "good");
	return 3;
}
"""
FULL = """#include <stdio.h>
int main(void)
{
	char name[32];
	int made = 0;
	for (; made < 100000; made++) {
		sprintf(name, "/n/%d", made);
		FILE *file = fopen(name, "w");
		if (!file)
			break;
		int bad = fputs(name, file) < 0;
		if (fclose(file) || bad)
			break;
	}
	printf("%d", made);
	return 5;
}
"""
DEEP = """#include <stdio.h>
#include <stdlib.h>
static __attribute__((noinline)) int deep(int n, int k)
{
	return n <= 0 ? k : deep(n - 1, k) ^ deep(n - 200000000, k);
}
int main(int argc, char **argv) { printf("%d", deep(atoi(argv[1]), argc + 3)); return 0; }
"""
BUSY = """#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) { sleep(2); printf("done"); return 0; }
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def ran(vm: Lab, source: Path, **options: object) -> tuple[int, str, str]:
    out, err = bytearray(), bytearray()
    with Runner(vm, gather(source), Place(), RunOptions(**options)) as runner:  # type: ignore[arg-type]
        runner.prepare()
        status = runner.run(out.extend, err.extend)
    return status, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("stdio", "told"),
    [("t,t,t", "tc0 tc0 tc0"), ("p,f:12,d", "-p0 -f12 -c0"), ("f:5000000000,p,t", "-f5000000000 -p0 tc0")],
)
def test_streams_are_to_the_program_what_they_are_here(
    vm: Lab, tmp_path: Path, stdio: str, told: str
) -> None:
    status, _, err = ran(vm, write(tmp_path, "streams.c", STREAMS), stdio=stdio)
    assert status == 0 and told in err


def test_invoke_tells_of_its_own_streams(vm: Lab, tmp_path: Path) -> None:
    source = write(tmp_path, "streams.c", STREAMS)
    here, there = pty.openpty()
    with source.open("rb") as file:
        command = [sys.executable, "-m", "invoke", "run", str(source)]
        child = subprocess.Popen(command, cwd=ROOT, stdin=file, stdout=there, stderr=subprocess.PIPE)
        assert child.stderr is not None
        err = child.stderr.read().decode()
        child.wait()
    os.close(here)
    os.close(there)
    assert f"-f{source.stat().st_size} tc0 -p0" in err


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("0", 0, ""),
        ("255", 255, ""),
        ("124", 124, "exit status 124 is the program's own"),
        ("127", 127, "exit status 127 is the program's own"),
        ("256", 255, "its exit status is 256"),
        ("257", 1, "its exit status is 257"),
        ("-1", 255, "its exit status is -1"),
        ("-256", 255, "its exit status is -256"),
    ],
)
def test_exit_statuses_are_told_apart(vm: Lab, tmp_path: Path, code: str, status: int, said: str) -> None:
    report = tmp_path / "report.json"
    source = write(tmp_path, "exits.c", EXITS)
    found, _, err = ran(vm, source, arguments=(code,), report=report)
    assert found == status
    assert said in err and ("exit status" in err) == bool(said)
    told = json.loads(report.read_text())["report"]
    assert (told["outcome"], told["exit_status"]) == ("exited", int(code) % (1 << 32))


def test_what_does_not_run_is_told_in_the_report_too(vm: Lab, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    source = write(tmp_path, "wrong.c", "int main(void) { return x; }\n")
    done = run_invoke("run", source, "--report", report)
    told = json.loads(report.read_text())
    assert (told["outcome"], told["status"]) == ("not run", done.status)


def test_links_of_a_program_lead_nowhere_else_and_the_rest_comes_back(vm: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "n"
    folder.mkdir()
    (folder / "there").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    Path(os.fsdecode(bytes(folder) + b"/caf\\xe9")).touch()
    before = {path.name for path in folder.iterdir()}
    status, out, err = ran(vm, write(tmp_path, "links.c", LINKS), folders=(f"{folder}::/n:rw",))
    assert (status, out) == (3, "links 1")
    assert {path.name for path in folder.iterdir()} == before | {"a", "good"}
    assert (folder / "there").readlink() == Path("/etc")
    for name in ("through", "out", "byold"):
        assert f"/{name}: the program's link leads out" in err


def test_what_a_program_left_comes_back_when_no_memory_is_left(vm: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "n"
    folder.mkdir()
    source = write(tmp_path, "full.c", FULL)
    status, out, err = ran(vm, source, folders=(f"{folder}::/n:rw",), heap="9MiB")
    assert status == 5, err
    assert 100 < int(out) <= len(list(folder.iterdir())) <= int(out) + 1
    assert (folder / "42").read_text() == "/n/42"


def test_a_larger_stack_takes_a_deeper_recursion(vm: Lab, tmp_path: Path) -> None:
    source = write(tmp_path, "deep.c", DEEP)
    status, _, err = ran(vm, source, arguments=("8000",))
    assert status == 124 and "--stack" in err
    assert ran(vm, source, arguments=("8000",), stack="2MiB")[:2] == (0, "5")
    status, _, err = ran(vm, source, arguments=("100000000",), stack="64KiB")
    assert status == 124, err


def test_runs_that_find_no_memory_wait_for_those_that_hold_it(vm: Lab, tmp_path: Path) -> None:
    source = write(tmp_path, "busy.c", BUSY)
    command = [sys.executable, "-m", "invoke", "run", str(source), "--heap", "7MiB"]
    children = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    ends = [(*child.communicate(), child.returncode) for child in children]
    assert [(out, status) for out, _, status in ends] == [(b"done", 0)] * 3, ends
    assert any(b"memory is held by" in err for _, err, _ in ends)
