"""Why a component is built anew, who needs it, and what the store keeps."""

from __future__ import annotations

import os
import time

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.building.why import dependents, explain
from teeforge.products.storekeeping import prune, shelves

from .conftest import Checkout


def told(checkout: Checkout, name: str) -> str:
    return "\n".join(explain(checkout.builder(), name).lines())


def test_a_component_that_was_never_built_is_said_to_be_so(checkout: Checkout) -> None:
    checkout.builder().sources.tree(checkout.builder().recipes["greeting"])
    assert told(checkout, "greeting") == "greeting was never built"


def test_what_is_up_to_date_says_when_it_was_built(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    assert told(checkout, "letter").startswith("letter is up to date: built 20")


def test_a_changed_overlay_file_is_named(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    (checkout.root / "overlays/letter/letter.in").write_text("dearest WHO\n")
    assert "    overlay letter.in: " in told(checkout, "letter")
    assert "overlay Makefile" not in told(checkout, "letter")


def test_a_changed_word_of_a_step_is_shown_old_and_new(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    checkout.recipe("greeting", steps=["make -C {source} O={out} NAME=other"])
    assert "        - NAME=greeting\n        + NAME=other" in told(checkout, "greeting")


def test_a_changed_pin_is_shown_old_and_new(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    newer = checkout.upstream.commit(**{"greeting.in": "good day WHO\n"})
    checkout.pinned(newer)
    checkout.builder().sources.tree(checkout.builder().recipes["greeting"])
    assert f"    source commit: {checkout.pin} -> {newer}" in told(checkout, "greeting")


def test_a_script_is_told_the_same(checkout: Checkout) -> None:
    checkout.builder().build(["letter"])
    (checkout.root / "overlays/letter/letter.in").write_text("dearest WHO\n")
    found = explain(checkout.builder(), "letter").as_json()
    assert (found["component"], found["state"]) == ("letter", "to build")
    assert [change["input"] for change in found["changes"]] == ["overlay letter.in"]
    assert dependents(checkout.builder().recipes, "greeting").as_json()["needed_by"] == [
        {"component": "letter", "products": ["greeting.text"], "needed_by": []}
    ]


def test_what_waits_for_another_says_for_whom(checkout: Checkout) -> None:
    assert "before greeting is built" in told(checkout, "letter")


def test_who_needs_a_component_is_listed(checkout: Checkout) -> None:
    recipes = checkout.builder().recipes
    assert dependents(recipes, "greeting").lines() == ["letter needs greeting.text"]
    assert dependents(recipes, "letter").lines() == ["nobody needs letter"]
    with pytest.raises(TeeforgeError):
        dependents(recipes, "leter")


def test_prune_removes_what_is_old_and_keeps_what_is_needed(checkout: Checkout) -> None:
    old = checkout.builder().build(["letter"])
    (checkout.root / "overlays/letter/letter.in").write_text("dearest WHO\n")
    current = checkout.builder().build(["letter"])
    store = checkout.builder().store
    year_ago = time.time() - 365 * 86400
    for entry in store.entries():
        os.utime(entry.folder / "manifest.json", (year_ago, year_ago))
    gone = prune(store, current.values(), keep_days=30, max_size=None)
    assert [shelf.entry.key for shelf in gone] == [old["letter"].key]
    assert {shelf.entry.key for shelf in shelves(store, [])} == {e.key for e in current.values()}


def test_prune_by_size_removes_the_longest_unused_first(checkout: Checkout) -> None:
    first = checkout.builder().build(["letter"])["letter"]
    (checkout.root / "overlays/letter/letter.in").write_text("dearest WHO\n")
    checkout.builder().build(["letter"])
    store = checkout.builder().store
    os.utime(first.folder / "manifest.json", (1, 1))
    total = sum(shelf.size for shelf in shelves(store, []))
    gone = prune(store, [], keep_days=None, max_size=total - 1)
    assert [shelf.entry.key for shelf in gone] == [first.key]


def test_a_store_may_be_shared_by_two_checkouts(checkout: Checkout) -> None:
    shared = checkout.root.parent / "shared-store"
    checkout.configure(store=str(shared))
    checkout.builder().build(["letter"])
    assert (shared / "letter").is_dir()
    # Another checkout with the same inputs: all but the store is gone.
    checkout.configure(build_dir="another-build")
    checkout.builder().build(["letter"])
    assert not list(checkout.workspace.work.glob("runs-*"))
