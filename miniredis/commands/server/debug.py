"""DEBUG: what Redis's own tests, and those of its clients, use to look inside a server and to make it behave badly.

Nothing here ends the process: it may be somebody's test run. What concerns forks, replicas or an allocator is accepted
and has no effect; what asks for a crash is refused. As in Redis, ``enable-debug-command`` has to permit all of it,
which by default it does not.
"""

from __future__ import annotations

import errno
import logging
import math
from collections.abc import Callable
from typing import Final

from miniredis.commands.help import subcommand_help
from miniredis.commands.server.config import rewrite_file
from miniredis.commands.server.debug_help import HELP, VALKEY_HELP
from miniredis.commands.server.debug_object import (
    describe_object,
    describe_string,
    describe_table,
    is_table,
)
from miniredis.engine import errors, transactions
from miniredis.engine.arguments import integer, positive_integer
from miniredis.engine.blocking import Blocked
from miniredis.engine.client_buffers import PEAK_RESET_TIME
from miniredis.engine.command import command
from miniredis.engine.config import ConfigError
from miniredis.engine.directives import parse_memory, to_text
from miniredis.engine.record import record
from miniredis.engine.session import Session
from miniredis.engine.values import Value, encoding, is_string
from miniredis.rdb import RdbError
from miniredis.resp.types import OK, Attribute, BigNumber, Error, Push, Replies, Reply, ReplySet, SimpleString, Verbatim
from miniredis.structures.numbers import parse_double

logger = logging.getLogger("miniredis")


@command(
    "DEBUG",
    arity=-2,
    summary="A container for debugging commands.",
    since="1.0.0",
    group="server",
    complexity="Depends on subcommand.",
    flags="admin noscript loading stale",
    doc_flags=["syscmd"],
)
def debug(client: Session, argv: list[bytes]) -> Reply:
    name = argv[1].lower()
    subcommand = SUBCOMMANDS.get(name) or (VALKEY_SUBCOMMANDS.get(name) if client.engine.version.is_valkey else None)
    if (
        subcommand is None
        or not subcommand.minimum <= len(argv) <= subcommand.maximum
        or client.engine.version.redis < subcommand.since
    ):
        raise errors.subcommand_syntax(argv)
    return subcommand.run(client, argv)


# Time


def _sleep(client: Session, argv: list[bytes]) -> Reply:
    """Answer nobody for a while. Inside EXEC the reply comes at once, and everything after it has to wait."""
    engine = client.engine
    seconds = parse_double(argv[2]) or 0.0
    milliseconds = math.ceil(seconds * 1000) if 0 < seconds < 1 << 40 else 0
    if not milliseconds:
        return OK
    until = engine.now + milliseconds

    def note() -> None:
        nanoseconds = milliseconds * 1_000_000
        state = engine.resolve(argv)
        if not isinstance(state, Error):
            engine.note_end(client, state, argv, 0, nanoseconds)
            engine.latency.add(b"command", nanoseconds)

    # Timers of one millisecond fire in this order: the sleeper is answered before those who waited for it.
    engine.timers.call_at(until, note)
    reply = OK if client.deny_blocking else engine.block(Blocked(client, "postponed", timeout_reply=OK), milliseconds)
    engine.pause.hang(until)
    return reply


