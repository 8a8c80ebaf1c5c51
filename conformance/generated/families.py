"""Which commands are generated together, from what datasets they start, and what is left out of them.

The commands are those that the reference says it has (``COMMAND``); their syntax is miniredis's command table's for the
reference's version. What the reference has and the table does not describe is not dropped in silence: see
:attr:`Family.undescribed`.

The rule of this file: everything that is not generated stands in :data:`LEFT_OUT` or :data:`OPTIONS_LEFT_OUT`, with the
reason. A command whose reply is free and changes what comes after (``SPOP``) is generated where it has no choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

from hypothesis import strategies as st

import miniredis.commands
from conformance.generated.pools import TEXTS, Pool
from conformance.generated.strategies import Act, Argv, CommandWriter, Draw, name_of
from conformance.servers import Server
from conformance.vocabulary import vocabulary
from miniredis.engine import syntax
from miniredis.engine.table import Command, CommandTable
from miniredis.engine.version import VERSIONS, ServerVersion

assert miniredis.commands  # imported to fill the command table

SOME_OF_EACH: Final = ("SET k1 10", "RPUSH k2 3 1 2", "SADD k3 1 2 3", "HSET other a 1 b 2", "ZADD missing 1 a 2 b")

BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("RPUSH other a",),
    "hash": ("SET other text",),
    "list": ("SET other text",),
    "set": ("SET other text", "SADD k1 1 2 3", "SADD k2 a b"),
    "sorted-set": ("SET other text", "ZADD k1 1 a 2 b 3 c", "ZADD k2 0 a 0 b 0 c", "SADD k3 a b x"),
    "bitmap": ("RPUSH other a", "SET k1 foobar", "SET k2 12345"),
    "hyperloglog": ("SET other text", "PFADD k1 a b c"),
    "stream": ("SET other text", "XADD k1 1-1 a 1 b 2", "XADD k1 1-2 a 3 b 4", "XGROUP CREATE k1 g1 0"),
    "lex": ("SET other text", "ZADD k1 0 a 0 b 0 c"),
    "geo": (
        "SET other text",
        "GEOADD k1 13.361389 38.115556 a 15.087269 37.502669 b 13.583333 37.316667 c 13.361389 38.115556 d",
        "GEOADD k2 -0.1257 51.5 a 2.349014 48.864716 b -73.9733487 40.7648057 c 179.9999 66.5 d",
    ),
}
"""What is there when a family's commands start; :data:`SOME_OF_EACH` where nothing is said."""

EXTRA: Final[Mapping[str, frozenset[str]]] = {
    "transactions": frozenset({"GET", "SET", "INCR", "DEL", "EXPIRE", "SELECT", "SWAPDB", "FLUSHDB", "LPUSH"}),
    "connection": frozenset({"SET", "GET"}),
    "pubsub": frozenset({"SET"}),
}
"""Commands of other groups that a family needs to have something to work on."""

LEX_COMMANDS: Final = frozenset({"ZRANGEBYLEX", "ZREVRANGEBYLEX", "ZLEXCOUNT", "ZREMRANGEBYLEX"})
LEX_FAMILY: Final = LEX_COMMANDS | frozenset(
    ("ZADD", "ZREM", "ZRANGE", "ZRANGESTORE", "ZCARD", "ZREMRANGEBYRANK", "ZPOPMIN", "DEL")
)
ONE_SCORE: Final[Mapping[str, Pool]] = {"double": (b"0",)}

SPECIAL_FAMILIES: Final = ("lex", "all")
"""``lex`` are sorted sets whose members have one score: where they have not, what the commands that go by the members'
order answer depends on the random levels of a skip list, and Redis leaves it open. ``all`` are all the others."""

MACHINE: Final = "machine"
"""No family of a single connection's commands: those of :mod:`conformance.generated.machine`."""

FAMILIES_APART: Final = frozenset({"server", "connection", "pubsub", "transactions", "cluster"})
"""Groups that are no families of data: ``all`` is without them."""

OF_THE_MACHINE: Final = "played by the machine, where connections are several"
MORE_REPLIES: Final = "answers with as many frames as it has arguments, or pushes: " + OF_THE_MACHINE
BLOCKS: Final = "blocks: " + OF_THE_MACHINE
REPLICATION: Final = "makes the server a replica or a replica's master"
DISK: Final = "writes to the disk at a moment of its own"

