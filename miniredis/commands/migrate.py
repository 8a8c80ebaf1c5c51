"""MIGRATE: keys go to another server, as their payloads, and are deleted here once that has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from miniredis import rdb
from miniredis.engine import errors, notifications, propagation
from miniredis.engine.arguments import integer
from miniredis.engine.command import command, key_range
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.slowlog import REDACTED
from miniredis.resp.types import OK, Argv, Error, Reply, SimpleString

DEFAULT_TIMEOUT: Final = 1000
"""Milliseconds where the client gives none, or a negative one."""


def migrate_keys(argv: Argv) -> list[tuple[int, tuple[str, ...]]]:
    """The one key in its place, or those behind ``KEYS`` when that place holds an empty string."""
    values_of = {b"auth": 1, b"auth2": 2}
    positions = range(3, 4)
    position = 6
    while position < len(argv):
        option = argv[position].lower()
        if option == b"keys":
            positions = range(0) if argv[3] else range(position + 1, len(argv))
            break
        position += 1 + values_of.get(option, 0)
    return [(position, ("RW", "access", "delete")) for position in positions]


@command(
    'MIGRATE host port <key | ""> destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 username'
    " password] [KEYS key [key ...]]",
    arity=-6,
    summary="Atomically transfers a key from one instance to another.",
    since="2.6.0",
    group="generic",
    complexity=(
        "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See"
        " the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is"
        " performed."
    ),
    flags="write",
    categories="dangerous keyspace",
    keys=[key_range("RW access delete", 3), key_range("RW access delete incomplete", ("KEYS", -2), last=-1)],
    get_keys=migrate_keys,
    tips=["nondeterministic_output"],
    history=[
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ],
    names=["key-selector", "authentication", "auth2"],
    details={
        "COPY": "since=3.0.0",
        "REPLACE": "since=3.0.0",
        "AUTH": "name=auth since=4.0.7",
        "auth2": "since=6.0.0",
        "KEYS": "name=keys since=3.0.6",
    },
)
def migrate(client: Session, argv: list[bytes]) -> Reply:
    options = _parse_options(argv)
    timeout = integer(argv[5])
    database = integer(argv[4])
    keys = [key for key in options.keys if client.db.read(key) is not None]
    if not keys:
        return SimpleString(b"NOKEY")
    prologue = [[b"AUTH", *options.credentials]] if options.credentials else []
    prologue.append([b"SELECT", b"%d" % database])
    requests = [*prologue, *(_restore(client, key, replace=options.replace) for key in keys)]
    exchange = client.engine.exchange
    if exchange is None:
        raise Error("IOERR error or timeout connecting to the client")
    milliseconds = timeout if timeout > 0 else DEFAULT_TIMEOUT
    host, port = errors.until_nul(argv[1]).decode(errors="replace"), _port(argv[2])
    moved: list[bytes] = []
    refusal: Error | None = None
    try:
        replies = exchange(host, port, milliseconds / 1000, requests)
        refused = [reply for reply in (next(replies) for _ in prologue) if isinstance(reply, Error)]
        for key, reply in zip(keys, replies, strict=True):
            refusals = [*refused, reply]
            if isinstance(refusals[0], Error):
                refusal = refusal or refusals[0]
            else:
                moved.append(key)
    except ConnectionAbortedError:
        raise Error("IOERR error or timeout connecting to the client") from None
    except BrokenPipeError:
        raise Error("IOERR error or timeout writing to target instance") from None
    except OSError:
        refusal = refusal or Error("IOERR error or timeout reading to target instance")
    else:
        if refusal is not None:
            refusal = Error(b"ERR Target instance replied with error: " + refusal.message)
    if not options.copy:
        _delete(client, moved)
    if refusal is not None:
        raise refusal
    return OK


@record
class _Options:
    keys: Sequence[bytes]
    credentials: list[bytes]
    copy: bool
    replace: bool


def _parse_options(argv: list[bytes]) -> _Options:
    keys, credentials = argv[3:4], list[bytes]()
    copy = replace = False
    position = 6
    while position < len(argv):
        more = len(argv) - position - 1
        match argv[position].lower():
            case b"copy":
                copy = True
            case b"replace":
                replace = True
            case b"auth" if more >= 1:
                credentials = argv[position + 1 : position + 2]
                argv[position + 1] = REDACTED
                position += 1
            case b"auth2" if more >= 2:
                credentials = argv[position + 1 : position + 3]
                argv[position + 1 : position + 3] = [REDACTED, REDACTED]
                position += 2
            case b"keys":
                if argv[3]:
                    raise Error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")
                return _Options(argv[position + 1 :], credentials, copy, replace)
            case _:
                raise errors.syntax_error()
        position += 1
    return _Options(keys, credentials, copy, replace)


def _port(text: bytes) -> int:
    """The port as C's ``atoi`` has it: 0, where nobody listens, of what is no number."""
    return int(text) if text.isdigit() and len(text) < 6 else 0


def _restore(client: Session, key: bytes, *, replace: bool) -> list[bytes]:
    """The command that makes *key* over there what it is here."""
    db, engine = client.db, client.engine
    ttl = max(db.expires[key] - engine.now, 1) if key in db.expires else 0
    data = rdb.payload.dump(db.data[key], engine.version, compress=engine.config.rdbcompression)
    name = b"RESTORE-ASKING" if engine.config.cluster_enabled else b"RESTORE"
    return [name, key, b"%d" % ttl, data, *([b"REPLACE"] if replace else [])]


def _delete(client: Session, keys: list[bytes]) -> None:
    for key in keys:
        if client.db.delete(key):
            client.db.changed(key, notifications.GENERIC, b"del")
    if keys:
        propagation.rewrite(client, b"DEL", *keys)
