"""What goes to a target: the TAs and host apps of the components that are deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from teeforge.base.progress import say

if TYPE_CHECKING:
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.products.store import Stored
    from teeforge.targets.parcel import State
    from teeforge.targets.target import Session, Target


class Deployment:
    """Products on targets: looked at, brought up to date, sent."""

    def __init__(self, lab: Lab) -> None:
        """Take components, products and targets from ``lab``."""
        self._lab = lab

    def components(self, program: str = "") -> list[str]:
        """Return the components of which something goes to a target, or those that bring ``program``."""
        return [
            component
            for component, recipe in self._lab.recipes.items()
            if any(program in ("", PurePosixPath(entry.path).name) for entry in recipe.deploy)
        ]

    def build(self, components: Sequence[str] = ()) -> dict[str, Stored]:
        """Bring components (none named: all that are deployed) up to date, with what they need."""
        return self._lab.make(components or self.components())

    def connect(self, place: Place) -> Session:
        """Return a connection to a target that has the current TAs and host apps."""
        target = self._lab.fleet.boot(place, connecting=True)
        with ThreadPoolExecutor(1) as pool:
            reaching = pool.submit(self.reach, target)
            try:
                built = self.build()
                session, there = reaching.result()
            except BaseException:
                reaching.add_done_callback(_close)
                raise
        try:
            self.push(session, built, there)
        except BaseException:
            session.close()
            raise
        return session

    def reach(self, target: Target) -> tuple[Session, State]:
        """Connect to a target; return the connection, and what is there of what is deployed."""
        session = target.connect()
        try:
            return session, self.look(session)
        except BaseException:
            session.close()
            raise

    def look(self, session: Session, components: Sequence[str] = ()) -> State:
        """Say what is on a target of what is deployed of components (none named: of all)."""
        names = components or self.components()
        return session.look([entry.path for name in names for entry in self._lab.recipes[name].deploy])

    def push(self, session: Session, built: Mapping[str, Stored], there: State) -> None:
        """Send those of the deployed products that are not ``there``."""
        from teeforge.targets.parcel import Upload

        uploads = [
            Upload(self._as_deployed(stored, entry.product), entry.path, int(entry.mode, 8))
            for component, stored in built.items()
            for entry in self._lab.recipes[component].deploy
        ]
        for path in session.push(uploads, there).sent:
            say(f"{session.name}:{path}")

    def _as_deployed(self, stored: Stored, product: str) -> Path:
        """Return the file that goes to a target for a product: a TA with the signature the core wants."""
        path, key = stored.product(product), self._lab.builder.ta_key
        return key.signed_file(path, stored.digest(product)) if key and path.suffix == ".ta" else path


def _close(reaching: Future[tuple[Session, State]]) -> None:
    """Close the connection that came too late."""
    if not reaching.cancelled() and reaching.exception() is None:
        reaching.result()[0].close()
