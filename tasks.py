"""The tasks of teeforge: `invoke --list` is the table of contents."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from teeforge.commandline import HelpedTask

if TYPE_CHECKING:
    from teeforge.lab import Lab

# Names of files are bytes, and their digests must not depend on how a user's locale would read them.
if sys.getfilesystemencoding() != "utf-8":
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])

# The checkout that is meant is the one that this file is part of, wherever the user stands.
HERE = Path(__file__).absolute().parent
COMPONENT = "the component, as in recipes/"
JOBS = "compilers at once (default: `jobs:` of config.yaml)"
PLACE = {
    "target": "a target of config.yaml (default: qemu)",
    "name": "which machine of that kind (default: the target's own)",
}
SOURCES = {
    "file": "a .c, .cpp, .wasm or .aot, more sources after it, or their folder",
    "source": "one more source, as those that follow the first; may be repeated",
    "cflags": "flags for clang, in one string",
    "ldflags": "flags for the linker, in one string",
    "args": "the program's arguments, in one string; or all words after --",
}
PROGRAM = {
    **SOURCES,
    "heap": "memory of the runtime: auto (default), max, 408340, 2MiB",
    "env": "NAME=VALUE for the program; may be repeated",
    "stack": "stack for compiled code, e.g. 1MiB (default: the TA's own, 256KiB)",
    "checks": "`plain` keeps each bounds check in each loop (default: proven)",
    "dir": "HOST[::/GUEST][:rw], a folder for it; may be repeated",
}


def command(**options: Any) -> Callable[[Callable[..., int | None]], Any]:
    """Make a function a task: its errors become one line and an exit status, its result the status."""

    def decorate(body: Callable[..., int | None]) -> Any:
        @functools.wraps(body)
        def guarded(context: Context, *arguments: Any, **named: Any) -> None:
            from teeforge.base.guard import guard
            from teeforge.commandline import check_rest

            def checked() -> int | None:
                check_rest(context.remainder, body)
                return body(context, *arguments, **named)

            status = guard(checked)
            if status:
                sys.exit(status)

        return task(klass=HelpedTask, **options)(guarded)

    return decorate


def _path(text: str) -> Path | None:
    """Return the path that an option names; None where it is left out."""
    return Path(text).expanduser() if text else None


def _lab(*, jobs: int = 0, live: bool = True) -> Lab:
    """Return the laboratory of this checkout."""
    from teeforge.lab import Lab
    from teeforge.settings.config import find_root

    return Lab(find_root(HERE), jobs=jobs, live=live)


@command(help=PLACE)
def demo(_: Context, target: str = "qemu", name: str = "") -> int:
    """Do it all, from a bare host to the TEE's greeting."""
    from teeforge.machines.fleet import Place
    from teeforge.runs.running import demo

    return demo(_lab(), Place(target, name))


@command()
def fetch(_: Context) -> None:
    """Fetch every source at its pinned commit or version."""
    _lab().fetch()


@command()
def patch(_: Context) -> None:
    """Write out every component's patched work tree."""
    _lab().patch()


@command(positional=["name"], help={"name": COMPONENT, "jobs": JOBS})
def build(_: Context, name: str, jobs: int = 0) -> None:
    """Build one component and what it needs."""
    _lab(jobs=jobs).build([name])


@command(help={"jobs": JOBS})
def build_all(_: Context, jobs: int = 0) -> None:
    """Build every component that is not up to date."""
    _lab(jobs=jobs).build()


@command(positional=["name"], help={"name": COMPONENT})
def explain(_: Context, name: str) -> None:
    """Say which input of a component changed, old and new."""
    from teeforge.building.why import explain as lines

    print("\n".join(lines(_lab().builder, name)))


@command(positional=["name"], help={"name": COMPONENT})
def why(_: Context, name: str) -> None:
    """Say who needs a component, and what of it is deployed."""
    from teeforge.building.why import dependents

    print("\n".join(dependents(_lab().recipes, name)))


@command(default=True, help={"json": "print JSON on stdout"})
def list_store(_: Context, json: bool = False) -> None:
    """List the products that are kept, their sizes and ages."""
    from teeforge.report import show_store

    show_store(_lab(), json)


@command(
    help={
        "keep_days": "remove what was not used for so many days",
        "max_size": "remove the longest unused until this is left, e.g. 2GiB",
    }
)
def prune(_: Context, keep_days: str = "", max_size: str = "") -> None:
    """Remove products that were not used for long."""
    from teeforge.report import prune_store

    prune_store(_lab(), keep_days, max_size)


