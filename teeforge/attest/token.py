"""The token around the claims: COSE_Sign1 (RFC 9052) with PS256, verified by `cwt`."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.base.errors import TeeforgeError, unreadable

if TYPE_CHECKING:
    from teeforge.attest.keys import Key

# Algorithm and key in the protected header; RFC 8230 has PS256.
_ALG, _KID, _PS256 = 1, 4, -37
# How each token begins in CBOR: tag 18, which is COSE_Sign1, and an array of four.
_BEGIN = b"\xd2\x84"
# A token has some 900 bytes.
_MOST = 16 << 10


@dataclass(frozen=True)
class Token:
    """A token that is well-formed, whoever signed it: its bytes, the name of the key, and what is signed."""

    data: bytes
    kid: bytes
    payload: bytes

    def is_signed_by(self, key: Key) -> bool:
        """Tell whether it was signed with the private half of a key."""
        import cwt

        public = cwt.COSEKey.from_pem(key.pem, alg="PS256", kid=self.kid)
        try:
            return bytes(cwt.COSE.new().decode(self.data, public)) == self.payload
        except (cwt.CWTError, ValueError):
            return False


def read_token(data: bytes) -> Token:
    """Return a token out of its bytes. Raises TeeforgeError if it is none of the kind that our TA makes."""
    import cbor2

    hint = "give it as `invoke attest` made it"
    if not data.startswith(_BEGIN):
        raise TeeforgeError("this is no token: it does not begin as a COSE_Sign1", hint)
    try:
        decoded = cbor2.loads(data)
        protected, unprotected, payload, signature = decoded.value
        header = cbor2.loads(protected)
        if cbor2.dumps(decoded) != data or cbor2.dumps(header) != protected:
            raise ValueError("it is not encoded as it should be")
        if unprotected != {} or not isinstance(payload, bytes) or not isinstance(signature, bytes):
            raise ValueError("its parts are not those of a signed token")
        if set(header) != {_ALG, _KID} or header[_ALG] != _PS256 or not isinstance(header[_KID], bytes):
            raise ValueError("its header does not say PS256 and name a key")
    except (cbor2.CBORError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise TeeforgeError(f"the token is damaged: {error}", hint) from error
    return Token(data, header[_KID], payload)


def token_of_text(text: bytes) -> bytes:
    """Return the bytes of a token that is given as they are, or as a line of base64url."""
    if text.startswith(_BEGIN):
        return text
    line = text.strip()
    try:
        return base64.b64decode(line + b"=" * (-len(line) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return text


def text_of_token(data: bytes) -> str:
    """Return a token as a line of base64url (RFC 4648, section 5), without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def load_token(path: Path) -> Token:
    """Return the token in a file. Raises TeeforgeError if there is none."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST + 1)
    except OSError as error:
        raise unreadable(path, error, "give the file of a token") from error
    if len(text) > _MOST:
        raise TeeforgeError(f"{path}: has more bytes than any token", "give the file of a token")
    return read_token(token_of_text(text))
