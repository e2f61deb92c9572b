"""The memory planner: what sizes are taken, what recipes see of them, and what is left for a module."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from teeforge.base.errors import TeeforgeError
from teeforge.modules.bounds import Bounds, find_bounds
from teeforge.modules.plan import Plan, plan_json, plan_lines
from teeforge.settings.config import Config, QemuTarget, SshTarget, load_config
from teeforge.settings.memory import SecureMemory
from teeforge.settings.recipe import Recipe, load_recipes

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.delenv("TEEFORGE_CONFIG", raising=False)
    return load_config(ROOT)


@pytest.mark.parametrize("size", ["16MiB", "18MiB", "64MiB", "128MiB", "256MiB"])
def test_sizes_that_can_be_had_are_taken(config: Config, size: str) -> None:
    assert replace(config, secure_ram=size).memory.total == int(size.removesuffix("MiB")) * MIB


@pytest.mark.parametrize(
    "size", ["0", "8MiB", "15MiB", "17MiB", "16385KiB", "65MiB", "258MiB", "4GiB", "much"]
)
def test_other_sizes_are_refused_in_one_line(config: Config, size: str) -> None:
    with pytest.raises(ValueError, match="secure_ram: is") as caught:
        replace(config, secure_ram=size)
    assert "\n" not in str(caught.value)


def test_a_machine_must_have_the_ram_that_the_pool_lies_in(config: Config) -> None:
    small: dict[str, QemuTarget | SshTarget] = {"qemu": QemuTarget("qemu", memory="600MiB")}
    assert replace(config, targets=small).memory.pool == 0
    with pytest.raises(ValueError, match=r"targets\.qemu\.memory: is 600MiB.* needs at least 624MiB"):
        replace(config, targets=small, secure_ram="128MiB")


def test_recipes_see_nothing_of_the_default_and_the_pool_of_a_larger_one(config: Config) -> None:
    recipe = load_recipes(ROOT, config)["optee_os"]
    assert recipe.option_words("large_memory", SecureMemory(16 * MIB).placeholders()) == []
    words = recipe.option_words("large_memory", SecureMemory(64 * MIB).placeholders())
    assert "CFG_TA_DRAM_SIZE=0x3000000" in words
    assert all("{" not in word for word in words)


def test_the_default_builds_what_a_config_without_the_key_builds(config: Config) -> None:
    recipe = load_recipes(ROOT, config)["optee_os"]
    values = dict.fromkeys(re.findall(r"{([a-z_.]+)}", " ".join(recipe.steps)), "x")
    without = replace(
        recipe, steps=tuple(step.replace("{options.large_memory}", "") for step in recipe.steps)
    )
    assert list(recipe.argv(values)) == list(without.argv(values))


def test_the_words_for_a_larger_memory_are_words_of_their_own() -> None:
    steps = {"summary": "x", "overlay": "x", "products": {}, "options": {"large": "A={memory.pool_size}"}}
    assert list(Recipe(steps=("make {options.large} b",), **steps).argv({})) == [["make", "b"]]  # type: ignore[arg-type]
    for step, told in (
        ("make A={options.large}", "a word of its own"),
        ("make {memory.pool_size}", "unknown"),
    ):
        with pytest.raises(ValueError, match=told):
            Recipe(steps=(step,), **steps)  # type: ignore[arg-type]


def test_the_budget_adds_up() -> None:
    for total in (16, 64, 256):
        plan = Plan(SecureMemory(total * MIB))
        shares = list(plan.shares())
        assert sum(share.size for share in shares) == total * MIB
        assert all(share.size >= 0 for share in shares)
        told = plan_json(plan)
        assert told["isolated"] is (total == 16)


def test_a_larger_secure_ram_makes_the_largest_heap_grow_by_as_much() -> None:
    heaps = [Plan(SecureMemory(size * MIB)).largest_heap(65536, 65536) for size in (64, 128, 256)]
    assert heaps[1] - heaps[0] == 64 * MIB
    assert heaps[2] - heaps[1] == 128 * MIB
    assert heaps[0] > 46 * MIB


def test_a_large_file_takes_from_the_heap() -> None:
    plan = Plan(SecureMemory(16 * MIB))
    assert plan.largest_heap(50_000, 50_000) == 13 * MIB
    assert plan.largest_heap(3 * MIB, 4 * MIB) == 6 * MIB


def test_the_page_tables_that_are_counted_are_those_of_the_core(config: Config) -> None:
    recipe = load_recipes(ROOT, config)["optee_os"]
    for size in (16, 18, 256):
        memory = SecureMemory(size * MIB)
        words = [*" ".join(recipe.steps).split(), *recipe.option_words("large_memory", memory.placeholders())]
        told = [word for word in words if word.startswith("CFG_PGT_CACHE_ENTRIES=")]
        # make takes the last one.
        assert told[-1] == f"CFG_PGT_CACHE_ENTRIES={memory.page_tables}"
        assert f"page tables: {memory.page_tables}," in "\n".join(plan_lines(Plan(memory)))


def test_a_file_that_both_worlds_map_takes_page_tables_as_well() -> None:
    plan = Plan(SecureMemory(256 * MIB))
    file = 60 * MIB
    assert plan.largest_heap(file, 0) <= plan.memory.page_tables * 2 * MIB - 2 * file
    # At 16MiB there is always less memory than they are for.
    own = Plan(SecureMemory(16 * MIB))
    assert own.largest_heap(4 * MIB, 4 * MIB) == own.largest_heap(0, 0) - 8 * MIB


def test_a_larger_memory_lets_the_core_take_larger_files(config: Config) -> None:
    recipe = load_recipes(ROOT, config)["optee_os"]
    sizes = [SecureMemory(size * MIB) for size in (18, 64, 256)]
    heaps = [
        int(word.partition("=")[2])
        for memory in sizes
        for word in recipe.option_words("large_memory", memory.placeholders())
        if word.startswith("CFG_CORE_HEAP_SIZE=")
    ]
    # Two lists of 8 bytes for each page of 4 KiB, beside what the core had before.
    for heap, memory in zip(heaps, sizes, strict=True):
        assert (heap - (192 << 10)) // 16 * 4096 == memory.largest_file - 26 * MIB
    # Without a pool there is no room for as large a file anyway.
    assert SecureMemory(16 * MIB).largest_file > 16 * MIB


def test_a_file_that_has_no_room_leaves_none_for_a_heap() -> None:
    assert Plan(SecureMemory(16 * MIB)).largest_heap(14 * MIB, 0) == 0


def test_what_is_shown_says_that_a_larger_memory_is_not_isolated() -> None:
    assert "not isolated" in "\n".join(plan_lines(Plan(SecureMemory(64 * MIB))))
    lines = plan_lines(Plan(SecureMemory(16 * MIB)))
    assert any(line.strip().startswith("[") and "...." in line for line in lines)
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize(("low", "high"), [(81000, 13 * MIB), (80664, 13 * MIB - 4096), (8, 1 << 30)])
@pytest.mark.parametrize("off", [-70000, -1000, 0, 9, 5000, 300000])
def test_bounds_are_found_wherever_the_search_begins(low: int, high: int, off: int) -> None:
    tries: list[int] = []

    def starts(size: int) -> bool:
        tries.append(size)
        return low <= size <= high

    found = find_bounds(starts, max(low + off, 8), max(high + off, 8))
    assert found == Bounds(low, high // 4096 * 4096, len(tries))
    assert len(tries) < 60


def test_bounds_of_what_never_starts_are_an_error() -> None:
    with pytest.raises(TeeforgeError, match="runs neither in a heap of 80000 bytes"):
        find_bounds(lambda _: False, 80000, MIB)