@command(help={"again": "send also what is there already"})
def push(_: Context, again: bool = False) -> None:
    """Send products that the remote store lacks to it."""
    from teeforge.building.exchange import push as send

    lab = _lab()
    send(lab.builder, lab.build().values(), again)


@command()
def pull(_: Context) -> int:
    """Fetch the products needed now from the remote store."""
    from teeforge.building.exchange import pull as fetch_products

    lab = _lab()
    return fetch_products(lab.builder, lab.everyday())


@command(
    help={
        "cold": "boot for real, without any snapshot",
        "ephemeral": "a new machine, which is gone when it is halted",
        **PLACE,
    }
)
def boot(
    _: Context, cold: bool = False, ephemeral: bool = False, target: str = "qemu", name: str = ""
) -> None:
    """Start the machine, wait until it answers over SSH."""
    from teeforge.machines.fleet import Place

    fleet, place = _lab().fleet, Place(target, name)
    if not ephemeral:
        fleet.boot(place, cold=cold)
        return
    with fleet.ephemeral(place, hand_over=True) as place:
        fleet.boot(place, cold=cold)
        print(place.name)


@command(help=PLACE)
def deploy(_: Context, target: str = "qemu", name: str = "") -> None:
    """Push TAs and host apps to the target over SSH."""
    from teeforge.machines.fleet import Place

    _lab().deploy(Place(target, name))


@command(
    positional=["file"],
    iterable=["source", "env", "dir"],
    help={
        **PROGRAM,
        "where": "secure, or normal: the same AOT in the normal world's iwasm",
        "ephemeral": "in a new machine, which is gone afterwards",
        "report": "write to this file how it went, as JSON",
        "nonce": "have evidence with this nonce made, which the program can ask for",
        **PLACE,
    },
)
def run(
    _: Context,
    file: str,
    source: list[str] | None = None,
    cflags: str = "",
    ldflags: str = "",
    heap: str = "auto",
    stack: str = "",
    checks: str = "proven",
    args: str = "",
    env: list[str] | None = None,
    dir: list[str] | None = None,
    where: str = "secure",
    ephemeral: bool = False,
    report: str = "",
    nonce: str = "",
    target: str = "qemu",
    name: str = "",
) -> int:
    """Run a .c, .cpp, .wasm or .aot in the TEE."""
    from teeforge.commandline import arguments
    from teeforge.compiling.sources import gather
    from teeforge.machines.fleet import Place
    from teeforge.runs.running import RunOptions, reported, run
    from teeforge.runs.streams import standard_input, standard_streams

    options = RunOptions(
        heap=heap,
        arguments=arguments(args),
        environment=tuple(env or ()),
        folders=tuple(dir or ()),
        stdin=standard_input(),
        where=where,
        stdio=standard_streams(),
        stack=stack,
        checks=checks,
        report=_path(report),
        nonce=nonce,
    )
    with reported(options):
        sources = gather(Path(file).expanduser(), source or (), cflags, ldflags)
        lab, place = _lab(), Place(target, name)
        with lab.fleet.ephemeral(place) if ephemeral else nullcontext(place) as place:
            return run(lab, sources, place, options)


@command(
    positional=["file"],
    iterable=["source", "env", "dir"],
    help={**PROGRAM, **PLACE},
)
def dev(
    _: Context,
    file: str,
    source: list[str] | None = None,
    cflags: str = "",
    ldflags: str = "",
    heap: str = "auto",
    stack: str = "",
    checks: str = "proven",
    args: str = "",
    env: list[str] | None = None,
    dir: list[str] | None = None,
    target: str = "qemu",
    name: str = "",
) -> int:
    """Build, send and run at each save, until Ctrl-C."""
    from teeforge.commandline import arguments
    from teeforge.compiling.sources import gather
    from teeforge.machines.fleet import Place
    from teeforge.runs.dev import KEEP, dev
    from teeforge.runs.running import RunOptions
    from teeforge.runs.streams import standard_streams

    options = RunOptions(
        heap=heap,
        arguments=arguments(args),
        environment=tuple(env or ()),
        folders=tuple(dir or ()),
        keep=KEEP,
        stdio=standard_streams(reads=False),
        stack=stack,
        checks=checks,
    )
    find = functools.partial(gather, Path(file).expanduser(), source or (), cflags, ldflags)
    return dev(_lab(live=False), find, Place(target, name), options)


