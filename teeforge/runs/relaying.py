"""`invoke relay`: a program in the TEE and a relying party talk, and this host carries what they say.

The program has no sockets. What it prints as `evidence HEX` is posted, and what comes back it reads as
`secret HEX`; all else that it prints is its output. This host is trusted with none of it: it can lose it.
"""

from __future__ import annotations

import queue
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

from teeforge.attest.claims import NONCE_LEAST, NONCE_MOST
from teeforge.base.errors import TeeforgeError
from teeforge.base.progress import say
from teeforge.compiling.sources import check_readable
from teeforge.runs.running import Runner, RunOptions
from teeforge.runs.streams import writer

if TYPE_CHECKING:
    from teeforge.compiling.sources import Sources
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place

_EVIDENCE, _SECRET = b"evidence ", b"secret "
_PATIENCE = 20
# More than any answer has: a message of 4 KiB, or a line.
_ANSWER_MOST = 16 << 10
_ADDRESS = "give its address: --to http://HOST:PORT"


class _Relay:
    """Carries one conversation; stdin and stdout of the program are its two ends."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        # No proxy: evidence goes to whom the user named.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
        self._to_program: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._line = b""
        self._out = writer(sys.stdout.buffer)
        self._since = time.monotonic()
        self.refusal: TeeforgeError | None = None
        self.milliseconds: dict[str, float] = {}

    def ask_for_nonce(self) -> str:
        """Return the relying party's nonce in hexadecimal digits."""
        nonce = self._post("/nonce", b"")
        if not NONCE_LEAST <= len(nonce) <= NONCE_MOST:
            raise TeeforgeError(f"{self._url}/nonce gives {len(nonce)} bytes", "8 to 64 are a nonce")
        self.step("nonce")
        return nonce.hex()

    def step(self, name: str) -> None:
        """Remember how long it took from the step before."""
        now = time.monotonic()
        self.milliseconds[name] = (now - self._since) * 1000
        self._since = now

    def read(self, _: int) -> bytes:
        """Wait for what the program reads next; nothing is its end."""
        return self._to_program.get()

    def feed(self, data: bytes) -> None:
        """Take what the program prints."""
        self._line += data
        *lines, self._line = self._line.split(b"\n")
        for line in lines:
            if line.startswith(_EVIDENCE) and "evidence" not in self.milliseconds:
                self._pass_on(line.removeprefix(_EVIDENCE))
            else:
                self._out(line + b"\n")

    def end(self) -> None:
        """Give out what it printed last, without a newline behind."""
        self._to_program.put(b"")
        self._out(self._line)

    def _pass_on(self, digits: bytes) -> None:
        self.step("evidence")
        try:
            message = self._post("/evidence", bytes.fromhex(digits.decode("ascii")))
            self._to_program.put(_SECRET + message.hex().encode() + b"\n")
        except (TeeforgeError, ValueError) as error:
            self.refusal = (
                error
                if isinstance(error, TeeforgeError)
                else TeeforgeError("the program prints no evidence", "print it in hexadecimal digits")
            )
        self.step("verified")
        self._to_program.put(b"")

    def _post(self, path: str, body: bytes) -> bytes:
        try:
            request = urllib.request.Request(self._url + path, body, method="POST")
            with self._open(request, timeout=_PATIENCE) as answer:
                return bytes(answer.read(_ANSWER_MOST))
        except urllib.error.HTTPError as error:
            words = error.read(_ANSWER_MOST).decode(errors="replace").strip()
            line = "".join(c if c.isprintable() else "?" for c in words) or error.reason
            raise TeeforgeError(f"the relying party refuses: {line}", "see what it says") from error
        except (OSError, ValueError) as error:
            raise TeeforgeError(
                f"the relying party at {self._url} does not answer: {error}", _ADDRESS
            ) from error


def check_address(url: str) -> None:
    """Raise TeeforgeError unless ``url`` can be a relying party's address."""
    if not url:
        raise TeeforgeError("--to is missing: nobody is named who wants evidence", _ADDRESS)
    try:
        parts = urllib.parse.urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise TeeforgeError(f"--to {url}: this is no address of a relying party", _ADDRESS)


def relay(lab: Lab, sources: Sources, place: Place, url: str, heap: str) -> int:
    """Run a program that shows its evidence to the relying party at ``url``; return its exit status.

    Raises TeeforgeError if the relying party refuses, with its words.
    """
    check_address(url)
    check_readable(sources)
    conversation = _Relay(url)
    with Runner(lab, sources, place, RunOptions(heap=heap)) as runner:
        runner.prepare()
        conversation.step("prepared")
        nonce = conversation.ask_for_nonce()
        runner.options = RunOptions(heap=heap, nonce=nonce, stdin=conversation)
        status = runner.run(conversation.feed, writer(sys.stderr.buffer))
    conversation.end()
    conversation.step("received")
    steps = conversation.milliseconds
    say(", ".join(f"{name} {steps[name]:.0f} ms" for name in steps if name != "prepared"))
    if conversation.refusal:
        raise conversation.refusal
    return status
