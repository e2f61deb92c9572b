"""Programs of several files, with flags, and in C++: compiled by the real clang, run in the TEE."""

from __future__ import annotations

from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.compiling.sources import Sources, gather
from teeforge.lab import Lab
from teeforge.machines.fleet import Place
from teeforge.modules.program import Program
from teeforge.runs.running import Runner, RunOptions

pytestmark = pytest.mark.e2e

MAIN = """#include <signal.h>
#include <stdio.h>
#include <times.h>
static volatile int hit;
static void on(int number) { hit = number; }
int main(int argc, char **argv)
{
	signal(SIGUSR1, on);
	raise(SIGUSR1);
	printf("%s %d %d %s\\n", argv[argc - 1], times(7), hit == SIGUSR1, __FILE__);
	return 0;
}
"""
CXX = """#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>
struct Shape { virtual ~Shape() = default; virtual int sides() const { return 0; } };
struct Square : Shape { int sides() const override { return 4; } };
extern "C" int times(int);
int main()
{
	std::vector<std::string> words{"b", "a"};
	std::sort(words.begin(), words.end());
	std::map<std::string, Shape *> shapes{{"square", new Square}};
	std::cout << words[0] << shapes["square"]->sides() << times(2) << std::endl;
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (
        ("main.c", MAIN),
        ("main.cpp", CXX),
        ("src/times.c", '#include "times.h"\nint times(int n) { return n * N; }\n'),
        ("include/times.h", "int times(int n);\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def built(lab: Lab, sources: Sources) -> Program:
    return lab.programs.compile(sources, lab.programs.compilers(sources))


def ran(vm: Lab, sources: Sources, *arguments: str) -> tuple[int, bytes]:
    out = bytearray()
    with Runner(vm, sources, Place(), RunOptions(arguments=arguments)) as runner:
        runner.prepare()
        return runner.run(out.extend, lambda _: None), bytes(out)


SIGNAL = ("-D_WASI_EMULATED_SIGNAL", "-lwasi-emulated-signal")


def c_sources(folder: Path) -> Sources:
    flags = f"-I{folder}/include -DN=3 {SIGNAL[0]}"
    return gather(folder / "main.c", [str(folder / "src/times.c")], flags, SIGNAL[1])


def test_several_files_with_flags_run_as_one_program(vm: Lab, folder: Path) -> None:
    assert ran(vm, c_sources(folder), "-d") == (0, b"-d 21 1 main.c\n")


def test_a_folder_with_a_list_is_the_same_program_from_anywhere(
    lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "program.yaml").write_text(
        f"sources: [main.c, src/*.c]\ncflags: -Iinclude -DN=3 {SIGNAL[0]}\nldflags: {SIGNAL[1]}\n"
    )
    digest = built(lab, gather(folder)).sha256
    monkeypatch.chdir(folder)
    program = built(lab, gather(Path()))
    assert program.sha256 == digest
    assert folder / "include/times.h" in [path.resolve() for path in program.headers]


def test_cxx_runs_with_its_library(vm: Lab, folder: Path) -> None:
    sources = gather(folder / "main.cpp", [str(folder / "src/times.c")], f"-I{folder}/include -DN=3")
    assert ran(vm, sources) == (0, b"a46\n")


def test_errors_of_several_files_come_in_their_order_with_one_last_line(lab: Lab, folder: Path) -> None:
    (folder / "src/times.c").write_text("int f(void) { return x; }\n")
    (folder / "main.c").write_text("int main(void) { return y; }\n")
    with pytest.raises(TeeforgeError) as caught:
        built(lab, c_sources(folder))
    told = caught.value.message
    assert told.index("'y'") < told.index("'x'")
    assert told.splitlines()[-1].startswith(f"{folder}/main.c does not compile: 2 errors (")


def test_arithmetic_on_128_bits_links(lab: Lab, tmp_path: Path) -> None:
    source = tmp_path / "wide.c"
    source.write_text(
        "int main(int c, char **v) { (void)v; __int128 a = c; return (int)((a << 99) % 1000007); }\n"
    )
    assert built(lab, Sources.of(source)).notes == ""