@command(
    positional=["file"],
    iterable=["source"],
    help={
        **{key: SOURCES[key] for key in ("file", "source", "cflags", "ldflags")},
        "nonce": "the verifier's, 8 to 64 bytes in hexadecimal digits (default: a new one)",
        "out": "write the token to this file (default: a line of base64url on stdout)",
        **PLACE,
    },
)
def attest(
    _: Context,
    file: str,
    source: list[str] | None = None,
    cflags: str = "",
    ldflags: str = "",
    nonce: str = "",
    out: str = "",
    target: str = "qemu",
    name: str = "",
) -> int:
    """Load a program in the TEE, and give evidence of that."""
    from teeforge.compiling.sources import gather
    from teeforge.machines.fleet import Place
    from teeforge.runs.attesting import attest

    sources = gather(Path(file).expanduser(), source or (), cflags, ldflags)
    return attest(_lab(), sources, Place(target, name), nonce, _path(out))


@command(
    positional=["file"],
    iterable=["source"],
    help={
        **{key: SOURCES[key] for key in ("file", "source", "cflags", "ldflags")},
        "to": "the relying party's address, http://HOST:PORT",
        "heap": PROGRAM["heap"],
        **PLACE,
    },
)
def relay(
    _: Context,
    file: str,
    source: list[str] | None = None,
    cflags: str = "",
    ldflags: str = "",
    to: str = "",
    heap: str = "auto",
    target: str = "qemu",
    name: str = "",
) -> int:
    """Run a program that shows its evidence to somebody."""
    from teeforge.compiling.sources import gather
    from teeforge.machines.fleet import Place
    from teeforge.runs.relaying import relay

    sources = gather(Path(file).expanduser(), source or (), cflags, ldflags)
    return relay(_lab(), sources, Place(target, name), to, heap)


@command(
    positional=["token"],
    help={
        "token": "a file that `invoke attest` made",
        "nonce": "what was sent for it; without one it may be an old token",
        "key": "the machine's public key in PEM (default: those kept of this checkout's machines)",
        "reference": "what the build computed, reference.json (default: this checkout's)",
        "module": "the program that it should be of: a .c, .wasm or .aot",
        "json": "print JSON on stdout",
    },
)
def verify(
    _: Context,
    token: str,
    nonce: str = "",
    key: str = "",
    reference: str = "",
    module: str = "",
    json: bool = False,
) -> int:
    """Say what evidence is worth, in words."""
    from teeforge.compiling.sources import gather
    from teeforge.runs.attesting import verify

    return verify(
        _lab(),
        Path(token).expanduser(),
        nonce=nonce,
        key=_path(key),
        reference=_path(reference),
        module=gather(Path(module).expanduser(), (), "", "") if module else None,
        as_json=json,
    )


@command(positional=["file"], help={"file": "a .wasm or .aot", "json": "print JSON on stdout"})
def wasm_info(_: Context, file: str, json: bool = False) -> int:
    """Tell what is in a module, and whether it will run."""
    from teeforge.inspection import show_wasm_info

    return show_wasm_info(_lab(), Path(file).expanduser(), json)


@command(
    positional=["file"],
    help={
        "file": "an .aot from elsewhere; or with --output a .wasm, .c or .cpp",
        "name": "the program's name (default: the file's), whose storage it has",
        "version": "an older one than the one that stored in /secure is refused (default: 1)",
        "heap": "the largest it may have, e.g. 4MiB (default: any)",
        "wasi": "arguments,clocks,random,files,sockets: some of it (default: all)",
        "folders": "none, read or write: what it may be lent (default: write)",
        "storage": "what it may have in /secure; 0 for nothing (default: 16MiB)",
        "output": "where to write it (default: the file itself)",
    },
)
def sign(
    _: Context,
    file: str,
    name: str = "",
    version: int = 1,
    heap: str = "1GiB",
    wasi: str | None = None,
    folders: str = "write",
    storage: str = "16MiB",
    output: str = "",
) -> None:
    """Sign an .aot, after a look at it."""
    from teeforge.signature import sign_file, terms_of

    terms = terms_of(name, version, heap, wasi, folders, storage)
    sign_file(_lab(), Path(file).expanduser(), terms, _path(output))


@command(positional=["file"], iterable=["source"], help={**SOURCES, "json": "print JSON on stdout", **PLACE})
def heap_bounds(
    _: Context,
    file: str,
    source: list[str] | None = None,
    cflags: str = "",
    ldflags: str = "",
    args: str = "",
    json: bool = False,
    target: str = "qemu",
    name: str = "",
) -> None:
    """Find the smallest and largest heap by trying in the TEE."""
    from teeforge.commandline import arguments
    from teeforge.compiling.sources import gather
    from teeforge.inspection import show_heap_bounds
    from teeforge.machines.fleet import Place

    sources = gather(Path(file).expanduser(), source or (), cflags, ldflags)
    show_heap_bounds(_lab(), sources, Place(target, name), arguments(args), json)


