"""Saving: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE.

The RDB file is written before any of them answers (see :mod:`miniredis.engine.persistence`). There is no append-only
file: BGREWRITEAOF answers as Redis does and writes nothing.
"""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply, SimpleString


@command(
    "SAVE",
    arity=1,
    summary="Synchronously saves the database(s) to disk.",
    since="1.0.0",
    group="server",
    complexity="O(N) where N is the total number of keys in all databases",
    flags="admin noscript no_async_loading no_multi",
)
def save(client: Session, argv: list[bytes]) -> Reply:
    persistence = client.engine.persistence
    persistence.saves += 1
    try:
        persistence.save()
    except OSError:
        raise Error("ERR") from None
    return OK


@command(
    "BGSAVE [SCHEDULE | CANCEL]",
    arity=-1,
    summary="Asynchronously saves the database(s) to disk.",
    since="1.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript no_async_loading",
    history=[
        ("3.2.2", "Added the `SCHEDULE` option."),
        ("valkey 8.1.0", "Added the `CANCEL` option."),
    ],
    names=["operation"],
    details={"SCHEDULE": "since=3.2.2", "CANCEL": "valkey-since=8.1.0"},
)
def bgsave(client: Session, argv: list[bytes]) -> Reply:
    persistence = client.engine.persistence
    if len(argv) > 1:
        option = argv[1].lower()
        if len(argv) == 2 and option == b"cancel" and client.engine.version.is_valkey:
            raise Error("ERR Background saving is currently not in progress or scheduled")
        if len(argv) > 2 or option != b"schedule":
            raise errors.syntax_error()
    persistence.save_in_background()
    return SimpleString(b"Background saving started")


@command(
    "BGREWRITEAOF",
    arity=1,
    summary="Asynchronously rewrites the append-only file to disk.",
    since="1.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript no_async_loading",
)
def bgrewriteaof(client: Session, argv: list[bytes]) -> Reply:
    client.engine.persistence.rewrites += 1
    return SimpleString(b"Background append only file rewriting started")


@command(
    "LASTSAVE",
    arity=1,
    summary="Returns the Unix timestamp of the last successful save to disk.",
    since="1.0.0",
    group="server",
    complexity="O(1)",
    flags="loading stale fast",
    categories="admin dangerous",
    tips=["nondeterministic_output"],
)
def lastsave(client: Session, argv: list[bytes]) -> Reply:
    return client.engine.persistence.last_save
