"""``python -m conformance programs``: the options, and what is done with them."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom
from typing import Final

from conformance import parties
from conformance.generated.source import Seeded
from conformance.pair import Seat
from conformance.programs.grammar import FIRST_LINE, OWN_CJSON, programs
from conformance.programs.runs import BATCH, Difference, Players, differences, fingerprint, parted, shortened

DESCRIPTION: Final = """\
Programs of Lua, made up from a seed, run by EVAL on a target and a reference: the same values, the same errors with
the same texts and lines. What differs is shortened and shown, one program of each kind."""

AGREES: Final = 0
DIFFERS: Final = 1

MOST: Final = 25
"""How many kinds of differences are shortened; after that it is time to look at them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--target", default="miniredis", metavar="SERVER", help=f"{parties.NAMES} [miniredis]")
    parser.add_argument("--reference", metavar="SERVER", help="likewise [redis-7.0 if found, else another one]")
    parser.add_argument("--flush", action="store_true", help="a server given by URL may be emptied, whatever it holds")
    parser.add_argument("--programs", type=int, default=2000, metavar="N", help="how many [%(default)s]")
    parser.add_argument("--seed", metavar="S", help="the same programs again [another one each time]")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first one [%(default)s]")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write what differs into files there")


def run(options: argparse.Namespace) -> int:
    """Play the programs; the exit code."""
    seed = options.seed or str(SystemRandom().randrange(1_000_000))
    reference = parties.named(options.reference or parties.default_reference(), flush=options.flush)
    target = parties.named(options.target, flush=options.flush)
    seats = Seat("reference", reference), Seat("target", target)
    with ExitStack() as opened:
        for seat in seats:
            opened.callback(seat.close)
        seats[0].open()
        seats[1].open(parties.describe(seats[0].server))
        return _play(Players(*seats), seed, options)


def _play(players: Players, seed: str, options: argparse.Namespace) -> int:
    seeded = Seeded(programs())
    began = time.monotonic()
    kinds: dict[tuple[bytes, ...], int] = {}
    differing = 0
    numbers = range(options.first, options.first + options.programs)
    for start in range(0, len(numbers), BATCH):
        batch = [(f"{seed}/{number}", seeded.value(f"{seed}/{number}")) for number in numbers[start : start + BATCH]]
        by_seed = dict(batch)
        for found in list(differences(players, batch)):
            differing += 1
            kind = fingerprint(found)
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] == 1 and len(kinds) <= MOST:
                _show(shortened(players, by_seed[found.seed], kind), found.seed, options)
    players.close()
    seconds = time.monotonic() - began
    print(f"{options.programs} programs, seed {seed}: {differing} differ, in {len(kinds)} ways; {seconds:.0f} s")
    return DIFFERS if differing else AGREES


def _show(difference: Difference, seed: str, options: argparse.Namespace) -> None:
    source = difference.source.decode("utf-8", "backslashreplace").removeprefix(FIRST_LINE).removeprefix(OWN_CJSON)
    print(f"---- {seed}\n{source.strip()}\n{parted(difference)}")
    sys.stdout.flush()
    if options.save is not None:
        options.save.mkdir(parents=True, exist_ok=True)
        (options.save / f"{seed.replace('/', '-')}.lua").write_bytes(difference.source)