@command(positional=["what"], help={"what": "a result code, a message, or a log file of the secure world"})
def explain_error(_: Context, what: str) -> int:
    """Put a TEE error or a TA's panic into words."""
    from teeforge.inspection import show_explanation

    return show_explanation(_lab(), what)


@command(help={"json": "print JSON on stdout"})
def plan(_: Context, json: bool = False) -> None:
    """Show who takes how much of the secure memory."""
    from teeforge.inspection import show_plan

    show_plan(_lab(), json)


@command(default=True, help={"repeat": "runs of each (default: 10)", "json": "print JSON on stdout", **PLACE})
def bench(_: Context, repeat: int = 10, json: bool = False, target: str = "qemu", name: str = "") -> None:
    """Measure start-up and speed, TEE against normal world."""
    from json import dumps

    from teeforge.benchmarks.bench import run_bench
    from teeforge.machines.fleet import Place

    found = run_bench(_lab(), Place(target, name), repeat)
    print(dumps(found.as_json(), indent=2) if json else "\n".join(found.lines()))


@command(
    help={
        "dataset": "PolyBench's: mini, small or medium (default: small)",
        "kernels": "with commas (default: all); an unknown one tells which there are",
        "repeat": "runs of each in each world (default: 3)",
        "before": "another wamrc, whose code is measured as well",
        "json": "print JSON on stdout",
        **PLACE,
    }
)
def code(
    _: Context,
    dataset: str = "small",
    kernels: str = "",
    repeat: int = 3,
    before: str = "",
    json: bool = False,
    target: str = "qemu",
    name: str = "",
) -> None:
    """Measure code: seconds and instructions, over native."""
    from json import dumps

    from teeforge.benchmarks.code import bench_code
    from teeforge.machines.fleet import Place

    only = [kernel for kernel in kernels.split(",") if kernel]
    other = _path(before)
    found = bench_code(_lab(), Place(target, name), dataset, only, repeat, other)
    print(dumps(found.as_json(), indent=1) if json else "\n".join(found.lines(sys.stdout.isatty())))


@command(
    help={
        "repeat": "times that each is measured (default: 3)",
        "only": "rows, with commas; an unknown one tells which there are",
        "quick": "leave out the cold build, which takes minutes",
        "json": "print JSON on stdout",
    }
)
def pipeline(_: Context, repeat: int = 3, only: str = "", quick: bool = False, json: bool = False) -> None:
    """Measure the way from a saved file to its output."""
    from json import dumps

    from teeforge.benchmarks.pipeline import bench_pipeline

    report, lines = bench_pipeline(_lab(), repeat, only, quick)
    print(dumps(report, indent=1) if json else "\n".join(lines))


@command(help=PLACE)
def shell(_: Context, target: str = "qemu", name: str = "") -> int:
    """Open a shell on the target."""
    from teeforge.machines.fleet import Place

    return _lab().fleet.shell(Place(target, name))


@command(help={"secure": "the secure world's console (default: Linux's)", **PLACE})
def console(_: Context, secure: bool = False, target: str = "qemu", name: str = "") -> None:
    """Attach to a serial console; Ctrl-] leaves it."""
    from teeforge.machines.fleet import Place

    _lab().fleet.console(Place(target, name), "secure" if secure else "normal")


@command(help={"json": "print JSON on stdout"})
def status(_: Context, json: bool = False) -> None:
    """Show components, targets, and the ssh lines to type."""
    from teeforge.report import show_status

    show_status(_lab(), json)


@command(help={"all": "every machine that runs", **PLACE})
def halt(_: Context, all: bool = False, target: str = "qemu", name: str = "") -> None:
    """Stop the machine."""
    from teeforge.machines.fleet import Place

    fleet = _lab().fleet
    if all:
        fleet.halt_all()
    else:
        fleet.halt(Place(target, name))


@command(help=PLACE)
def storage_anew(_: Context, target: str = "qemu", name: str = "") -> None:
    """Set a machine's secure storage aside and begin anew."""
    from teeforge.machines.fleet import Place

    _lab().fleet.renew_storage(Place(target, name))


@command(help={"everything": "sources, products, keys and machines as well"})
def clean(_: Context, everything: bool = False) -> None:
    """Remove work trees, logs and caches."""
    _lab().clean(everything)


