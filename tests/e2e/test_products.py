"""The committed digests: what this host makes is what every host makes."""

from __future__ import annotations

import pytest

from teeforge.lab import Lab
from teeforge.products.productlock import ProductLock
from teeforge.reproduce import products
from teeforge.settings.host import host_architecture

from .conftest import ROOT

pytestmark = pytest.mark.e2e


def test_every_product_is_what_products_lock_says(vm: Lab) -> None:
    if not vm.config.toolchain.pinned:
        pytest.skip("config.yaml has `toolchain: host`: its products are this host's own")
    ours = host_architecture()
    locked = {product.line() for product in ProductLock(ROOT).products if product.architecture == ours}
    assert {product.line() for product in products(vm)} == locked, "`invoke lock.products` writes it anew"
