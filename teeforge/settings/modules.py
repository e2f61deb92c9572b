"""`modules` in config.yaml: whose signature the runtime TA asks of a module."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar, Literal

# The private half of the key that the TA is built with by default. Everybody has it, as everybody has the
# key that OP-TEE signs TAs with by default: it finds files that were damaged or forgotten, and no attacker.
DEVELOPMENT_SEED = hashlib.sha256(b"teeforge: the development key of modules, known to everybody").digest()
# MODULE_KEYS in overlays/wasm_ta/ta/trust/sub.mk is the same.
DEVELOPMENT_KEY = "ea12d514dad5bdfdacc1640b006702db914efc51ea0c4dc8d02aea27714d0596"

_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")


# The field of Ed25519, and y of its points whose order is 1, 2, 4 or 8 (RFC 8032, section 5.1).
_FIELD = 2**255 - 19
_EIGHTH = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL = {0, 1, _FIELD - 1, _EIGHTH, _FIELD - _EIGHTH}


def _y_of(key: str) -> int:
    return int.from_bytes(bytes.fromhex(key), "little") % 2**255 % _FIELD


@dataclass(frozen=True)
class Modules:
    """Whose modules run: `invoke run` signs with ``key``, and ``trust`` are public keys beside it.

    With `any` the TA runs what nobody signed as well.
    """

    short: ClassVar[str] = "key"  # `modules: own` is the same as `modules: {key: own}`

    key: Literal["development", "own", "any"] = "development"
    """What `invoke run` signs with: everybody's key, this environment's own; `any`: none is asked for."""
    trust: tuple[str, ...] = ()
    """Public keys beside it whose modules run as well: Ed25519, 64 digits 0 to 9, a to f."""

    def __post_init__(self) -> None:
        for key in self.trust:
            if not _PUBLIC_KEY.fullmatch(key):
                raise ValueError(
                    f"trust: `{key}` is no public key of Ed25519 as 64 digits 0 to 9, a to f; what an "
                    "environment with `modules: own` signs with is in build/identity/modules_ed25519.pub"
                )
            if _y_of(key) in _SMALL:
                raise ValueError(
                    f"trust: with the key `{key}` anybody could sign: it is a point of small order"
                )

    @property
    def own(self) -> bool:
        """Whether modules are signed with this environment's own key."""
        return self.key == "own"

    @property
    def any(self) -> bool:
        """Whether a module needs no signature."""
        return self.key == "any"

    def placeholders(self, own_key: str) -> dict[str, str]:
        """What recipes may use in `modules`; nothing with the default. ``own_key`` is for `own`."""
        if self == DEVELOPMENT:
            return {}
        keys = dict.fromkeys([own_key if self.own else DEVELOPMENT_KEY, *self.trust])
        return {"modules.keys": ",".join(keys), "modules.any": "y" if self.any else "n"}


DEVELOPMENT = Modules()
