"""What of a script runs in the TEE, and what is decided before: a list of checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from teeforge.base.errors import TeeforgeError
from teeforge.spectest.link import (
    SPECTEST,
    Exports,
    LimitsError,
    LinkError,
    SharedError,
    add_getters,
    exports_of,
    getter,
    link,
)
from teeforge.spectest.scripts import Action, Command, Script

# Names of the host app's interface are C strings of so many bytes: WASM_TA_NAME_SIZE of the TA's wasm_ta.h.
_NAME_SIZE = 512


@dataclass(frozen=True)
class Loaded:
    """A module that is to run: the file that is compiled, and its number in the whole run."""

    number: int
    wasm: Path


@dataclass
class Check:
    """One assertion (or module, or action) of a script, and how it is found out whether it holds.

    It has a verdict already (``passed``, ``failed``, ``skipped``, with its ``reason``), or else a file that
    must not be ``accepted``, or what is asked of the TEE: ``load``, ``call``.
    """

    script: str
    command: Command
    verdict: str = ""
    reason: str = ""
    accepted: Path | None = None
    load: Loaded | None = None
    call: tuple[Loaded, str, Action] | None = None
    unload_before: tuple[Loaded, ...] = ()
    unload_after: tuple[Loaded, ...] = ()

    @property
    def kind(self) -> str:
        """What it is counted as."""
        return self.command.kind

    @property
    def asked(self) -> bool:
        """Whether the TEE was asked, or would have been, had its module compiled."""
        return self.load is not None or self.call is not None

    def skip(self, reason: str) -> Check:
        """Decide that it is not applicable."""
        self.verdict, self.reason = "skipped", reason
        return self

    def decide(self, problem: str) -> Check:
        """Decide that it failed for a reason, or passed without one."""
        self.verdict, self.reason = ("failed" if problem else "passed"), problem
        return self


@dataclass
class _Instance:
    """A module of a script; ``absent`` says why it is not there, ``broken`` that it should be."""

    loaded: Loaded | None
    exports: Exports
    absent: str = ""
    broken: bool = False


class Planner:
    """Goes through scripts, one after the other, and links their modules."""

    def __init__(self) -> None:
        self._numbers = 0

    def plan(self, script: Script) -> list[Check]:
        """Return the checks of a script in order; modules that were changed lie beside the original ones."""
        walk = _Walk(script, self._numbers)
        checks = [check for command in script.commands for check in walk.step(command)]
        if checks:
            checks[-1].unload_after += walk.left()
        self._numbers = walk.numbers
        return checks


class _Walk:
    """The state while the commands of a script are gone through."""

    def __init__(self, script: Script, numbers: int) -> None:
        self.script = script
        self.numbers = numbers
        self.registry: dict[str, Exports] = {"spectest": SPECTEST}
        self.owners: dict[str, _Instance] = {}
        self.named: dict[str, _Instance] = {}
        self.current: _Instance | None = None
        actions = [command.action for command in script.commands if command.action]
        self._gotten = sorted({action.field for action in actions if action.kind == "get"})

    def step(self, command: Command) -> Iterator[Check]:
        """Yield what a command asks for."""
        check = Check(self.script.name, command)
        if command.kind == "register":
            self._register(command)
        elif command.kind == "module":
            yield self._module(check)
        elif command.kind == "assert_uninstantiable":
            yield self._uninstantiable(check)
        elif command.module is not None:
            yield self._refused(check)
        else:
            yield self._action(check)

    def left(self) -> tuple[Loaded, ...]:
        """Return the modules that are still loaded when the script ends."""
        instances = [*self.named.values(), *([self.current] if self.current else [])]
        return tuple(dict.fromkeys(one.loaded for one in instances if one.loaded))

    def _register(self, command: Command) -> None:
        instance = self.named.get(command.name) if command.name else self.current
        if instance:
            self.registry[command.alias] = instance.exports
            self.owners[command.alias] = instance

    def _module(self, check: Check) -> Check:
        command = check.command
        before = self.current
        unload = (before.loaded,) if before and before.loaded and before not in self.named.values() else ()
        check.unload_before = unload
        self.current = _Instance(None, {})
        if command.name:
            self.named[command.name] = self.current
        try:
            self.current.loaded, self.current.exports = self._link(command, self._gotten)
        except (SharedError, LimitsError) as error:
            # It is to link, so a table or memory that seems too small has grown meanwhile.
            shared = "it shares what has grown with another module"
            self.current.absent = error.message if isinstance(error, SharedError) else shared
            self.current.exports = self._exports_of_shared(command)
            self._taint(error.owner)
            return check.skip(self.current.absent)
        except LinkError as error:
            self.current.absent, self.current.broken = error.message, True
            return check.decide(error.message)
        check.load = self.current.loaded
        return check

    def _exports_of_shared(self, command: Command) -> Exports:
        """Return what a module that is not linked offers, nothing of which can be copied."""
        assert command.module is not None
        return exports_of(command.module.read_bytes())

    def _taint(self, name: str) -> None:
        """From here on the state of another module is not what the script thinks."""
        if owner := self.owners.get(name):
            owner.absent = owner.absent or "it shares state with a module that is not there"

    def _link(self, command: Command, gotten: Sequence[str] = ()) -> tuple[Loaded, Exports]:
        assert command.module is not None
        data = command.module.read_bytes()
        linked = link(data, self.registry)
        exports = exports_of(linked)
        if any(exports[name].kind == "global" for name in gotten if name in exports):
            linked = add_getters(linked, gotten)
        path = command.module
        if linked != data:
            path = path.with_suffix(".linked.wasm")
            path.write_bytes(linked)
        self.numbers += 1
        return Loaded(self.numbers, path), exports

    def _uninstantiable(self, check: Check) -> Check:
        try:
            check.load, _ = self._link(check.command)
        except SharedError as error:
            self._taint(error.owner)
            return check.skip(error.message)
        except LinkError as error:
            return check.decide(error.message)
        check.unload_after = (check.load,)
        return check

    def _refused(self, check: Check) -> Check:
        """Take a module that must not be accepted: not well-formed, not valid, or not to be linked."""
        command = check.command
        assert command.module is not None
        if command.format != "binary":
            return check.skip("text format, which wast2json reads and nobody here")
        if command.kind != "assert_unlinkable":
            check.accepted = command.module
            return check
        try:
            link(command.module.read_bytes(), self.registry)
        except LinkError as error:
            wrong = f"`{error.message}` instead of `{command.text}`"
            return check.decide("" if error.message.startswith(command.text) else wrong)
        except TeeforgeError as error:
            return check.skip(error.message)
        return check.decide("it links")

    def _action(self, check: Check) -> Check:
        action = check.command.action
        assert action is not None
        instance = self.named.get(action.module) if action.module else self.current
        if instance is None:
            return check.decide(f"there is no module {action.module}")
        if instance.broken:
            return check.decide(instance.absent)
        if instance.absent or instance.loaded is None:
            return check.skip(instance.absent)
        name = getter(action.field) if action.kind == "get" else action.field
        if "\0" in name or len(name.encode()) >= _NAME_SIZE:
            return check.skip(f"libwasm_tee has names without NUL of at most {_NAME_SIZE - 1} bytes")
        check.call = (instance.loaded, name, action)
        return check
