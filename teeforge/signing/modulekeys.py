"""The key pair that an environment signs modules with, for `modules: own`: made on first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.base.files import write_if_other
from teeforge.base.locking import exclusive_lock
from teeforge.settings.modules import Modules
from teeforge.signing.keys import load_or_make_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PRIVATE, _PUBLIC = "modules_ed25519", "modules_ed25519.pub"


def own_public_key(folder: Path) -> str:
    """Return the public key of an environment as 64 digits; a pair is made in ``folder`` on first use."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive_lock(folder / "lock"):
        public = folder / _PUBLIC
        if not public.exists():
            key = load_or_make_key(folder / _PRIVATE, f"remove {folder / _PRIVATE}: a new one is made")
            write_if_other(public, f"{key.public_key().public_bytes_raw().hex()}\n".encode())
        try:
            digits = public.read_text(encoding="ascii").strip()
            Modules(trust=(digits,))
        except (OSError, ValueError) as error:
            raise TeeforgeError(
                f"{public} is not a public key as 64 digits",
                "remove it: it is written anew from the private key",
            ) from error
        return digits


def own_private_key(folder: Path) -> Ed25519PrivateKey:
    """Return the key that an environment signs modules with.

    Raises TeeforgeError if it is lost, or another one than the public key that the TA is built with.
    """
    public = own_public_key(folder)
    private = folder / _PRIVATE
    anew = (
        f"put the key back, or remove {folder / _PUBLIC}: the TA is then built with a new one, to which what "
        "programs stored in /secure under the old one is not theirs"
    )
    if not private.exists():
        raise TeeforgeError(f"{private}, which modules are signed with, is lost", anew)
    key = load_or_make_key(private, anew)
    if key.public_key().public_bytes_raw().hex() != public:
        raise TeeforgeError(f"{private} was replaced: the TA is built with the key {public[:16]}…", anew)
    return key


def key_placeholders(modules: Modules, folder: Path) -> dict[str, str]:
    """Return what recipes may use of whose modules run; nothing with the default."""
    return modules.placeholders(own_public_key(folder) if modules.own else "")
