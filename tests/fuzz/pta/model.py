"""What the core may answer to each step, as patches/optee_os/0002, 0004 and 0014 promise it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .steps import BEGUN, NOT_BEGUN, PAGE, SLOTS, Command, Kind, Place, Reply, Script, Step, Value

SUCCESS = 0
DENIED = 0xFFFF0001
BAD = 0xFFFF0006
BAD_STATE = 0xFFFF0007
NO_MEMORY = 0xFFFF000C
TARGET_DEAD = 0xFFFF3024

# Protection: by the core, by the TA.
PR, PW, UR, UW, UX = 0x10, 0x20, 0x80, 0x100, 0x200
READ, WRITE, ANY_OWNER = 1, 2, 4
NONE, VALUE_INPUT, VALUE_INOUT, MEMREF_INPUT = 0, 1, 3, 5

# Parameter types of the commands, a digit each.
TYPES = {
    Command.MAP_ZI: 0x131,
    Command.UNMAP: 0x011,
    Command.MPROTECT: 0x011,
    Command.WATCH: 0x005,
    Command.SEAL: 0x511,
}
WATCH_SIZE = 32
LONGEST_ID = 64
MOST_MS = 600_000
# TEE_SCN_*: what steps are done with, and the last that there is.
RETURN, PANIC, OPEN, CLOSE, INVOKE, ACCESS, LAST = 0, 2, 5, 6, 7, 8, 70
# The parameters of the TA's command that are memory of the client, and their bytes.
STEP_BYTES, DONE_BYTES, CLIENT_BYTES = 88, 8 * (7 + SLOTS) + 64 * 16, 2 * PAGE
# Places of the TA's that it did not map, pages each, and what can be said of them.
_ZERO = Value(0)
_FOREIGN = {Place.STACK: 1, Place.HEAP: 2, Place.DATA: 2, Place.CLIENT: 2, Place.CODE: 1}


@dataclass
class Page:
    """A page that the TA has: its own by PTA_SYSTEM_MAP_ZI, or of another kind; and the function in it.

    ``prot`` is "r", "rw" or "rx".
    """

    own: bool
    shareable: bool = False
    prot: str = "rw"
    returns: int | None = None
    gone: bool = False


@dataclass(frozen=True)
class Expected:
    """Which results a step may have (None: any), and whether it ``may`` or ``must`` end the instance."""

    results: frozenset[int] | None = frozenset({SUCCESS})
    may_die: bool = False
    must_die: bool = False
    value: int | None = None
    never: frozenset[int] = frozenset()


_REFUSED = Expected(None, never=frozenset({SUCCESS}))


def only(*results: int) -> Expected:
    """Return that a step has one of these results."""
    return Expected(frozenset(results))


@dataclass
class Model:
    """An instance of one of the two TAs, as far as it is known from what it was told to do.

    One that ``diverts`` has a handler for its code when it is to end, and is ``lost`` when that may have run.
    Of what the IDs of objects begin with, ``prefix``, the length is known.
    """

    flagged: bool
    count: int
    places: list[int]
    pages: dict[int, Page] = field(default_factory=dict)
    given_up: int = 0
    sealed: bool = False
    prefix: int = 0
    watched: bool = False
    diverts: bool = False
    lost: bool = False
    others: int = 0

    def __post_init__(self) -> None:
        """Know the memory that is there from the beginning."""
        for place, count in _FOREIGN.items():
            for page in range(count):
                code = place == Place.CODE
                self.pages[self.places[place] // PAGE + page] = Page(False, prot="rx" if code else "rw")

    def expect(self, step: Step) -> Expected:
        """Return what may come of a step."""
        values = [value.at(self.places) for value in (*step.values, *[_ZERO] * (8 - len(step.values)))]
        found = self._expect(step, values)
        if self.diverts and step.kind == Kind.RUN and not found.must_die:
            return Expected(None, may_die=True)  # the handler may have its turn
        # Where the words say to end and there is no grace, before it is told that it was set.
        sets = step.kind == Kind.SET_WATCH or (step.kind == Kind.INVOKE and step.command == Command.WATCH)
        return replace(found, may_die=True) if self.watched or sets else found

    def _expect(self, step: Step, values: Sequence[int]) -> Expected:
        match step.kind:
            case Kind.INVOKE | Kind.MAP | Kind.SET_WATCH:
                if self._gave_up(INVOKE):
                    return only(DENIED)
                return self._command(step, values)
            case Kind.ACCESS:
                return self._access(*values[:3])
            case Kind.WRITE | Kind.WRITE_LOOP:
                page = self.pages.get(values[0] // PAGE)
                return Expected(must_die=page is None or page.gone or page.prot != "rw")
            case Kind.RUN:
                return self._run(values[0])
            case Kind.OPEN:
                return only(DENIED) if self._gave_up(OPEN) else only(SUCCESS, NO_MEMORY)
            case Kind.CLOSE:
                return only(DENIED) if self._gave_up(CLOSE) else only(SUCCESS, BAD, 0xFFFF0008)

    def _command(self, step: Step, values: Sequence[int]) -> Expected:
        kind = {Kind.MAP: Command.MAP_ZI, Kind.SET_WATCH: Command.WATCH}.get(step.kind)
        command = step.command if kind is None else kind
        types = TYPES[Command.WATCH] if step.kind == Kind.SET_WATCH else step.types
        kept = command in (Command.MAP_ZI, Command.UNMAP, Command.SEAL)
        if self.sealed and not kept:
            # Or the parameters cannot even be read.
            return only(DENIED) if not _has_memory(types) or step.kind == Kind.SET_WATCH else _REFUSED
        if command not in list(Command):
            return Expected(None)
        if types != TYPES[Command(command)]:
            return _REFUSED if _has_memory(types) else only(BAD)
        match command:
            case Command.MPROTECT:
                return self._mprotect(values)
            case Command.SEAL:
                return self._seal(values)
            case Command.UNMAP:
                return self._unmap(values)
            case Command.MAP_ZI:
                if not values[0] & 0xFFFF_FFFF or values[1] & 0xFFFF_FFFF not in (0, 1):
                    return only(BAD)
                return Expected(None) if _pair(values[2:4]) else only(SUCCESS, NO_MEMORY)
            case _:
                return self._watch(step, values)

    def _mprotect(self, values: Sequence[int]) -> Expected:
        if not self.flagged:
            return only(DENIED)
        prot = values[1] & 0xFFFF_FFFF
        known = not prot & ~(PR | PW | UR | UW | UX)
        if not known or not prot & UR or (prot & UW and prot & UX) or (prot & PW and not prot & UW):
            return only(BAD)
        where = self._range(values)
        if where is None:
            return only(BAD)
        pages = [self.pages.get(page) for page in where]
        if all(page and page.own and not page.gone and not page.shareable for page in pages):
            return only(SUCCESS)
        return only(BAD, DENIED)

    def _range(self, values: Sequence[int]) -> range | None:
        """Return the pages that a command is about, None where it is no range."""
        address, size = _pair(values[2:4]), (values[0] & 0xFFFF_FFFF) + PAGE - 1 & ~(PAGE - 1)
        if address % PAGE or not size or address + size >= 1 << 64:
            return None
        return range(address // PAGE, (address + size) // PAGE)

    def _unmap(self, values: Sequence[int]) -> Expected:
        where = self._range(values)
        if values[1] & 0xFFFF_FFFF or where is None:
            return only(BAD)
        pages = [self.pages.get(page) for page in where]
        # It may take what is the TA's otherwise, too, which is nobody else's harm. Nobody asks for that, but
        # a page beside one that was mapped may be such a one.
        if any(page is None for page in pages):
            return Expected(None)
        if all(page and page.own and not page.gone for page in pages):
            same = len({page.shareable for page in pages if page}) == 1
            return only(SUCCESS) if same else only(BAD)
        return _REFUSED

    def _seal(self, values: Sequence[int]) -> Expected:
        keep = [value & 0xFFFF_FFFF for value in values[:4]]
        start, size = values[4:6]
        if keep[3] or keep[2] >> LAST % 32 + 1 or keep[0] >> OPEN & 1:
            wanted = BAD
        elif size < self.prefix:
            wanted = DENIED
        else:
            wanted = BAD_STATE if self.others else SUCCESS
        if not start and not size:
            return only(wanted)
        # Or it cannot even be read.
        if wanted != SUCCESS or size > LONGEST_ID:
            return _REFUSED
        sure = start == self.places[Place.DATA] and not self.prefix
        return only(SUCCESS) if sure else Expected(None)

    def _watch(self, step: Step, values: Sequence[int]) -> Expected:
        if step.kind != Kind.SET_WATCH:
            # The structure is whatever lies there.
            size_is_wrong = values[1] != WATCH_SIZE
            page = self.pages.get(values[0] // PAGE)
            unreadable = values[0] < PAGE or (page is not None and page.gone)
            return _REFUSED if size_is_wrong or unreadable or self.watched else Expected(None)
        if self.watched:
            return only(BAD_STATE)
        param, offset, _, _, alive, grace = values[:6]
        param, offset, alive, grace = (value & 0xFFFF_FFFF for value in (param, offset, alive, grace))
        sizes = [self.count * STEP_BYTES, DONE_BYTES, CLIENT_BYTES]
        if (
            param >= len(sizes)
            or alive > MOST_MS
            or grace > MOST_MS
            or offset + 8 > sizes[param]
            or offset % 4
        ):
            return only(BAD)
        return only(SUCCESS)

    def _access(self, flags: int, address: int, size: int) -> Expected:
        if self._gave_up(ACCESS):
            return only(DENIED)
        pages = [self.pages.get(page) for page in range(address // PAGE, (address + size + PAGE - 1) // PAGE)]
        if any(page is None for page in pages):
            return Expected(None)
        there = [page for page in pages if page]
        well = all(not page.gone and (not flags & WRITE or page.prot == "rw") for page in there)
        return only(SUCCESS) if well else _REFUSED

    def _run(self, address: int) -> Expected:
        page = self.pages.get(address // PAGE)
        if page is not None and not page.own and page.prot == "rx":
            return Expected(None, may_die=True)  # the TA's own code, from wherever
        if page is None or page.gone or page.prot != "rx" or page.returns is None:
            return Expected(must_die=True)
        return Expected(value=page.returns)

    def _gave_up(self, number: int) -> bool:
        return bool(self.given_up >> number & 1)

    def apply(self, step: Step, result: int, value: int) -> str:
        """Take note of what came of a step; return what must not be, or nothing."""
        values = [one.at(self.places) for one in (*step.values, *[_ZERO] * (8 - len(step.values)))]
        if step.kind in (Kind.WRITE, Kind.WRITE_LOOP) and (page := self.pages.get(values[0] // PAGE)):
            page.returns = values[1] & 0xFFFF if step.kind == Kind.WRITE else 0
        if step.kind == Kind.RUN and self.diverts:
            self.lost = True
        if result != SUCCESS:
            return ""
        if step.kind == Kind.MAP:
            return self._mapped(step, values, value)
        if step.kind == Kind.OPEN:
            self.others += 1
        elif step.kind == Kind.CLOSE:
            self.others -= 1
        elif step.kind == Kind.SET_WATCH:
            self.watched, self.diverts = True, bool(values[2])
        elif step.kind == Kind.INVOKE:
            self._invoked(step, values)
        return ""

    def _mapped(self, step: Step, values: Sequence[int], address: int) -> str:
        size = values[0] & 0xFFFF_FFFF
        self.places[Place.SLOT + step.slot] = address
        for page in range(address // PAGE, (address + size + PAGE - 1) // PAGE):
            known = self.pages.get(page)
            if known and not known.gone:
                return f"memory that is in use was mapped again at {page * PAGE:#x}"
            self.pages[page] = Page(True, bool(values[1] & 1))
        return ""

    def _invoked(self, step: Step, values: Sequence[int]) -> None:
        if step.command == Command.SEAL:
            keep = values[0] & 0xFFFF_FFFF | (values[1] & 0xFFFF_FFFF) << 32 | (values[2] & 0xFFFF_FFFF) << 64
            self.given_up |= ~(keep | 1 << RETURN | 1 << PANIC) & ((1 << LAST + 1) - 1)
            self.sealed, self.prefix = True, values[5]
        elif step.command == Command.WATCH:
            self.watched = self.diverts = True
        elif step.command in (Command.MPROTECT, Command.UNMAP):
            prot = values[1] & 0xFFFF_FFFF
            for page in self._range(values) or ():
                if step.command == Command.UNMAP and page not in self.pages:
                    self.lost = True
                elif step.command == Command.UNMAP:
                    self.pages[page].gone = True
                else:
                    self.pages[page].prot = "rx" if prot & UX else "rw" if prot & UW else "r"


def judge(script: Script, reply: Reply) -> str:
    """Return what is other than it should be, or nothing."""
    if not any(reply.places) and script.steps:
        return f"the TA did not begin: {reply.result:#010x}"
    model = Model(script.flagged, len(script.steps), list(reply.places))
    for number, (step, (result, value)) in enumerate(zip(script.steps, reply.done, strict=False)):
        expected = model.expect(step)
        if result == BEGUN:
            if not expected.may_die and not expected.must_die:
                return f"step {number} ended the instance: {step}"
            rest = {code for code, _ in reply.done[number + 1 :]}
            return (
                _end(reply, dead=True) if rest <= {NOT_BEGUN} else f"it went on after step {number}: {step}"
            )
        if result == NOT_BEGUN:
            return f"step {number} was never begun: {step}"
        if expected.must_die:
            return f"step {number} did not end the instance, but gave {result:#x} {value:#x}: {step}"
        if (expected.results is not None and result not in expected.results) or result in expected.never:
            wanted = " or ".join(f"{one:#x}" for one in sorted(expected.results or ())) or "a refusal"
            return f"step {number} came to {result:#x} instead of {wanted}: {step}"
        if expected.value not in (None, value):
            return f"step {number} returned {value:#x} instead of {expected.value:#x}: {step}"
        if what := model.apply(step, result, value):
            return f"step {number}: {what}: {step}"
        if model.lost:
            return ""  # the TA executes whatever the script chose: only the core is to be unharmed
    return _end(reply, dead=None if model.watched else False)


def _end(reply: Reply, dead: bool | None) -> str:
    """Return what is wrong with how the command and the one after it ended; ``dead``: None if both may be."""
    allowed = {True: {TARGET_DEAD}, False: {SUCCESS}, None: {SUCCESS, TARGET_DEAD}}[dead]
    for name, result in (("the command", reply.result), ("the command after it", reply.after)):
        if result not in allowed:
            return f"{name} came to {result:#010x}"
    return ""


def _has_memory(types: int) -> bool:
    return any(types >> 4 * n & 0xF in (5, 6, 7) for n in range(4))


def _pair(values: Sequence[int]) -> int:
    return (values[0] & 0xFFFF_FFFF) << 32 | values[1] & 0xFFFF_FFFF
