"""A relying party: releases a secret to a program that shows what it is, over HTTP.

    relying_party.py --key attestation.pem --reference reference.json --module SHA256 --secret FILE

POST /nonce gives a nonce, for one use within a minute. POST /evidence takes the token that was made with it,
and gives the secret, encrypted to the key in the token; or it answers 403, with what is wrong with it.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from teeforge.attest.keys import read_key
from teeforge.attest.reference import read_reference
from teeforge.attest.relying import RelyingParty
from teeforge.base.errors import TeeforgeError

TOKEN_MOST = 16 << 10


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    party: RelyingParty

    def do_POST(self) -> None:
        """Answer."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= TOKEN_MOST:
            self.answer(413, b"a token has no more than 16 KiB\n")
            return
        body = self.rfile.read(length)
        if self.path == "/nonce":
            self.answer(200, self.party.challenge())
        elif self.path == "/evidence":
            self.release(body)
        else:
            self.answer(404, b"there is /nonce and /evidence\n")

    def release(self, token: bytes) -> None:
        """Give the secret, or say why not."""
        try:
            message = self.party.release(token)
        except TeeforgeError as error:
            print(f"refused: {error.message}", file=sys.stderr, flush=True)
            self.answer(403, f"{error.message}\n".encode())
            return
        print("released", file=sys.stderr, flush=True)
        self.answer(200, message)

    def answer(self, status: int, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of each request."""


def main() -> None:
    """Serve until Ctrl-C; the address is the first line on stdout."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key", type=Path, required=True, help="of the machine, in PEM")
    parser.add_argument("--reference", type=Path, required=True, help="what core and TA have to be")
    parser.add_argument("--module", type=bytes.fromhex, required=True, help="SHA-256 of the AOT file")
    parser.add_argument("--secret", type=Path, required=True, help="a file of up to 4096 bytes")
    parser.add_argument("--port", type=int, default=0, help="default: any")
    told = parser.parse_args()
    try:
        key, reference = read_key(told.key), read_reference(told.reference)
        Handler.party = RelyingParty(key, reference, told.module, told.secret.read_bytes())
    except (TeeforgeError, OSError) as error:
        sys.exit(f"relying_party.py: {error}")
    with HTTPServer(("127.0.0.1", told.port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
