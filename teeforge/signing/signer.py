"""Signing modules: the keys of an environment, and the one place where an AOT file gets its signature."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError
from teeforge.settings.modules import DEVELOPMENT_KEY, DEVELOPMENT_SEED, Modules
from teeforge.settings.terms import Terms
from teeforge.signing.manifest import Manifest, join, split
from teeforge.signing.modulekeys import own_private_key, own_public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SIGN = "look at what `invoke wasm-info FILE` says of it, and sign it: `invoke sign FILE`"


@dataclass(frozen=True)
class Signer:
    """What signs the modules of a checkout; ``folder`` has its own key, if ``modules`` asks for that."""

    modules: Modules
    folder: Path

    @functools.cached_property
    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if self.modules.own:
            return own_private_key(self.folder)
        return Ed25519PrivateKey.from_private_bytes(DEVELOPMENT_SEED)

    @property
    def known(self) -> Iterable[str]:
        """The public keys that the TA is built with."""
        own = own_public_key(self.folder) if self.modules.own else DEVELOPMENT_KEY
        return (own, *self.modules.trust)

    def sign(self, aot: bytes, name: str, terms: Terms, wasm_sha256: bytes | None = None) -> bytes:
        """Return an AOT file with a signature behind it; ``name`` counts where the terms have none."""
        signer = self._key.public_key().public_bytes_raw()
        signed = Manifest.of(aot, name, terms, signer, wasm_sha256).pack()
        return join(aot, signed, self._key.sign(signed))

    def check(self, data: bytes, name: str) -> Manifest | None:
        """Return the manifest of a file that may run; None where it needs none.

        Raises TeeforgeError if it is not signed, by a key that the TA does not know, or not rightly.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        _, manifest, signature = split(data, name)
        if manifest is None or manifest.signer.hex() not in self.known:
            if self.modules.any:
                return None
            if manifest is None:
                raise TeeforgeError(f"{name}: it is not signed, and the TA runs what is signed only", _SIGN)
            raise TeeforgeError(
                f"{name}: it is signed by the key {manifest.signer.hex()[:16]}…, which the TA does not know",
                f"name that key in config.yaml (`modules: {{trust: [{manifest.signer.hex()}]}}`), or {_SIGN}",
            )
        try:
            size = len(manifest.pack())
            signed = data[manifest.aot_size : manifest.aot_size + size]
            Ed25519PublicKey.from_public_bytes(manifest.signer).verify(signature, signed)
        except (InvalidSignature, ValueError) as error:
            raise TeeforgeError(
                f"{name}: its manifest is not what was signed: the signature does not fit it", _SIGN
            ) from error
        return manifest
