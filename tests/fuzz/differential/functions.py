"""Bodies of functions for generate.py: statements, which take and give nothing."""

from __future__ import annotations

from collections.abc import Callable

from .expressions import LOOP, Expressions
from .opcodes import EXTERNREF, FUNCREF, I32, I64, NUMBERS, STORES, constant, leb

_END = b"\x0b"
# A far offset that wraps to the front again, were there no check.
_STRIDES = (1, 4, 8, 64, 4096, 65536)


class Function(Expressions):
    """One function, made by body()."""

    def body(self) -> bytes:
        """Return the locals and the code, with its end."""
        self._labels = [self._type[1]]
        returned = b"".join(map(self._leaf, self._type[1])) + b"\x0f"
        code = self._spend(b"\x00" if self._chance.random() < 0.1 else returned)
        code += b"".join(self.statement(0) for _ in range(self._chance.randrange(1, 5)))
        code += b"".join(self.expression(kind, 0) for kind in self._type[1])
        kinds = [*self._locals[len(self._type[0]) :], *self._own]
        groups = [leb(1) + bytes([kind]) for kind in kinds] + [b"\x00\x7f"] * (self._chance.random() < 0.03)
        return leb(len(groups)) + b"".join(groups) + code + _END

    def _spend(self, otherwise: bytes) -> bytes:
        """Return code that takes one from the budget, and does something else when nothing is left of it."""
        left = b"\x23\x00" + constant(I32, 1) + b"\x6b\x24\x00"
        return left + b"\x23\x00" + constant(I32, 0) + b"\x4c\x04\x40" + otherwise + _END

    def statement(self, depth: int) -> bytes:
        """Return code that leaves the stack as it is."""
        self._room -= 1
        if depth >= 4 or self._room < 0:
            return b"\x01"
        ways = [
            self._set,
            self._set,
            self._store,
            self._store,
            self._set_global,
            self._loop,
            self._when,
            self._many,
        ]
        ways += [
            self._copied,
            self._filled,
            self._table_set,
            self._table_copied,
            self._table_filled,
            self._dropped,
        ]
        ways += [self._strided]
        return self._chance.choice(ways)(depth + 1)

    def _set(self, depth: int) -> bytes:
        kind = self._chance.choice((*NUMBERS, I32, FUNCREF, EXTERNREF))
        return self.expression(kind, depth) + b"\x21" + self._local(kind)

    def _store(self, depth: int) -> bytes:
        kind = self._chance.choice(NUMBERS)
        opcode, width = self._chance.choice(STORES[kind])
        value = self._plain(kind, self.expression(kind, depth))
        return self._address(depth) + value + bytes([opcode]) + self._offset(width)

    def _set_global(self, depth: int) -> bytes:
        kind = self._chance.choice((*NUMBERS, FUNCREF, EXTERNREF))
        known = self._globals(kind, True)
        return self.expression(kind, depth) + (
            b"\x24" + leb(self._chance.choice(known)) if known else b"\x1a"
        )

    def _when(self, depth: int) -> bytes:
        condition = self._chance.choice((constant(I32, 0), constant(I32, 1), self.expression(I32, depth)))
        then = self._inside((), lambda: self.statement(depth))
        other = (
            b"\x05" + self._inside((), lambda: self.statement(depth)) if self._chance.random() < 0.5 else b""
        )
        return condition + b"\x04\x40" + then + other + _END

    def _many(self, depth: int) -> bytes:
        """A table of branches out of blocks in each other."""
        count = self._chance.randrange(1, 5)
        chosen = b"".join(leb(self._chance.randrange(count)) for _ in range(count))
        self._labels += [()] * count
        code = (
            self.expression(I32, depth) + b"\x0e" + leb(count) + chosen + leb(self._chance.randrange(count))
        )
        for _ in range(count):
            self._labels.pop()
            code += _END + self.statement(depth)
        return b"\x02\x40" * count + code

    def _loop(self, depth: int) -> bytes:
        return self._counted(lambda _: self.statement(depth) + self.statement(depth))

    def _counted(self, code: Callable[[bytes], bytes]) -> bytes:
        """Return a loop of some rounds, that ends early when the budget is used up."""
        counter = self._own_local(I32)
        rounds = constant(I32, self._chance.choice((1, 2, 3, 7, 20)))
        inner = self._inside((), lambda: self._inside(LOOP, lambda: code(counter)))
        left = self._spend(b"\x0c\x02")
        again = b"\x20" + counter + constant(I32, 1) + b"\x6b\x22" + counter + b"\x0d\x00"
        return rounds + b"\x21" + counter + b"\x02\x40\x03\x40" + inner + left + again + _END + _END

    def _strided(self, depth: int) -> bytes:
        """A loop that goes through memory, as an optimiser would like to have it."""
        stride = constant(I32, self._chance.choice(_STRIDES))
        kind = self._chance.choice((I32, I64))
        opcode, width = self._chance.choice(STORES[kind])

        def code(counter: bytes) -> bytes:
            address = b"\x20" + counter + stride + b"\x6c"
            if self._chance.random() < 0.3:
                address += self.expression(I32, depth) + constant(I32, 0xFF) + b"\x71\x6a"
            grown = constant(I32, 1) + b"\x40\x00\x1a" if self._chance.random() < 0.2 else b""
            return address + self.expression(kind, depth) + bytes([opcode]) + self._offset(width) + grown

        return self._counted(code)

    def _length(self, depth: int) -> bytes:
        """Of bytes: mostly few, and sometimes what is left of 64 bits whose upper half is not 0."""
        if self._chance.random() < 0.3:
            return self.expression(I64, depth) + constant(I64, 0xFFFFFFFF0000003F) + b"\x83\xa7"
        if self._chance.random() < 0.98:
            return constant(I32, self._chance.choice((0, 0, 1, 2, 7, 64, 300)))
        return self.expression(I32, depth)

    def _copied(self, depth: int) -> bytes:
        if self._chance.random() < 0.5:
            return self._address(depth) + self._address(depth) + self._length(depth) + b"\xfc\x0a\x00\x00"
        index = leb(self._chance.randrange(self._shape.data))
        start = constant(I32, self._chance.choice((0, 0, 0, 0, 1, 7)))
        length = constant(I32, self._chance.choice((0, 0, 0, 1, 7)))
        return self._address(depth) + start + length + b"\xfc\x08" + index + b"\x00"

    def _filled(self, depth: int) -> bytes:
        return self._address(depth) + self.expression(I32, depth) + self._length(depth) + b"\xfc\x0b\x00"

    def _few(self) -> bytes:
        return constant(I32, self._chance.choice((0, 0, 0, 1, 1, 1, 2, 5)))

    def _table_set(self, depth: int) -> bytes:
        table = self._any_table()
        value = self.expression(self._shape.tables[table].kind, depth)
        return self._index(table, depth) + value + b"\x26" + leb(table)

    def _table_copied(self, depth: int) -> bytes:
        to = self._any_table()
        kind = self._shape.tables[to].kind
        if kind == FUNCREF and self._chance.random() < 0.4:
            segment = leb(self._chance.randrange(self._shape.segments + 1))
            return self._index(to, depth) + self._few() + self._few() + b"\xfc\x0c" + segment + leb(to)
        source = self._chance.choice(self._tables(kind))
        places = self._index(to, depth) + self._index(source, depth)
        return places + self._few() + b"\xfc\x0e" + leb(to) + leb(source)

    def _table_filled(self, depth: int) -> bytes:
        table = self._any_table()
        value = self.expression(self._shape.tables[table].kind, depth)
        return self._index(table, depth) + value + self._few() + b"\xfc\x11" + leb(table)

    def _dropped(self, depth: int) -> bytes:
        if self._chance.random() < 0.5:
            return self._set(depth)
        if self._chance.random() < 0.5:
            return b"\xfc\x09" + leb(self._chance.randrange(self._shape.data))
        return b"\xfc\x0d" + leb(self._chance.randrange(self._shape.segments))
