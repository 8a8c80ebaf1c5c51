"""SLOWLOG, and the COMMANDLOG that Valkey made of it."""

from __future__ import annotations

from itertools import islice

from miniredis.commands.help import subcommand_help
from miniredis.engine import errors
from miniredis.engine.arguments import integer_in_range
from miniredis.engine.command import command, container
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.numbers import INT64_MAX

container(
    "SLOWLOG",
    summary="A container for slow log commands.",
    since="2.2.12",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "SLOWLOG|GET [count]",
    arity=-2,
    summary="Returns the slow log's entries.",
    since="2.2.12",
    group="server",
    complexity="O(N) where N is the number of entries returned",
    flags="admin loading stale",
    tips=["request_policy:all_nodes", "nondeterministic_output"],
    history=[
        ("4.0.0", "Added client IP address, port and name to the reply."),
    ],
)
def slowlog_get(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.subcommand_syntax(argv)
    return _entries(client, _count(argv[2]) if len(argv) == 3 else 10)


def _count(text: bytes) -> int:
    return integer_in_range(text, -1, INT64_MAX, "ERR count should be greater than or equal to -1")


def _entries(client: Session, count: int) -> Reply:
    """The newest *count* entries, or all of them for -1."""
    entries = client.engine.slow_log.entries
    return [
        [entry.id, entry.time, entry.duration, entry.argv, entry.address.encode(), entry.client_name]
        for entry in islice(entries, None if count == -1 else count)
    ]


@command(
    "SLOWLOG|LEN",
    arity=2,
    summary="Returns the number of entries in the slow log.",
    since="2.2.12",
    group="server",
    complexity="O(1)",
    flags="admin loading stale",
    tips=["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
)
def slowlog_len(client: Session, argv: list[bytes]) -> Reply:
    return len(client.engine.slow_log.entries)


@command(
    "SLOWLOG|RESET",
    arity=2,
    summary="Clears all entries from the slow log.",
    since="2.2.12",
    group="server",
    complexity="O(N) where N is the number of entries in the slowlog",
    flags="admin loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
)
def slowlog_reset(client: Session, argv: list[bytes]) -> Reply:
    client.engine.slow_log.reset()
    return OK


@command(
    "SLOWLOG|HELP",
    arity=2,
    summary="Shows helpful text about the different subcommands.",
    since="6.2.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def slowlog_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "SLOWLOG",
        (
            "GET [<count>]",
            "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
            "    Entries are made of:",
            "    id, timestamp, time in microseconds, arguments array, client IP and port,",
            "    client name",
            "LEN",
            "    Return the length of the slowlog.",
            "RESET",
            "    Reset the slowlog.",
        ),
    )


container(
    "COMMANDLOG",
    summary="A container for command log commands.",
    since="",
    valkey_since="8.1.0",
    group="server",
    complexity="Depends on subcommand.",
)


@command(
    "COMMANDLOG|GET count <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    arity=4,
    summary="Returns the specified command log's entries.",
    since="",
    valkey_since="8.1.0",
    group="server",
    complexity="O(N) where N is the number of entries returned",
    flags="admin loading stale",
    tips=["request_policy:all_nodes", "nondeterministic_output"],
    names=["type"],
)
def commandlog_get(client: Session, argv: list[bytes]) -> Reply:
    count = _count(argv[2])
    return _entries(client, count) if _is_slow(argv[3]) else []


@command(
    "COMMANDLOG|LEN <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    arity=3,
    summary="Returns the number of entries in the specified type of command log.",
    since="",
    valkey_since="8.1.0",
    group="server",
    complexity="O(1)",
    flags="admin loading stale",
    tips=["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    names=["type"],
)
def commandlog_len(client: Session, argv: list[bytes]) -> Reply:
    return len(client.engine.slow_log.entries) if _is_slow(argv[2]) else 0


@command(
    "COMMANDLOG|RESET <SLOW | LARGE-REQUEST | LARGE-REPLY>",
    arity=3,
    summary="Clears all entries from the specified type of command log.",
    since="",
    valkey_since="8.1.0",
    group="server",
    complexity="O(N) where N is the number of entries in the commandlog",
    flags="admin loading stale",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    names=["type"],
)
def commandlog_reset(client: Session, argv: list[bytes]) -> Reply:
    if _is_slow(argv[2]):
        client.engine.slow_log.reset()
    return OK


def _is_slow(log: bytes) -> bool:
    """Whether *log* is that of slow commands; those of large requests and replies stay empty here."""
    log = log.lower()
    if log not in (b"slow", b"large-request", b"large-reply"):
        raise Error("ERR type should be one of the following: slow, large-request, large-reply")
    return log == b"slow"


@command(
    "COMMANDLOG|HELP",
    arity=2,
    summary="Shows helpful text about the different subcommands.",
    since="",
    valkey_since="8.1.0",
    group="server",
    complexity="O(1)",
    flags="loading stale",
)
def commandlog_help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(
        client,
        "COMMANDLOG",
        (
            "GET <count> <type>",
            "    Return top <count> entries of the specified <type> from the commandlog (-1 mean all).",
            "    Entries are made of:",
            "    id, timestamp,",
            "        time in microseconds for type of slow,",
            "        or size in bytes for type of large-request,",
            "        or size in bytes for type of large-reply",
            "    arguments array, client IP and port,",
            "    client name",
            "LEN <type>",
            "    Return the length of the specified type of commandlog.",
            "RESET <type>",
            "    Reset the specified type of commandlog.",
        ),
    )
