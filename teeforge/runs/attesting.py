"""`invoke attest` and `invoke verify`: evidence of what a TEE runs, asked for and looked at."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from teeforge.answer import Answer
from teeforge.attest.claims import parse_nonce
from teeforge.attest.keys import Key, keep_key, kept_key, kept_keys, key_of_cose, read_key
from teeforge.attest.reference import Reference, read_reference
from teeforge.attest.relying import NONCE_SIZE
from teeforge.attest.token import Token, load_token, read_token, text_of_token
from teeforge.attest.verdict import appraise
from teeforge.base.errors import TeeforgeError, unwritable
from teeforge.base.progress import say, ticking
from teeforge.compiling.sources import check_readable
from teeforge.machines.storage import EVIDENCE_KEY
from teeforge.runs.running import HOST_APP, Runner, RunOptions

if TYPE_CHECKING:
    from teeforge.compiling.sources import Sources
    from teeforge.lab import Lab
    from teeforge.machines.fleet import Place
    from teeforge.targets.target import Session

# The component that has the reference values.
_REFERENCE = "evidence"


class Attester(Runner):
    """Has the program loaded and not run, and gets the evidence of that."""

    def evidence(self, nonce: bytes) -> Token:
        """Return a token, after prepare(). Raises TeeforgeError if there is none, or of another key."""
        assert self._session and self._program
        key = trusted_key(self.lab, self.place, self._session)
        data = self._program.signed.read_bytes()
        argv = [HOST_APP, "--attest", "--nonce", nonce.hex(), "--name", self.sources.name]
        argv += ["--module-size", str(len(data)), str(self._heap), self._name(self._program)]
        with ticking(f"{self.place.name} makes evidence"):
            token = read_token(ask(self._session, argv, data))
        check_key(self.lab, self.place, token, key)
        return token


def attest(lab: Lab, sources: Sources, place: Place, options: RunOptions, out: Path | None) -> int:
    """Have a module loaded in the TEE, and give the token that says so: a line on stdout, or a file.

    Where the ``options`` have no nonce one is made, and told. Raises TeeforgeError if there is no token.
    """
    chosen = parse_nonce(options.nonce) if options.nonce else secrets.token_bytes(NONCE_SIZE)
    check_readable(sources)
    with Attester(lab, sources, place, options) as attester:
        attester.prepare()
        token = attester.evidence(chosen)
    if not options.nonce:
        say(f"nonce {chosen.hex()}")
    if out:
        _write(out, token.data)
    else:
        print(text_of_token(token.data))
    return 0


def ask(session: Session, argv: list[str], stdin: bytes = b"") -> bytes:
    """Return what the host app writes to stdout. Raises TeeforgeError, with its own line, if it fails."""
    out, err = bytearray(), bytearray()
    status = session.run(argv, stdin=stdin, on_stdout=out.extend, on_stderr=err.extend)
    if status:
        lines = err.decode(errors="replace").splitlines() or [f"{argv[0]} ended with status {status}"]
        what, _, hint = lines[-1].removeprefix(f"{HOST_APP}: ").partition("; ")
        raise TeeforgeError(what, hint, status=status)
    return bytes(out)


def trusted_key(lab: Lab, place: Place, session: Session) -> Key:
    """Return the key of a machine that was kept; at the first time the one that it has."""
    path = lab.fleet.folder(place) / EVIDENCE_KEY
    if path.exists():
        return kept_key(path)
    with ticking(f"{place.name} makes its key for evidence"):
        key = key_of_cose(ask(session, [HOST_APP, "--attestation-key"]), place.name)
    keep_key(path, key)
    if not lab.fleet.is_board(place):
        lab.fleet.machine_as_it_is(place.name).storage.used()
    say(f"{place.name}: its key for evidence is trusted from now on, as this is the first time: {path}")
    return key


def check_key(lab: Lab, place: Place, token: Token, key: Key) -> None:
    """Raise TeeforgeError if a machine signs with another key than the one that was kept."""
    if token.kid == key.kid and token.is_signed_by(key):
        return
    path = lab.fleet.folder(place) / EVIDENCE_KEY
    raise TeeforgeError(
        f"{place.name} signs evidence with another key than the one that was kept: its secure storage was"
        " begun anew, or it is another machine",
        f"if you know why, remove {path}, and its key of today is trusted",
    )


def reference_of(lab: Lab, file: Path | None) -> Reference:
    """Return the reference values in a file, or those of this checkout's core and TA, brought up to date."""
    if file:
        return read_reference(file)
    return read_reference(lab.builder.build([_REFERENCE])[_REFERENCE].product("reference"))


def module_of(lab: Lab, sources: Sources) -> bytes:
    """Return the SHA-256 that the TA measures of a program, compiled as far as needed."""
    program = lab.programs.compile(sources, lab.programs.compilers(sources))
    return bytes.fromhex(program.sha256)


def verify(
    lab: Lab,
    file: Path,
    nonce: str,
    key: Path | None,
    reference: Path | None,
    module: Sources | None,
) -> Answer:
    """Say what the token in a file is worth; the status is 0 if it is trustworthy, else 1.

    Without a ``key`` those count that were kept of this checkout's machines.
    """
    expected = parse_nonce(nonce) if nonce else None
    token = load_token(file)
    measured = module_of(lab, module) if module else None
    trusted = read_key(key) if key else _kept(lab, token)
    verdict = appraise(token, trusted, reference_of(lab, reference), expected, measured)
    worth = "trustworthy, as far as the notes go" if verdict.trustworthy else "NOT trustworthy"
    lines = [*(finding.line() for finding in verdict.findings), worth]
    return Answer(verdict.as_json(), lines, 0 if verdict.trustworthy else 1)


def _kept(lab: Lab, token: Token) -> Key | None:
    machine, key = kept_keys(sorted(lab.workspace.targets.glob(f"*/{EVIDENCE_KEY}"))).get(
        token.kid, ("", None)
    )
    if key:
        say(f"the key is that of {machine}, which was trusted when it was first asked")
    return key


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise unwritable(path, error, "give another file with --out") from error