def _set_active_expire(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    engine.active_expire = _atoi(argv[2]) != 0
    engine.announce_due()
    return OK


def _let_scripts_call_anything(client: Session, argv: list[bytes]) -> Reply:
    client.engine.scripting.runner.allows_noscript = _atoi(argv[2]) != 0
    return OK


# The dataset


def _populate(client: Session, argv: list[bytes]) -> Reply:
    count = positive_integer(argv[2])
    prefix = argv[3] if len(argv) > 3 else b"key"
    size = positive_integer(argv[4]) if len(argv) > 4 else 0
    db = client.db
    for number in range(count):
        key = b"%b:%d" % (prefix, number)
        if db.peek(key) is None:
            value = b"value:%d" % number
            db.add(key, value[:size].ljust(size, b"\0") if size else value)
            transactions.touch(db, key)
    return OK


def _reload(client: Session, argv: list[bytes]) -> Reply:
    """Save to the RDB file and load from it, as a restart does."""
    options = {option.lower() for option in argv[2:]}
    if options - {b"merge", b"noflush", b"nosave"}:
        raise Error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    persistence = client.engine.persistence
    try:
        if b"nosave" not in options:
            persistence.save()
        loaded = persistence.load(flush=b"noflush" not in options, merge=b"merge" in options)
    except OSError:
        raise Error("ERR") from None
    except RdbError as error:
        logger.warning("%s", error)
        loaded = False
    if not loaded:
        where = ", check server logs." if client.engine.version.redis >= (7, 2) else ""
        raise Error(f"ERR Error trying to load the RDB dump{where}")
    return OK


def _set_skip_checksums(client: Session, argv: list[bytes]) -> Reply:
    client.engine.persistence.skips_checksums = bool(_atoi(argv[2]))
    return OK


def _digest(client: Session, argv: list[bytes]) -> Reply:
    from miniredis.commands.server.digest import dataset_digest

    return SimpleString(dataset_digest(client.engine.databases).encode())


def _digest_value(client: Session, argv: list[bytes]) -> Reply:
    from miniredis.commands.server.digest import value_digest

    return [SimpleString(value_digest(client.db, key).encode()) for key in argv[2:]]


# One key


def _existing(client: Session, key: bytes) -> Value:
    """The value at *key*, whether or not it has expired, as debugging looks past that."""
    return _found(client.db.data.get(key))


def _alive(client: Session, key: bytes) -> Value:
    """The value at *key*, looked up as OBJECT does it."""
    return _found(client.db.inspect(key))


def _found(value: Value | None) -> Value:
    if value is None:
        raise Error(errors.NO_SUCH_KEY)
    return value


def _object(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) == 4 and client.engine.version.redis < (7, 2):
        raise errors.subcommand_syntax(argv)
    value = _existing(client, argv[2])
    return SimpleString(describe_object(client.db, argv[2], value, fast=argv[-1].lower() == b"fast" and len(argv) == 4))


def _sds_length(client: Session, argv: list[bytes]) -> Reply:
    value = _existing(client, argv[2])
    if not is_string(value) or encoding(value) == "int":
        raise Error("ERR Not an sds encoded string.")
    return SimpleString(describe_string(argv[2], value, is_valkey=client.engine.version.is_valkey))


def _listpack(client: Session, argv: list[bytes]) -> Reply:
    if encoding(_alive(client, argv[2])) not in ("listpack", "listpackex"):
        raise Error("ERR Not a listpack encoded object.")
    return SimpleString(b"Listpack structure printed on stdout")


def _quicklist(client: Session, argv: list[bytes]) -> Reply:
    if encoding(_alive(client, argv[2])) != "quicklist":
        raise Error("ERR Not a quicklist encoded object.")
    return SimpleString(b"Quicklist structure printed on stdout")


def _check_table_options(client: Session, argv: list[bytes]) -> None:
    """``full`` came with Redis 7.2; how entries spread over the slots is not told here with it either."""
    if len(argv) == 4 and client.engine.version.redis < (7, 2):
        raise errors.subcommand_syntax(argv)


def _table_of_database(client: Session, argv: list[bytes]) -> Reply:
    _check_table_options(client, argv)
    number = integer(argv[2])
    if not 0 <= number < len(client.engine.databases):
        raise Error("ERR Out of range database")
    database = client.engine.databases[number]
    is_valkey = client.engine.version.is_valkey
    keys, expires = (describe_table(len(table), is_valkey) for table in (database.data, database.expires))
    return Verbatim(f"[Dictionary HT]\n{keys}[Expires HT]\n{expires}".encode())


def _table_of_key(client: Session, argv: list[bytes]) -> Reply:
    _check_table_options(client, argv)
    value = _alive(client, argv[2])
    if not is_table(value):
        raise Error("ERR The value stored at the specified key is not represented using an hash table")
    return Verbatim(describe_table(len(value), client.engine.version.is_valkey).encode())


# Replies


def _protocol(client: Session, argv: list[bytes]) -> Reply:
    match argv[2].lower():
        case b"string":
            return b"Hello World"
        case b"integer":
            return 12345
        case b"double":
            return 3.141
        case b"null":
            return None
        case b"array":
            return [0, 1, 2]
        case b"set":
            return ReplySet([0, 1, 2])
        case b"map":
            return {0: False, 1: True, 2: False}
        case b"attrib":
            popularity = Attribute({b"key-popularity": [b"key:123", 90]})
            return Replies([popularity, b"Some real reply following the attribute"])
        case b"push":
            return _push(client)
        case b"true":
            return True
        case b"false":
            return False
        case b"verbatim":
            return Verbatim(b"This is a verbatim\nstring")
        case b"bignum":
            return BigNumber(1234567999999999999999999999999999999)
        case _:
            raise Error(
                "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|"
                "array|set|map|attrib|push|verbatim|true|false"
            )


def _push(client: Session) -> Reply:
    """A push, and a reply for clients that wait for one; which comes first changed with Redis 7.2."""
    if client.protocol == 2:
        raise Error("ERR RESP2 is not supported by this command")
    push, reply = Push([b"server-cpu-usage", 42]), b"Some real reply following the push reply"
    return Replies([reply, push] if client.engine.version.redis >= (7, 2) else [push, reply])


def _error(client: Session, argv: list[bytes]) -> Reply:
    return Error(argv[2].replace(b"\r", b" ").replace(b"\n", b" "))


def _log(client: Session, argv: list[bytes]) -> Reply:
    logger.warning("DEBUG LOG: %s", to_text(argv[2]))
    return OK


# Settings that have something to act on in Redis only


def _accept(client: Session, argv: list[bytes]) -> Reply:
    return OK


def _accept_integer(client: Session, argv: list[bytes]) -> Reply:
    integer(argv[2])
    return OK


def _replicate(client: Session, argv: list[bytes]) -> Reply:
    """Tell the replicas something that nobody has done."""
    client.engine.replication.feed(None, argv[2:])
    return OK


def _protect_client(client: Session, argv: list[bytes]) -> Reply:
    if integer(argv[2]) not in client.engine.sessions:
        raise Error("ERR No such client")
    return OK


def _change_replication_id(client: Session, argv: list[bytes]) -> Reply:
    client.engine.replication.id = client.engine.random_id()
    return OK


def _set_packed_threshold(client: Session, argv: list[bytes]) -> Reply:
    size = parse_memory(to_text(argv[2]))
    if size is None or size >= 1 << 32:
        raise Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb")
    return OK


def _configure_reply_buffer(client: Session, argv: list[bytes]) -> Reply:
    settings = client.engine.client_memory.reply_buffers
    match argv[2].lower():
        case b"peak-reset-time":
            special = {b"never": None, b"reset": PEAK_RESET_TIME}
            word = argv[3].lower()
            settings.peak_reset_time = special[word] if word in special else integer(argv[3])
        case b"resizing":
            settings.resizing = bool(_atoi(argv[3]))
        case _:
            raise errors.subcommand_syntax(argv)
    return OK


def _structure_sizes(client: Session, argv: list[bytes]) -> Reply:
    return b"bits:64 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17 "


def _client_eviction(client: Session, argv: list[bytes]) -> Reply:
    memory = client.engine.client_memory
    if not memory.limit:
        raise Error("ERR maxmemory-clients is disabled.")
    return Verbatim(memory.describe_buckets().encode())


def _rewrite_config(client: Session, argv: list[bytes]) -> Reply:
    try:
        if not client.engine.config.file:
            raise OSError(errno.EFAULT, "Bad address")
        rewrite_file(client, with_defaults=True)
    except (OSError, ConfigError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Error(f"ERR CONFIG-REWRITE-FORCE-ALL failed: {reason}") from None
    return OK


def _kill_cluster_link(client: Session, argv: list[bytes]) -> Reply:
    raise Error("ERR Debug option only available for cluster mode enabled setup!")


def _match_strings(client: Session, argv: list[bytes]) -> Reply:
    server = b"the server" if client.engine.version.is_valkey else b"Redis"
    return SimpleString(b"Apparently %b did not crash: test passed" % server)


def _crash(client: Session, argv: list[bytes]) -> Reply:
    raise Error("ERR this server does not crash: it may be part of a larger process")


def _help(client: Session, argv: list[bytes]) -> Reply:
    return subcommand_help(client, "DEBUG", VALKEY_HELP if client.engine.version.is_valkey else HELP)


def _atoi(text: bytes) -> int:
    """What C's ``atoi`` makes of *text*: 0 of what is no number."""
    try:
        return int(text)
    except ValueError:
        return 0


@record
class Subcommand:
    """A subcommand of DEBUG: its function, how long the whole request may be, and the version that brought it."""

    run: Callable[[Session, list[bytes]], Reply]
    minimum: int
    maximum: int
    since: tuple[int, ...] = (0,)


SUBCOMMANDS: Final[dict[bytes, Subcommand]] = {
    b"aof-flush-sleep": Subcommand(_accept, 3, 3),
    b"assert": Subcommand(_crash, 2, 3),
    b"change-repl-id": Subcommand(_change_replication_id, 2, 2),
    b"client-eviction": Subcommand(_client_eviction, 2, 2),
    b"clusterlink": Subcommand(_kill_cluster_link, 5, 5),
    b"config-rewrite-force-all": Subcommand(_rewrite_config, 2, 2),
    b"crash-and-recover": Subcommand(_crash, 2, 3),
    b"dict-resizing": Subcommand(_accept, 3, 3, (7, 2)),
    b"digest": Subcommand(_digest, 2, 2),
    b"digest-value": Subcommand(_digest_value, 2, 1 << 62),
    b"drop-cluster-packet-filter": Subcommand(_accept_integer, 3, 3),
    b"error": Subcommand(_error, 3, 3),
    b"help": Subcommand(_help, 2, 2),
    b"htstats": Subcommand(_table_of_database, 3, 4),
    b"htstats-key": Subcommand(_table_of_key, 3, 4),
    b"leak": Subcommand(_accept, 3, 3),
    b"listpack": Subcommand(_listpack, 3, 3),
    b"loadaof": Subcommand(_accept, 2, 2),
    b"log": Subcommand(_log, 3, 3),
    b"object": Subcommand(_object, 3, 4),
    b"oom": Subcommand(_crash, 2, 2),
    b"panic": Subcommand(_crash, 2, 2),
    b"pause-cron": Subcommand(_accept, 3, 3),
    b"populate": Subcommand(_populate, 3, 5),
    b"protocol": Subcommand(_protocol, 3, 3),
    b"quicklist": Subcommand(_quicklist, 3, 4),
    b"quicklist-packed-threshold": Subcommand(_set_packed_threshold, 3, 3),
    b"reload": Subcommand(_reload, 2, 1 << 62),
    b"replicate": Subcommand(_replicate, 3, 1 << 62),
    b"replybuffer": Subcommand(_configure_reply_buffer, 4, 4),
    b"restart": Subcommand(_crash, 2, 3),
    b"sdslen": Subcommand(_sds_length, 3, 3),
    b"segfault": Subcommand(_crash, 2, 2),
    b"set-active-expire": Subcommand(_set_active_expire, 3, 3),
    b"set-disable-deny-scripts": Subcommand(_let_scripts_call_anything, 3, 3),
    b"set-skip-checksum-validation": Subcommand(_set_skip_checksums, 3, 3),
    b"sleep": Subcommand(_sleep, 3, 3),
    b"stringmatch-test": Subcommand(_match_strings, 2, 2),
    b"structsize": Subcommand(_structure_sizes, 2, 2),
}

VALKEY_SUBCOMMANDS: Final[dict[bytes, Subcommand]] = {
    b"client-enforce-reply-list": Subcommand(_accept, 3, 3),
    b"close-cluster-link-on-packet-drop": Subcommand(_accept, 3, 3),
    b"disable-cluster-random-ping": Subcommand(_accept, 3, 3),
    b"disable-cluster-reconnection": Subcommand(_accept, 3, 3),
    b"force-free-primary-async": Subcommand(_accept, 3, 3),
    b"hashtable-can-abort-shrink": Subcommand(_accept, 3, 3),
    b"pause-after-fork": Subcommand(_accept, 3, 3),
    b"protect-client": Subcommand(_protect_client, 3, 3),
}
"""What Valkey has beside these."""
