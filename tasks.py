"""The tasks of teeforge: `invoke --list` is the table of contents."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from invoke.collection import Collection

from teeforge.commandline.contents import namespace_of
from teeforge.tasks import bench, build, docs, host, machines, programs, store, tests, trust

# Names of files are bytes, and their digests must not depend on how a user's locale would read them.
if sys.getfilesystemencoding() != "utf-8":
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])

namespace = namespace_of(
    # The checkout that is meant is the one that this file is part of, wherever the user stands.
    Path(__file__).absolute().parent,
    {
        "Begin": (build.demo, host.doctor, machines.status, host.explain_error, host.completion),
        "Programs": (programs.run, programs.dev, programs.wasm_info, programs.heap_bounds, programs.plan),
        "Trust": (trust.sign, trust.attest, trust.verify, trust.relay),
        "Machines and boards": (
            *(machines.boot, machines.deploy, machines.shell, machines.console, machines.halt),
            Collection("storage", machines.storage_anew),
        ),
        "Components": (
            *(build.build, build.build_all, build.explain, build.why),
            *(build.fetch, build.patch, build.clean),
            Collection("lock", build.lock, build.lock_products),
        ),
        "Products in the store": (Collection("store", store.listed, store.prune, store.push, store.pull),),
        "Tests, measurements, pages": (
            *(tests.test, tests.wasi_test, tests.spec_test, tests.xtest),
            Collection(
                "bench", bench.run, bench.start, bench.code, bench.compiling, bench.trace, bench.pipeline
            ),
            Collection("docs", docs.site, docs.record, docs.schema),
        ),
    },
)
