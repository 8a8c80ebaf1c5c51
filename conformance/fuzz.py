"""Random pipelines on a reference and a target, until they differ: for hours by hand, for moments in the tests.

::

    python -m conformance.fuzz --reference redis-7.0 --family sorted-set --commands 100000 --seed 1

A pipeline is made from a seed of its own (``1/17``, the 17th of seed 1), so that each one can be had again. What fails
is shrunk before it is shown.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Final

from conformance.duel import Duel, Report
from conformance.grammar import Argument, CommandGrammar, read_grammar
from conformance.random_commands import Argv, crowd, pipeline
from conformance.servers import REFERENCES, Server, find_server, start, start_miniredis
from conformance.shrink import shrink

PIPELINE_LENGTH: Final = 300
"""Commands in one pipeline: enough for keys to grow, and few enough to start afresh often."""

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "string": ("RPUSH other a",),
    "hash": ("SET other text",),
    "list": ("SET other text",),
    "set": ("SET other text", "SADD k1 1 2 3", "SADD k2 a b"),
    "sorted-set": ("SET other text", "ZADD k1 1 a 2 b 3 c", "ZADD k2 0 a 0 b 0 c", "SADD k3 a b x"),
    "lex": ("SET other text", "ZADD k1 0 a 0 b 0 c"),
    "crowd": (),
    "generic": ("SET k1 10", "RPUSH k2 3 1 2", "SADD k3 1 2 3", "HSET other a 1 b 2", "ZADD missing 1 a 2 b"),
    "all": ("SET k1 10", "RPUSH k2 3 1 2", "SADD k3 1 2 3", "HSET other a 1 b 2", "ZADD missing 1 a 2 b"),
}
"""Redis's name of the family, and what is there when its commands start.

