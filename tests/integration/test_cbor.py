"""The TA's own CBOR (overlays/wasm_ta/ta/trust/cbor.c), compiled for this host and compared with cbor2."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostprogram import sanitized

# Each line of stdin is a call of one function; written is what came of it, or nothing if it is not whole.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trust/cbor.h"

int main(int argc, char *argv[])
{
	static uint8_t buffer[1 << 16];
	static char line[1 << 15];
	static uint8_t bytes[1 << 14];
	struct cbor cbor;

	cbor_open(&cbor, buffer, argc > 1 ? strtoul(argv[1], NULL, 10) : sizeof(buffer));
	while (fgets(line, sizeof(line), stdin)) {
		char *rest = line + 2;
		size_t size = 0;

		rest[strcspn(rest, "\n")] = '\0';
		for (; rest[2 * size] && rest[2 * size + 1]; size++) {
			char digits[3] = { rest[2 * size], rest[2 * size + 1], 0 };

			bytes[size] = strtoul(digits, NULL, 16);
		}
		bytes[size] = '\0';
		switch (*line) {
		case 'i': cbor_int(&cbor, strtoll(rest, NULL, 10)); break;
		case 'b': cbor_bytes(&cbor, bytes, size); break;
		case 't': cbor_text(&cbor, (char *)bytes); break;
		case 'a': cbor_array(&cbor, strtoul(rest, NULL, 10)); break;
		case 'm': cbor_map(&cbor, strtoul(rest, NULL, 10)); break;
		case 'g': cbor_tag(&cbor, strtoul(rest, NULL, 10)); break;
		}
	}
	if (cbor_done(&cbor))
		fwrite(buffer, 1, cbor.used, stdout);
	return !cbor_done(&cbor);
}
"""
Written = Callable[..., bytes | None]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    program = sanitized(tmp_path_factory.mktemp("cbor"), PROGRAM, "trust/cbor.c")

    def write(lines: list[str], *room: int) -> bytes | None:
        done = subprocess.run(
            [program, *map(str, room)],
            input="".join(f"{line}\n" for line in lines).encode(),
            capture_output=True,
            check=False,
            timeout=20,
        )
        assert not done.stderr
        return None if done.returncode else done.stdout

    return write


def calls(value: Any) -> list[str]:
    """How the TA writes a value."""
    match value:
        case int():
            return [f"i {value}"]
        case bytes():
            return [f"b {value.hex()}"]
        case str():
            return [f"t {value.encode().hex()}"]
        case list():
            return [f"a {len(value)}", *(line for item in value for line in calls(item))]
        case dict():
            return [
                f"m {len(value)}",
                *(line for pair in value.items() for item in pair for line in calls(item)),
            ]
        case _:
            return [f"g {value.tag}", *calls(value.value)]


PLAIN = (
    st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=300)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=80)
)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.integers(-70000, 70000), inner, max_size=5)
    ),
    max_leaves=12,
)


def depth(value: Any) -> int:
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return bool(inner) + max((depth(item) for item in inner), default=0)


@settings(deadline=None)
@given(value=ANYTHING)
def test_values_are_written_as_cbor2_writes_them(written: Written, value: Any) -> None:
    if depth(value) <= 8:
        assert written(calls(value)) == cbor2.dumps(value)


@pytest.mark.parametrize("number", [n + s for n in (0, 23, 255, 65535, 2**32 - 1, 2**63 - 2) for s in (0, 1)])
def test_heads_are_the_shortest_at_each_edge(written: Written, number: int) -> None:
    for value in (number, -1 - number):
        assert written(calls(value)) == cbor2.dumps(value)


def test_a_tag_is_no_item_of_its_own(written: Written) -> None:
    value = [cbor2.CBORTag(18, [1, {}]), []]
    assert written(calls(value)) == cbor2.dumps(value)


def test_what_does_not_fit_is_not_done(written: Written) -> None:
    value = {1: b"x" * 30, 2: "y"}
    size = len(cbor2.dumps(value))
    assert written(calls(value), size) == cbor2.dumps(value)
    assert all(written(calls(value), room) is None for room in range(size))


@pytest.mark.parametrize("lines", [["a 2", "i 1"], ["m 1", "i 1"], ["a 1", "a 1"], ["a 1"] * 9 + ["i 1"]])
def test_what_is_not_closed_or_too_deep_is_not_done(written: Written, lines: list[str]) -> None:
    assert written(lines) is None
