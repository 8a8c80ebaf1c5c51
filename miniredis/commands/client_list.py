"""CLIENT LIST and CLIENT INFO: who is connected."""

from __future__ import annotations

from miniredis.commands.client_filters import client_type, parse_filters
from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.client_line import describe, is_of_type
from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import Reply, Verbatim


@command(
    "CLIENT|INFO",
    arity=2,
    summary="Returns information about the connection.",
    since="6.2.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    tips=["nondeterministic_output"],
)
def client_info(client: Session, argv: list[bytes]) -> Reply:
    return _lines(client, argv, [client])


@command(
    "CLIENT|LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]] [USER username] [ADDR"
    " ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage] [NAME name] [IDLE idle] [FLAGS flags] [LIB-NAME"
    " lib-name] [LIB-VER lib-ver] [DB db] [CAPA capa] [IP ip] [NOT-TYPE <NORMAL | MASTER | REPLICA | PUBSUB>]"
    " [NOT-ID not-client-id [not-client-id ...]] [NOT-USER not-username] [NOT-ADDR ip:port] [NOT-LADDR ip:port]"
    " [NOT-NAME not-name] [NOT-FLAGS not-flags] [NOT-LIB-NAME not-lib-name] [NOT-LIB-VER not-lib-ver] [NOT-DB"
    " not-db] [NOT-CAPA not-capa] [NOT-IP not-ip]",
    arity=-2,
    summary="Lists open connections.",
    since="2.4.0",
    group="connection",
    complexity="O(N) where N is the number of client connections",
    flags="admin noscript loading stale",
    categories="connection",
    tips=["nondeterministic_output"],
    history=[
        ("2.8.12", "Added unique client `id` field."),
        ("5.0.0", "Added optional `TYPE` filter."),
        ("6.0.0", "Added `user` field."),
        ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."),
        ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
        ("7.0.3", "Added `ssub` field."),
        (
            "valkey 8.0.0",
            "Replaced `master` `TYPE` with `primary`. `master` still supported for backward compatibility.",
        ),
        ("valkey 8.1.0", "Added filters USER, ADDR, LADDR, SKIPME, and MAXAGE."),
        (
            "valkey 9.0.0",
            (
                "Added filters NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA, and IP. And negative filters NOT-ID,"
                " NOT-TYPE, NOT-ADDR, NOT-LADDR, NOT-USER, NOT-FLAGS, NOT-NAME, NOT-LIB-NAME, NOT-LIB-VER, NOT-DB,"
                " NOT-CAPA, NOT-IP."
            ),
        ),
    ],
    names=["client-type", "skipme", "not-client-type"],
    details={
        "client-type": "since=5.0.0",
        "ID": "since=6.2.0",
        "USER": "valkey-since=8.1.0",
        "ADDR": "name=addr valkey-since=8.1.0",
        "LADDR": "name=laddr valkey-since=8.1.0",
        "skipme": "valkey-since=8.1.0",
        "MAXAGE": "valkey-since=8.1.0",
        "NAME": "valkey-since=9.0.0",
        "IDLE": "valkey-since=9.0.0",
        "FLAGS": "valkey-since=9.0.0",
        "LIB-NAME": "valkey-since=9.0.0",
        "LIB-VER": "valkey-since=9.0.0",
        "DB": "valkey-since=9.0.0",
        "CAPA": "valkey-since=9.0.0",
        "IP": "valkey-since=9.0.0",
        "not-client-type": "valkey-since=9.0.0",
        "NOT-ID": "valkey-since=9.0.0",
        "NOT-USER": "valkey-since=9.0.0",
        "NOT-ADDR": "name=not-addr valkey-since=9.0.0",
        "NOT-LADDR": "name=not-laddr valkey-since=9.0.0",
        "NOT-NAME": "valkey-since=9.0.0",
        "NOT-FLAGS": "valkey-since=9.0.0",
        "NOT-LIB-NAME": "valkey-since=9.0.0",
        "NOT-LIB-VER": "valkey-since=9.0.0",
        "NOT-DB": "type=integer valkey-since=9.0.0",
        "NOT-CAPA": "valkey-since=9.0.0",
        "NOT-IP": "valkey-since=9.0.0",
    },
)
def client_list(client: Session, argv: list[bytes]) -> Reply:
    if client.engine.version.is_valkey:
        return _lines(client, argv, parse_filters(client, argv, skip_me=False).matches())
    return _lines(client, argv, _listed(client, argv))


def _listed(client: Session, argv: list[bytes]) -> list[Session]:
    """Whom a Redis lists: all, those of one type, or those with the ids that it was given, in that order."""
    sessions = client.engine.sessions
    if len(argv) == 2:
        return list(sessions.values())
    if len(argv) == 4 and argv[2].lower() == b"type":
        kind = client_type(client, argv[3])
        return [session for session in sessions.values() if is_of_type(session, kind)]
    if len(argv) > 3 and argv[2].lower() == b"id":
        ids = [integer(number, "ERR Invalid client ID") for number in argv[3:]]
        return [sessions[number] for number in ids if number in sessions]
    raise errors.syntax_error()


def _lines(client: Session, argv: list[bytes], sessions: list[Session]) -> Reply:
    return Verbatim(b"".join(describe(session, argv if session is client else None) + b"\n" for session in sessions))
