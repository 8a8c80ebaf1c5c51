"""COMMAND: what the server's commands are, read off its command table."""

from __future__ import annotations

import re
from collections.abc import Callable

from miniredis.commands.command_docs import docs_of, info_of
from miniredis.commands.help import subcommand_help
from miniredis.engine import errors
from miniredis.engine.command import Variant, command
from miniredis.engine.session import Session
from miniredis.engine.table import Command, KeyReference
from miniredis.resp.types import Argv, Error, Pairs, Reply, ReplySet, SimpleString
from miniredis.structures.glob import compile_glob


@command(
    "COMMAND",
    arity=-1,
    summary="Returns detailed information about all commands.",
    since="2.8.13",
    group="server",
    complexity="O(N) where N is the total number of commands",
    flags="loading stale",
    categories="connection",
    tips=["nondeterministic_output_order"],
)
def command_all(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    return [info_of(known, engine.version) for known in engine.table.commands.values()]


@command(
    "COMMAND|COUNT",
    arity=2,
    summary="Returns a count of commands.",
    since="2.8.13",
    group="server",
    complexity="O(1)",
    flags="loading stale",
    categories="connection",
)
def command_count(client: Session, argv: list[bytes]) -> Reply:
    return len(client.engine.table.commands)


@command(
    "COMMAND|DOCS [command-name [command-name ...]]",
    arity=-2,
    summary="Returns documentary information about one, multiple or all commands.",
    since="7.0.0",
    group="server",
    complexity="O(N) where N is the number of commands to look up",
    flags="loading stale",
    categories="connection",
    tips=["nondeterministic_output_order"],
)
def command_docs(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    commands = map(engine.table.lookup_full_name, argv[2:]) if argv[2:] else engine.table.commands.values()
    # Pairs: a command that is asked for twice is shown twice.
    return Pairs((known.name.encode(), docs_of(known, engine.version)) for known in commands if known is not None)


@command(
    "COMMAND|GETKEYS command [arg [arg ...]]",
    arity=-3,
    summary="Extracts the key names from an arbitrary command.",
    since="2.8.13",
    group="server",
    complexity="O(N) where N is the number of arguments to the command",
    flags="loading stale",
    categories="connection",
    variants=[Variant(until="7.2.0", arity=-4)],
)
def command_getkeys(client: Session, argv: list[bytes]) -> Reply:
    return [argv[2 + position] for position, _ in _keys_in(client, argv[2:])]


@command(
    "COMMAND|GETKEYSANDFLAGS command [arg [arg ...]]",
    arity=-3,
    summary="Extracts the key names and access flags for an arbitrary command.",
    since="7.0.0",
    group="server",
    complexity="O(N) where N is the number of arguments to the command",
    flags="loading stale",
    categories="connection",
    variants=[Variant(until="7.2.0", arity=-4)],
)
def command_getkeysandflags(client: Session, argv: list[bytes]) -> Reply:
    return [
        [argv[2 + position], ReplySet(SimpleString(flag.encode()) for flag in flags)]
        for position, flags in _keys_in(client, argv[2:])
    ]


def _keys_in(client: Session, argv: Argv) -> list[KeyReference]:
    asked = client.engine.table.lookup_argv(argv)
    if asked is None:
        raise Error("ERR Invalid command specified")
    if not asked.takes_keys:
        raise Error("ERR The command has no key arguments")
    if not asked.minimum <= len(argv) <= asked.maximum:
        raise Error("ERR Invalid number of arguments specified for command")
    keys = asked.keys_of(argv) or _keys_counted_loosely(asked, argv)
    if not keys and "no_mandatory_keys" not in asked.flags:
        raise Error("ERR Invalid arguments specified for command")
    return keys


def _keys_counted_loosely(asked: Command, argv: Argv) -> list[KeyReference]:
    """The keys by a number that the command itself would refuse (``1e3``): here Redis reads it as C's ``atoi`` does.

    What is counted comes first then, and nothing is said about the keys.
    """
    counted = next((spec for spec in asked.keys if spec.find[0] == "keynum"), None)
    if counted is None or counted.begin[0] != "index":
        return []
    begin, (_, number_at, first_at, step) = counted.begin[1], counted.find
    number = re.match(rb"\s*\+?\d+", argv[begin + number_at]) if begin + number_at < len(argv) else None
    first = begin + first_at
    count = int(number[0]) if number is not None else 0
    if not 1 <= count <= (len(argv) - first) // step:
        return []
    others = [spec.begin[1] for spec in asked.keys if spec is not counted]
    return [(position, ()) for position in (*range(first, first + count * step, step), *others)]


@command(
    "COMMAND|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
    categories="connection",
)
def command_help(client: Session, argv: list[bytes]) -> Reply:
    redis, this_redis_server, a_full = "Redis ", "this Redis server", "a full Redis"
    if client.engine.version.is_valkey:
        redis, this_redis_server, a_full = "", "this server", "a full"
    return subcommand_help(
        client,
        "COMMAND",
        [
            "(no subcommand)",
            f"    Return details about all {redis}commands.",
            "COUNT",
            f"    Return the total number of commands in {this_redis_server}.",
            "LIST",
            f"    Return a list of all commands in {this_redis_server}.",
            "INFO [<command-name> ...]",
            f"    Return details about multiple {redis}commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "DOCS [<command-name> ...]",
            f"    Return documentation details about multiple {redis}commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "GETKEYS <full-command>",
            f"    Return the keys from {a_full} command.",
            "GETKEYSANDFLAGS <full-command>",
            f"    Return the keys and the access flags from {a_full} command.",
        ],
    )


@command(
    "COMMAND|INFO [command-name [command-name ...]]",
    arity=-2,
    summary="Returns information about one, multiple or all commands.",
    since="2.8.13",
    group="server",
    complexity="O(N) where N is the number of commands to look up",
    flags="loading stale",
    categories="connection",
    tips=["nondeterministic_output_order"],
    history=[
        ("7.0.0", "Allowed to be called with no argument to get info on all commands."),
    ],
)
def command_info(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    if len(argv) == 2:
        return command_all(client, argv)
    asked = map(engine.table.lookup_full_name, argv[2:])
    return [None if known is None else info_of(known, engine.version) for known in asked]


@command(
    "COMMAND|LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    arity=-2,
    summary="Returns a list of command names.",
    since="7.0.0",
    group="server",
    complexity="O(N) where N is the total number of commands",
    flags="loading stale",
    categories="connection",
    tips=["nondeterministic_output_order"],
    names=["filterby"],
)
def command_list(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) == 2:
        return [known.name.encode() for known in client.engine.table.all()]
    if len(argv) != 5 or argv[2].lower() != b"filterby":
        raise errors.syntax_error()
    passes = _list_filter(argv[3].lower(), argv[4])
    return [known.name.encode() for known in client.engine.table.all() if passes(known)]


def _list_filter(kind: bytes, wanted: bytes) -> Callable[[Command], bool]:
    match kind:
        case b"module":
            return lambda _: False  # there are no modules
        case b"aclcat":
            category = wanted.decode("latin-1").lower()
            return lambda known: category in known.categories
        case b"pattern":
            matches = compile_glob(wanted, nocase=True)
            return lambda known: matches(known.name.encode())
        case _:
            raise errors.syntax_error()
