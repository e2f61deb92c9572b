"""`python -m tests.fuzz.pta`: scripts for as long as is asked for, on the machine `qemu`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from teeforge.lab import Lab
from teeforge.machines.fleet import Place

from .driver import Tally, fuzz

ROOT = Path(__file__).resolve().parents[3]


def main(words: Sequence[str]) -> int:
    """Return 1 if something was other than it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pta", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for how long (default: 60)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--scripts", type=int, default=0, help="how many at most (default: any number)")
    given = parser.parse_args(words)
    lab = Lab(ROOT)
    with lab.deployed(Place()) as session:
        failure = lab.fleet.machine_as_it_is("qemu").failure
        tally = fuzz(session, failure, given.first, given.seconds, given.scripts, say=_say)
    print(tally.line())
    for find in tally.finds:
        print(find)
    return 1 if tally.finds else 0


def _say(tally: Tally) -> None:
    print(tally.line(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