MAY_NOT_BLOCK: Final = frozenset({"XREAD", "XREADGROUP", "WAIT", "WAITAOF"})
"""Blocking commands that need not block: without an option that is left out, or with arguments that are fulfilled."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "MIGRATE": "needs a second server",
    **dict.fromkeys(("SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE"), MORE_REPLIES),
    **dict.fromkeys(("SSUBSCRIBE", "SUNSUBSCRIBE", "MONITOR"), MORE_REPLIES),
    **dict.fromkeys(("CLIENT KILL", "CLIENT REPLY", "CLIENT UNBLOCK", "CLIENT PAUSE", "QUIT"), OF_THE_MACHINE),
    **dict.fromkeys(("CLIENT TRACKING", "CLIENT CACHING"), MORE_REPLIES),
    **dict.fromkeys(("CLIENT LIST", "CLIENT INFO", "CLIENT ID"), OF_THE_MACHINE),
    **dict.fromkeys(("REPLICAOF", "SLAVEOF", "FAILOVER", "REPLCONF", "PSYNC", "SYNC"), REPLICATION),
    **dict.fromkeys(("SAVE", "BGSAVE", "BGREWRITEAOF", "LASTSAVE"), DISK),
    "SHUTDOWN": "ends the server",
    "DEBUG": "has scenarios of its own: some of it stops the server or the clock",
    "LOLWUT": "another work of art in each version",
    "MEMORY MALLOC-STATS": "what it answers hangs on the allocator that the server was built with",
    "LATENCY GRAPH": "a picture of measured times",
    "COMMAND DOCS": "tells of every command when asked for none",
    "COMMAND INFO": "tells of every command when asked for none",
    **dict.fromkeys(("MODULE LOAD", "MODULE LOADEX", "MODULE UNLOAD"), "loads machine code"),
    "DUMP": "the bytes hang on the order of hash tables: compared by tests/rdb",
    "SCRIPT DEBUG": "hangs on whether the pipeline has come in one piece",
    **dict.fromkeys(("SCRIPT KILL", "FUNCTION KILL"), "needs a script that runs meanwhile"),
    "FUNCTION DUMP": "the bytes hang on the order of a hash table",
    "FUNCTION RESTORE": "see FUNCTION DUMP",
    **dict.fromkeys(("ACL SETUSER", "ACL DELUSER", "ACL SAVE", "ACL LOAD"), "users outlive a run, and may lock us out"),
    "PFSELFTEST": "takes seconds",
    "OBJECT REFCOUNT": "tells of Redis's memory management: see KNOWN.md",
}
"""Commands that are not generated, and why."""

OPTIONS_LEFT_OUT: Final[Mapping[tuple[str, str], str]] = {
    ("ZRANGE", "BYLEX"): "see lex",
    ("ZRANGESTORE", "BYLEX"): "see lex",
    ("XREAD", "BLOCK"): BLOCKS,
    ("XREADGROUP", "BLOCK"): BLOCKS,
    ("XADD", "*"): "the id is made of the time",
}
"""Options that are not generated, and why."""


def _popped(writer: CommandWriter, draw: Draw) -> Act:
    """SPOP where it has no choice: of a set of one, or all; of no set at all as it comes."""
    argv = writer.write(draw)
    match draw(POPS):
        case b"all" if len(argv) > 2:
            return ((argv[0], argv[1], b"9223372036854775807", *argv[3:]),)
        case b"wrong":
            return ((argv[0], draw(NO_SETS), *argv[2:]),)
        case _:
            member = draw(MEMBERS)
            return ((b"DEL", b"solo"), (b"SADD", b"solo", member), (argv[0], b"solo", *argv[2:3]), (b"DEL", b"solo"))


def _any_key(writer: CommandWriter, draw: Draw) -> Act:
    """RANDOMKEY where there is one key, or none: in a database of its own."""
    lone = ((b"SET", b"lone", b"1"),) if draw(st.booleans()) else ()
    return ((b"SELECT", b"9"), (b"FLUSHDB",), *lone, writer.write(draw), (b"FLUSHDB",), (b"SELECT", b"0"))


def _scanned(writer: CommandWriter, draw: Draw) -> Act:
    """SCAN of everything, or of nothing: one of a part meets what it meets, and removes what has expired."""
    argv = writer.write(draw)
    words = [word.upper() for word in argv]
    is_whole = words[1:2] == [b"0"] and all(
        not count.isdigit() or len(count) > 1 for word, count in pairwise(words) if word == b"COUNT"
    )
    return (argv,) if is_whole else ((b"SELECT", b"9"), (b"FLUSHDB",), argv, (b"SELECT", b"0"))


def _sorted(writer: CommandWriter, draw: Draw) -> Act:
    """SORT either ALPHA or BY a pattern: of texts with equal weights a part keeps no order (see KNOWN.md)."""
    argv = writer.write(draw)
    words = [word.upper() for word in argv]
    return (tuple(word for word in argv if word.upper() != b"ALPHA") if b"BY" in words else argv,)


def _waited(writer: CommandWriter, draw: Draw) -> Act:
    """WAIT and WAITAOF that are fulfilled at once, or wait for a millisecond."""
    argv = writer.write(draw)
    is_fulfilled = all(word == b"0" for word in argv[1:])
    return ((*argv[:-1], b"1") if argv[-1].isdigit() and not is_fulfilled else argv,)


POPS: Final = st.sampled_from((b"one", b"one", b"all", b"wrong"))
MEMBERS: Final = st.sampled_from(TEXTS)
NO_SETS: Final = st.sampled_from((b"nothing", b"string"))
"""Keys that no other command touches; ``string`` is one where a family begins with it."""

WITHOUT_CHOICE: Final[Mapping[str, Callable[[CommandWriter, Draw], Act]]] = {
    "SPOP": _popped,
    "RANDOMKEY": _any_key,
    "SCAN": _scanned,
    "SORT": _sorted,
    "SORT_RO": _sorted,
    "WAIT": _waited,
    "WAITAOF": _waited,
}
"""How commands are generated whose effect would be random otherwise."""


@dataclass(frozen=True)
class Family:
    """Commands that are generated together."""

    name: str
    beginning: tuple[Argv, ...]
    """What is sent first, to begin from."""
    writers: tuple[CommandWriter, ...]
    undescribed: tuple[str, ...] = ()
    """What the reference has of this family and the command table has no syntax for."""

    def acts(self) -> list[Callable[[Draw], Act]]:
        """How each of the commands is generated."""
        return [
            partial(WITHOUT_CHOICE[writer.name], writer) if writer.name in WITHOUT_CHOICE else writer.act
            for writer in self.writers
        ]


def family_names() -> list[str]:
    """Every family that some version has something generated of, the special ones last."""
    groups = {
        (command.parent or command).declaration.group
        for version in VERSIONS.values()
        for command in CommandTable.for_version(version).all()
        if not command.subcommands and not reason_of(command)
    }
    return [*sorted(groups), *SPECIAL_FAMILIES]


class Vocabulary:
    """The commands of a reference, with the table's syntax."""

    def __init__(self, reference: Server) -> None:
        self.groups = vocabulary(reference)
        with reference.connect() as wire:
            self.version = version_of(wire.call("INFO", "server").raw)
        described = {
            name_of(each): each for each in CommandTable.for_version(self.version).all() if not each.subcommands
        }
        # An older server lists containers and not what is in them.
        self.commands = {
            name: command
            for name, command in described.items()
            if name in self.groups or name.partition(" ")[0] in self.groups
        }
        self.undescribed = tuple(name for name in self.groups if name not in described and name not in LEFT_OUT)

    def family_names(self) -> list[str]:
        """Every family of which something can be generated, the special ones last."""
        names = dict.fromkeys(self.group_of(command) for command in self.commands.values() if not reason_of(command))
        return [*sorted(names), *SPECIAL_FAMILIES]

    def group_of(self, command: Command) -> str:
        """Redis's name of the family; a subcommand's is its container's."""
        return (command.parent or command).declaration.group

    def family(self, name: str) -> Family:
        """The commands of a family."""
        return Family(
            name,
            tuple(tuple(line.encode().split()) for line in BEGINNINGS.get(name, SOME_OF_EACH)),
            tuple(
                CommandWriter(command, arguments_of(command, name), ONE_SCORE if name == "lex" else {})
                for command in self.commands.values()
                if self._belongs(command, name)
            ),
            tuple(each for each in self.undescribed if self.groups[each] == name),
        )

    def _belongs(self, command: Command, family: str) -> bool:
        name, group = name_of(command), self.group_of(command)
        if family == "lex":
            return name in LEX_FAMILY
        if reason_of(command) or name in LEX_COMMANDS:
            return False
        if family == "all":
            return group not in FAMILIES_APART
        return group == family or name in EXTRA.get(family, ())


