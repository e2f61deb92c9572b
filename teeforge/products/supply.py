"""What a remote store supplies to builds: what products.lock vouches for, and else a line on why not."""

from __future__ import annotations

import threading
from pathlib import Path

from teeforge.base.archive import BadArchiveError, Bits
from teeforge.base.errors import TeeforgeError, UnreachableError
from teeforge.base.progress import say
from teeforge.products.productlock import NAME, ProductLock
from teeforge.products.remotestore import MissingError, RemoteStore


class NotSuppliedError(TeeforgeError):
    """The remote gave nothing; the user was told why."""


class Supply:
    """A remote store, held to the products.lock of a checkout."""

    def __init__(self, lock: ProductLock, url: str, stop: threading.Event) -> None:
        self.remote = RemoteStore(url, stop)
        self.lock = lock
        self._stop = stop
        self._told = threading.Lock()

    def bits(self, component: str, key: str) -> Bits | None:
        """Return what products.lock says of a component; where it says nothing, tell so and return None."""
        bits = self.lock.bits(component, key)
        if bits is None:
            say(f"{component}: {NAME} has no line for its present inputs: the remote store is not asked")
        return bits

    def get(self, component: str, bits: Bits, folder: Path) -> None:
        """Unpack products into the empty ``folder``. Raises NotSuppliedError, and tells why."""
        try:
            self.remote.get(component, bits, folder)
        except BadArchiveError as error:
            say(f"error: {component}: {error.message}")
            say(f"hint: {error.hint}; it is not used")
            raise NotSuppliedError(error.message) from error
        except MissingError as error:
            say(f"{component}: {error.message}")
            raise NotSuppliedError(error.message) from error
        except UnreachableError as error:
            # One line for the whole run, by whichever component is first.
            if self._told.acquire(blocking=False) and not self._stop.is_set():
                say(f"warning: {error.message}")
                say(f"hint: {error.hint}; going on without it")
            raise NotSuppliedError(error.message) from error