``all`` are all the others. ``lex`` are sorted sets whose members have one score: where they have not, what the commands
that go by the members' order answer depends on the random levels of a skip list, and Redis leaves it open. ``crowd``
are several clients who block, watch, subscribe and give each other what they wait for.
"""

CROWD_FAMILY: Final = {
    **dict.fromkeys(("LPUSH", "RPUSH", "ZADD", "DEL", "EXEC", "RESET"), 12),
    **dict.fromkeys(("LPOP", "LMOVE", "RPOPLPUSH", "LREM", "LLEN", "ZREM", "ZPOPMIN", "SET", "RENAME", "COPY"), 4),
    **dict.fromkeys(("MOVE", "SORT", "MULTI", "ZUNIONSTORE", "ZRANGESTORE", "WATCH", "PUBLISH"), 4),
    **dict.fromkeys(("SADD", "GETDEL", "INCR", "EXPIRE", "SWAPDB", "SELECT", "DISCARD", "UNWATCH", "FLUSHDB"), 2),
    **dict.fromkeys(("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SPUBLISH"), 1),
}
"""What a crowd does besides blocking, and how often."""

LEX_COMMANDS: Final = {"ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT", "ZREMRANGEBYLEX"}
LEX_FAMILY: Final = LEX_COMMANDS | {
    "ZADD",
    "ZREM",
    "ZRANGE",
    "ZRANGESTORE",
    "ZCARD",
    "ZREMRANGEBYRANK",
    "ZPOPMIN",
    "DEL",
}

LEFT_OUT: Final = {
    "SPOP": "what it takes is random, and so the set afterwards",
    **dict.fromkeys(("DUMP", "RESTORE"), "of a family to come"),
    **dict.fromkeys(("DELIFEQ", "MSETEX"), "of Valkey 9 alone, and to come"),
    **dict.fromkeys(("HEXPIRE", "HEXPIREAT", "HEXPIRETIME", "HPERSIST", "HPEXPIRE"), "of Valkey 9 alone, and to come"),
    **dict.fromkeys(("HPEXPIREAT", "HPEXPIRETIME", "HPTTL", "HTTL"), "of Valkey 9 alone, and to come"),
    **dict.fromkeys(("HGETDEL", "HGETEX", "HSETEX"), "of Valkey 9 alone, and to come"),
    "MIGRATE": "needs a second server",
    "WAIT": "blocks",
    "WAITAOF": "blocks",
    "RANDOMKEY": "which expired keys it meets, and so removes, is random",
    "OBJECT HELP": "has a scenario of its own",
    "OBJECT REFCOUNT": "tells of Redis's memory management",
}

OPTIONS_LEFT_OUT: Final = {
    ("SET", b"IFEQ"): "of Valkey 9 alone, and to come",
    ("SORT", b"ALPHA"): "among equal weights it keeps no order when only a part is asked for: see KNOWN.md",
    ("SORT_RO", b"ALPHA"): "the same",
    ("SCAN", b"TYPE"): "Redis 7.0 also tells of an expired key that it missed it: see KNOWN.md",
    ("ZRANGE", b"BYLEX"): "see lex",
    ("ZRANGESTORE", b"BYLEX"): "see lex",
}


@dataclass
class Difference:
    """A pipeline on which the two servers differ, as short as it can be."""

    seed: str
    commands: list[Argv]
    report: Report

    def __str__(self) -> str:
        return f"seed {self.seed}\n{self.report}"


class Fuzzer:
    """Random commands of one family, in one protocol."""

    def __init__(self, duel: Duel, family: str, protocol: int) -> None:
        self._duel = duel
        self._protocol = protocol
        self._title = f"random {family} commands"
        self._grammars = family_of(duel.reference, family)
        self._setup: list[Argv] = [tuple(line.encode().split()) for line in FAMILIES[family]]
        self._pools = {"double": (b"0",)} if family == "lex" else {}
        self._is_crowd = family == "crowd"
        self.commands_run = 0

    def differences(self, seed: str, commands: int, *, seconds: float = float("inf")) -> Iterator[Difference]:
        """Run pipelines until there have been so many commands, or the time is over."""
        end = time.monotonic() + seconds
        target, number = self.commands_run + commands, 0
        while self.commands_run < target and time.monotonic() < end:
            number += 1
            difference = self.pipeline(f"{seed}/{number}")
            if difference is not None:
                yield difference

    def pipeline(self, seed: str) -> Difference | None:
        """Make the pipeline of that seed and run it."""
        make = crowd if self._is_crowd else partial(pipeline, pools=self._pools)
        argvs = make(Random(seed), self._grammars, PIPELINE_LENGTH)
        self.commands_run += len(argvs)
        report = self._play(argvs)
        if report.agree:
            return None
        short = shrink(argvs, lambda fewer: not self._play(fewer).agree)
        return Difference(seed, short, self._play(short))

    def _play(self, argvs: Sequence[Argv]) -> Report:
        if self._is_crowd:
            commands = [(int(number), argv) for number, *argv in argvs if argv]
            return self._duel.play_crowd(self._title, commands, self._protocol)
        return self._duel.play_pipeline(self._title, [*self._setup, *argvs], self._protocol)


def family_of(server: Server, family: str) -> list[CommandGrammar]:
    """The commands of that family, as the server documents them, without those that are left out."""
    with server.connect() as wire:
        grammars = read_grammar(wire)
    if family == "crowd":
        blocking = [each for each in grammars if each.blocking and each.group in FAMILIES and each.name not in LEFT_OUT]
        chosen = 3 * blocking + [each for each in grammars for _ in range(CROWD_FAMILY.get(each.name, 0))]
    elif family == "lex":
        chosen = [each for each in grammars if each.name in LEX_FAMILY]
    else:
        groups = FAMILIES if family == "all" else (family,)
        left_out = LEFT_OUT.keys() | LEX_COMMANDS
        chosen = [each for each in grammars if each.group in groups and not each.blocking and each.name not in left_out]
    return [
        replace(
            each, arguments=_without({token for name, token in OPTIONS_LEFT_OUT if name == each.name}, each.arguments)
        )
        for each in chosen
    ]


def _without(tokens: Set[bytes], arguments: Sequence[Argument]) -> tuple[Argument, ...]:
    return tuple(
        replace(argument, children=_without(tokens, argument.children))
        for argument in arguments
        if argument.token not in tokens
    )


def main() -> int:
    """Run as the command line says; the exit status is 1 if there were differences."""
    parser = argparse.ArgumentParser(prog="python -m conformance.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--reference", choices=REFERENCES, default=REFERENCES[0])
    parser.add_argument("--family", choices=FAMILIES, action="append", help="default: each in turn")
    parser.add_argument("--protocol", type=int, choices=(2, 3), action="append", help="default: 2, then 3")
    parser.add_argument("--commands", type=int, default=10_000, help="per family and protocol")
    parser.add_argument("--seed", default=str(time.time_ns() % 1_000_000))
    parser.add_argument("--most", type=int, default=20, help="differences after which a family is given up")
    options = parser.parse_args()
    binary = find_server(options.reference)
    if binary is None:
        parser.error(f"there is no {options.reference} on this machine")
    found = 0
    with start(binary) as reference, start_miniredis(emulate=options.reference) as target:
        for family in options.family or FAMILIES:
            for protocol in options.protocol or (2, 3):
                with Duel(reference, target) as duel:
                    fuzzer, count = Fuzzer(duel, family, protocol), 0
                    for difference in fuzzer.differences(options.seed, options.commands):
                        print(difference, end="\n\n", flush=True)
                        count += 1
                        if count == options.most:
                            break
                found += count
                where = f"{options.reference}, RESP{protocol}, seed {options.seed}"
                print(f"{family}: {fuzzer.commands_run} commands, {count} differences ({where})", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
