"""The machines and boards of a checkout: which there are, boot, shell, console, halt."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.machines.qemu import QUIET_CPU, Clock, Firmware, MachineConfig
from teeforge.settings.config import Config, QemuTarget, SshTarget
from teeforge.settings.workspace import Workspace

if TYPE_CHECKING:
    from teeforge.building.builder import Builder
    from teeforge.machines.identity import Identity
    from teeforge.machines.machine import Machine
    from teeforge.targets.target import Target

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class Place:
    """Where something is to run: a target of config.yaml, and which machine of its kind.

    ``machine`` is what --name says; empty for the one that has the target's own name. ``firmware`` is what
    it boots, as component.product; empty for what the target says.
    """

    target: str = "qemu"
    machine: str = ""
    clock: Clock = Clock.PLAIN
    firmware: str = ""

    def __post_init__(self) -> None:
        if self.machine and not _NAME.fullmatch(self.machine):
            raise TeeforgeError(
                f"--name {self.machine}: is no name for a machine",
                "up to 32 of a-z, 0-9 and -, beginning with a letter or a digit",
            )

    @property
    def name(self) -> str:
        """What it is called in messages and where its state lies."""
        return self.machine or self.target

    @property
    def kind(self) -> str:
        """The name of those machines that may resume from the same snapshot."""
        words = [self.target, self.clock, self.firmware.partition(".")[0]]
        return "-".join(filter(None, words))


def _cpus(clock: Clock, chosen: int) -> int:
    if clock is Clock.COUNTING:
        return 1  # a second one only spends its own instructions on the same clock
    return max(chosen, QUIET_CPU + 1) if clock is Clock.QUIET else chosen


def machine_names(config: Config, folder: Path) -> list[str]:
    """Return the machines that config.yaml names, and after them by name others made in ``folder``."""
    wanted = [name for name, settings in config.targets.items() if isinstance(settings, QemuTarget)]
    made = sorted(file.parent.name for file in folder.glob("[!.]*/lock"))
    return list(dict.fromkeys([*wanted, *made]))


class Fleet:
    """The targets of config.yaml, and the machines that were started from them."""

    def __init__(self, config: Config, workspace: Workspace, builder: Callable[[], Builder]) -> None:
        """Take what builds firmware, as something to call: looking at machines builds nothing."""
        self._config = config
        self._workspace = workspace
        self._builder = builder

    @functools.cached_property
    def _identity(self) -> Identity:
        from teeforge.machines.identity import load_identity

        return load_identity(self._workspace.identity)

    def settings(self, place: Place) -> QemuTarget | SshTarget:
        """Return what config.yaml says of a place. Raises TeeforgeError when it cannot be one."""
        targets = self._config.targets
        if place.target not in targets:
            known = ", ".join(targets)
            raise TeeforgeError(f"config.yaml has no target `{place.target}`", f"known targets: {known}")
        settings = targets[place.target]
        if place.machine and isinstance(settings, SshTarget):
            raise TeeforgeError(
                f"{place.target} is a board: there is one of it", "--name is for targets of kind qemu"
            )
        if place.machine != place.target and place.machine in targets:
            raise TeeforgeError(
                f"--name {place.machine}: config.yaml has a target of that name",
                f"give --target {place.machine}, or another name",
            )
        return settings

    def is_board(self, place: Place) -> bool:
        """Say whether a place is a board, which teeforge neither starts nor stops."""
        return isinstance(self.settings(place), SshTarget)

    def folder(self, place: Place) -> Path:
        """Return where a place's state lies."""
        return self._workspace.targets / place.name

    def boot(self, place: Place, *, cold: bool = False, connecting: bool = False) -> Target:
        """Bring a place to where it answers over SSH, and return it.

        ``cold`` does without any snapshot. ``connecting`` says that a connection is to follow.
        """
        if connecting:
            # What that needs loads in a tenth of a second, in which the machine resumes, too.
            threading.Thread(target=importlib.import_module, args=("paramiko",)).start()
        settings = self.settings(place)
        if isinstance(settings, SshTarget):
            return self.board(place.target, settings)
        self.sweep()
        if self._config.modules.any:
            say("WARNING: `modules: any` in config.yaml: the TEE runs whatever it is given, signed or not")
        machine = self._machine(place, settings)

        def tell(state: str, seconds: float) -> None:
            say(f"{place.name:<20} {state:<10} {seconds:6.1f} s")

        with self._builder().toolchain_used():
            booted = machine.boot(tell, cold=cold)
        if booted:
            say(f"{machine.ssh_line()}")
        return machine.target()

    def start(self, place: Place, *, cold: bool = False) -> None:
        """Start a machine; of a board, which is not ours to start, find out whether it answers."""
        target = self.boot(place, cold=cold, connecting=self.is_board(place))
        if self.is_board(place):
            target.connect().close()
            say(f"{place.name} answers: it is a board, which teeforge does not start")

    def shell(self, place: Place) -> int:
        """Give the terminal to a shell on a place; return its exit status."""
        target = self.boot(place)
        say(target.address.ssh_line())
        return target.shell()

    def console(self, place: Place, which: str) -> None:
        """Give the terminal to a console of a machine, ``normal`` or ``secure``."""
        from teeforge.targets.terminal import attach

        if self.is_board(place):
            raise TeeforgeError(
                f"{place.name} is a board: its consoles are on its own wires", "use a terminal program"
            )
        self.boot(place)
        attach(self.folder(place), which)

    def halt(self, place: Place) -> None:
        """Stop a machine that we started; one that was ephemeral is gone then."""
        if self.is_board(place):
            raise TeeforgeError(
                f"{place.name} is a board: teeforge did not start it", "switch it off by hand"
            )
        if place.name not in (known := self.machines()):
            say(f"there is no machine {place.name}; there is {', '.join(known) or 'none'}")
            return
        stopped = self.machine_as_it_is(place.name).halt()
        say(f"{place.name} is off" if stopped else f"{place.name} was off already")
        self.sweep()

    def renew_storage(self, place: Place) -> None:
        """Stop a machine and have it begin its secure storage anew; what there is is set aside."""
        if self.is_board(place):
            raise TeeforgeError(
                f"{place.name} is a board: its secure storage is its own",
                "end tee-supplicant there, move the folder that it keeps (/var/lib/tee), and start it again",
            )
        machine = self.machine_as_it_is(place.name)
        machine.halt()
        aside = machine.storage.set_aside()
        say(
            f"{place.name} is off, its secure storage is in {aside}; it begins anew at the next start"
            if aside
            else f"{place.name} has nothing in its secure storage"
        )

    def halt_all(self) -> None:
        """Stop every machine that we started."""
        stopped = [name for name in self.machines() if self.machine_as_it_is(name).halt()]
        say("\n".join(f"{name} is off" for name in stopped) or "all machines were off already")
        self.sweep()

    @contextlib.contextmanager
    def ephemeral(self, place: Place, *, hand_over: bool = False) -> Iterator[Place]:
        """Give the place of a new machine, which is gone when the block ends, or ``hand_over``: when halted.

        Where ``place`` has no name for the machine, a free one is found. Raises TeeforgeError when there is
        one of that name.
        """
        from teeforge.machines.ephemeral import Claim

        if self.is_board(place):
            raise TeeforgeError(f"{place.name} is a board: it cannot disappear", "leave out --ephemeral")
        self.sweep()
        place = place if place.machine else replace(place, machine=f"tmp-{os.urandom(4).hex()}")
        # A bad name is told before there is a folder of that name.
        self.settings(place)
        claim = Claim(self.folder(place))
        try:
            yield place
            if hand_over:
                claim.hand_over()
        finally:
            claim.close()
            self.sweep()

    def sweep(self) -> None:
        """Remove ephemeral machines that nobody needs any more."""
        from teeforge.machines.ephemeral import sweep

        def runs(name: str) -> bool:
            return self.machine_as_it_is(name).state() != "off"

        sweep(self._workspace.targets, runs, lambda name: self.machine_as_it_is(name).halt())

    def machines(self) -> list[str]:
        """Return the name of every machine that there is: config.yaml's first, then others by name."""
        self.sweep()
        return machine_names(self._config, self._workspace.targets)

    def board(self, name: str, settings: SshTarget) -> Target:
        """Return a target of kind ssh."""
        from teeforge.targets import target

        key = Path(settings.key).expanduser() if settings.key else None
        return target.SshTarget(
            name,
            settings.host,
            settings.host_key,
            key or self._identity.client_key,
            self._workspace.targets / name,
            settings.port,
            settings.user,
        )

    def machine_as_it_is(self, name: str) -> Machine:
        """Return a machine to look at or to stop: nothing is built for it."""
        from teeforge.machines.machine import Machine

        nothing = Path("/nonexistent")
        return Machine(
            name,
            self._workspace.targets / name,
            MachineConfig(),
            Firmware(nothing, nothing, nothing),
            self._identity,
        )

    def _machine(self, place: Place, settings: QemuTarget) -> Machine:
        """Return the machine of a place, its firmware built."""
        from teeforge.machines.machine import Machine
        from teeforge.machines.snapshot import Snapshots

        builder = self._builder()
        firmware = place.firmware or settings.firmware
        parts = [part.split(".") for part in (firmware, settings.kernel, settings.initrd)]
        for component, product in parts:
            if product not in getattr(builder.recipes.get(component), "products", {}):
                raise TeeforgeError(
                    f"config.yaml: targets.{place.target}: no recipe gives `{component}.{product}`",
                    "name a component and one of its products",
                )
        built = builder.build([component for component, _ in parts])
        flash, kernel, initrd = (built[component].product(product) for component, product in parts)
        digests = (*(built[component].digest(product) for component, product in parts),)
        return Machine(
            place.name,
            self.folder(place),
            MachineConfig(
                _cpus(place.clock, settings.cpus),
                settings.memory_mib,
                settings.cpu,
                settings.ssh_port,
                builder.qemu(),
                place.clock,
            ),
            Firmware(flash, kernel, initrd, digests),
            self._identity,
            Snapshots(self._workspace.snapshots / place.kind),
        )