@command(help={"fix": "install what is missing with apt", "json": "print JSON on stdout"})
def doctor(_: Context, fix: bool = False, json: bool = False) -> int:
    """Check that this host has all that is needed."""
    from teeforge.report import show_health

    return show_health(_lab(), fix, json)


@command()
def lock(_: Context) -> None:
    """Pin config.yaml's Debian packages anew in debian.lock."""
    from teeforge.base.progress import say
    from teeforge.fetch.relock import relock

    lab = _lab()
    for line in relock(lab.root, lab.config):
        say(line)


@command()
def lock_products(_: Context) -> None:
    """Write to products.lock what each product is."""
    from teeforge.reproduce import lock_products

    lock_products(_lab())


@command(
    positional=[],
    help={
        "match": "only the modules whose name has this",
        "junit": "also write a JUnit XML file there",
        **PLACE,
    },
)
def wasi_test(_: Context, match: str = "", junit: str = "", target: str = "qemu", name: str = "") -> int:
    """Run the official WASI test suite in the TEE."""
    from teeforge.machines.fleet import Place
    from teeforge.runs.wasi_test import run_suite

    return run_suite(_lab(), Place(target, name), match, _path(junit))


@command(
    positional=[],
    iterable=["wast"],
    help={
        "match": "only the scripts whose name has this",
        "wast": "a script of your own instead of the suite's; may be repeated",
        "junit": "also write a JUnit XML file there",
        "normal": "also run it with upstream's runtime in the normal world",
        **PLACE,
    },
)
def spec_test(
    _: Context,
    match: str = "",
    wast: list[str] | None = None,
    junit: str = "",
    normal: bool = False,
    target: str = "qemu",
    name: str = "",
) -> int:
    """Run WebAssembly's own test suite in the TEE."""
    from teeforge.machines.fleet import Place
    from teeforge.spectest.suite import run_suite

    own = [Path(script).expanduser() for script in wast or ()]
    report = _path(junit)
    return run_suite(_lab(), Place(target, name), match, own, report, normal)


@command(
    help={
        "only": "unit, integration, e2e, or hosts: other systems (default: all but hosts)",
        "match": "only the tests whose name has this, as pytest -k",
    }
)
def test(_: Context, only: str = "", match: str = "") -> int:
    """Run the whole test suite, lint to end-to-end."""
    from teeforge.selftest import run_tests

    return run_tests(_lab(), only, match)


@command(default=True, help={"serve": "serve it on this host until Ctrl-C, made anew at each save"})
def build_docs(_: Context, serve: bool = False) -> None:
    """Build the site, its reference made from sources."""
    from teeforge.docs.site import build_site, serve_site

    lab = _lab()
    if serve:
        serve_site(lab.root)
    else:
        build_site(lab.root, lab.workspace.build / "site")


@command()
def record(_: Context) -> None:
    """Make the picture of the README from a real demo."""
    from teeforge.docs.record import record

    record([HERE / "inv", "demo"], "./inv demo", HERE, HERE / "docs/demo.svg")


@command()
def schema(_: Context) -> None:
    """Write the JSON schemas that editors use."""
    from teeforge.base.progress import say
    from teeforge.settings.jsonschema import write_schemas

    for path in write_schemas(HERE):
        say(str(path))


namespace = Collection(
    *(demo, fetch, patch, build, build_all, explain, why),
    *(boot, deploy, run, dev, shell, console, status, halt),
    *(sign, attest, verify, relay),
    *(wasm_info, heap_bounds, plan, explain_error),
    *(clean, doctor, test, wasi_test, spec_test),
)
_lock = Collection("lock")
_lock.add_task(lock, name="debian", default=True)
_lock.add_task(lock_products, name="products")
namespace.add_collection(_lock)
_store = Collection("store", prune, push, pull)
_store.add_task(list_store, name="list", default=True)
namespace.add_collection(_store)
_storage = Collection("storage")
_storage.add_task(storage_anew, name="anew")
namespace.add_collection(_storage)
_bench = Collection("bench", code, pipeline)
_bench.add_task(bench, name="run", default=True)
namespace.add_collection(_bench)
_docs = Collection("docs", record, schema)
_docs.add_task(build_docs, name="build", default=True)
namespace.add_collection(_docs)


def _understand() -> None:
    """Have what is typed in words that Invoke's parser takes."""
    from invoke.main import program

    from teeforge.commandline import expressible

    if core := getattr(program, "core", None):
        core.unparsed[:] = expressible(core.unparsed, namespace.to_contexts())


_understand()
