"""Fresh systems, an ordinary user, nothing installed: `./inv demo` works, and gives the same bits on each.

Asked for by name (`invoke test --only hosts`): it downloads and builds everything on each of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teeforge.products.productlock import NAME
from tests.copies import ROOT
from tests.hosts.root import Root

# Of one the user's folder has a name that make could not take.
HOSTS = {"bookworm": "teeforge", "trixie": "我的 论文/teeforge", "sid": "teeforge"}

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module", params=HOSTS)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    suite = str(request.param)
    yield Root(suite, tmp_path_factory.mktemp("hosts") / suite, HOSTS[suite])


def test_the_demo_greets_an_ordinary_user_from_the_secure_world(host: Root) -> None:
    assert host.run("command -v gcc cc clang make qemu-system-aarch64 ssh dpkg-deb sudo").stdout in (
        "",
        "/usr/bin/dpkg-deb\n",
    )
    began = time.monotonic()
    done = host.run("./inv demo")
    print(f"{host.folder.name}: cold demo in {time.monotonic() - began:.0f} s, {_fetched(host)} MB fetched")
    assert done.status == 0, done.stderr
    assert done.stdout == "Hello from WebAssembly in the secure world!\n"


def test_every_product_has_the_committed_bits(host: Root) -> None:
    done = host.run("./inv lock.products")
    assert done.status == 0, done.stderr
    assert "other bits" not in done.stderr
    assert (host.checkout / NAME).read_text() == (ROOT / NAME).read_text()


def test_a_second_checkout_brings_no_toolchain_again(host: Root) -> None:
    copy = 'mkdir ../second && for name in *; do [ "$name" = build ] || cp -r "$name" ../second; done'
    done = host.run(f"{copy} && cd ../second && ./inv build toolchain")
    assert done.status == 0, done.stderr
    assert not list((host.checkout.parent / "second").glob("build/sources/debian/*.deb"))


def test_the_machine_is_off_in_the_end(host: Root) -> None:
    assert host.run("./inv halt").status == 0


def _fetched(host: Root) -> int:
    """Return the bytes of Debian packages that were brought, in MB."""
    build = (host.checkout / "build").resolve() if (host.checkout / "build").exists() else Path()
    folders = [build / "sources/debian", *host.folder.glob("home/*/.cache/teeforge/*/sources/debian")]
    return sum(file.stat().st_size for folder in folders for file in folder.glob("*.deb")) // 1_000_000
