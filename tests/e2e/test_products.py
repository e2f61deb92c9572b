"""The committed digests: what this host makes is what every host makes."""

from __future__ import annotations

import pytest

from teeforge.lab import Lab
from teeforge.products.productlock import ProductLock
from teeforge.reproduce import products

from .conftest import ROOT

pytestmark = pytest.mark.e2e


def test_every_product_is_what_products_lock_says(vm: Lab) -> None:
    if not vm.config.toolchain.pinned:
        pytest.skip("config.yaml has `toolchain: host`: its products are this host's own")
    found = {product.line() for product in products(vm)}
    locked = {product.line() for product in ProductLock(ROOT).products}
    assert found <= locked, "`invoke lock.products` writes it anew"
    # What only a host of another architecture makes is in there as well, and nothing else.
    rest = {line.split()[0] for line in locked - found}
    assert rest <= {name for name, recipe in vm.recipes.items() if recipe.by_architecture}