def reason_of(command: Command) -> str:
    """Why the command is not generated on one connection; empty if it is."""
    if command.blocking and name_of(command) not in MAY_NOT_BLOCK:
        return BLOCKS
    return LEFT_OUT.get(name_of(command), "")


def arguments_of(command: Command, family: str) -> tuple[syntax.Argument, ...]:
    """The syntax of the command's arguments, without the options that are left out in that family."""
    taken_up = {"lex": "BYLEX", MACHINE: "BLOCK"}.get(family)
    left_out = {token for name, token in OPTIONS_LEFT_OUT if name == name_of(command)} - {taken_up}
    return syntax.select(command.arguments, lambda argument: argument.token not in left_out)


def version_of(info: bytes) -> ServerVersion:
    """The version in miniredis's table that comes nearest to what a server says of itself in ``INFO server``."""
    found = dict(re.findall(rb"^(redis_version|valkey_version):([\d.]+)", info, re.MULTILINE))
    family = "valkey" if b"valkey_version" in found else "redis"
    text = found.get(b"valkey_version") or found.get(b"redis_version") or b"7.2.4"
    number = tuple(map(int, text.split(b".")[:3]))
    candidates = sorted((each for each in VERSIONS.values() if each.family == family), key=lambda each: each.number)
    older = [each for each in candidates if each.number[:2] <= number[:2]]
    return older[-1] if older else candidates[0]


def undescribed_groups(known: Vocabulary) -> Iterator[tuple[str, list[str]]]:
    """Group → the reference's commands that have no syntax in the table."""
    groups: dict[str, list[str]] = {}
    for name in known.undescribed:
        groups.setdefault(known.groups[name], []).append(name)
    yield from sorted(groups.items())
