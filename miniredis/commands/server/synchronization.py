"""What replicas and masters say to each other: REPLCONF, PSYNC, SYNC.

A replica introduces itself with REPLCONF, then asks with PSYNC for the stream from where it left off, or with SYNC for
everything. It gets a snapshot of the dataset, or what it missed, and from then on the stream, on this same connection,
on which it says nothing more than how far it has come (REPLCONF ACK). See :mod:`miniredis.engine.replication`.
"""

from __future__ import annotations

from typing import Final

from miniredis import rdb
from miniredis.engine import errors
from miniredis.engine.arguments import int32, integer, integer_in_range
from miniredis.engine.command import command
from miniredis.engine.engine import Engine
from miniredis.engine.master import CONNECTED
from miniredis.engine.replication import Replica
from miniredis.engine.session import Session
from miniredis.resp.types import NO_REPLY, OK, Error, Reply
from miniredis.structures.numbers import parse_integer

LONGEST_ADDRESS: Final = 255
"""Bytes of a host name, with the zero behind them in Redis."""


@command(
    "REPLCONF",
    arity=-1,
    summary="An internal command for configuring the replication stream.",
    since="3.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript loading stale allow_busy",
    doc_flags=["syscmd"],
)
def replconf(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) % 2 == 0:
        raise errors.syntax_error()
    replica = client.replica = client.replica or Replica()
    for position in range(1, len(argv), 2):
        option, value = argv[position].lower(), argv[position + 1]
        match option:
            case b"ack":
                _acknowledge(client, argv[position:])
                return NO_REPLY
            case b"getack":
                return NO_REPLY
            case b"listening-port":
                replica.port = int32(value)
            case b"ip-address":
                if len(value) >= LONGEST_ADDRESS:
                    raise Error(f"ERR REPLCONF ip-address provided by replica instance is too long: {len(value)} bytes")
                replica.address = value.decode(errors="surrogateescape")
            case b"capa":
                replica.knows_psync2 = replica.knows_psync2 or value.lower() == b"psync2"
            case b"rdb-only":
                replica.rdb_only = bool(integer_in_range(value, 0, 1))
            case b"rdb-filter-only":
                continue
            case b"version" if client.engine.version.is_valkey:
                continue
            case _:
                raise Error(b"ERR Unrecognized REPLCONF option: %b" % errors.until_nul(argv[position]))
    return OK


def _acknowledge(client: Session, words: list[bytes]) -> None:
    """Read ``ACK offset [FACK offset]``, to which nothing is ever answered."""
    offset = parse_integer(words[1])
    fsynced = parse_integer(words[3]) if len(words) == 4 and words[2].lower() == b"fack" else None
    client.engine.replication.acknowledge(client, offset, fsynced)


@command(
    "PSYNC replicationid offset",
    arity=-3,
    summary="An internal command used in replication.",
    since="2.8.0",
    group="server",
    flags="admin noscript no_async_loading no_multi",
)
def psync(client: Session, argv: list[bytes]) -> Reply:
    if client.is_replica:
        return NO_REPLY
    if len(argv) > 3 and argv[3].lower() == b"failover":
        raise Error("ERR PSYNC FAILOVER can't be sent to a master.")
    _check_link(client)
    offset = integer(argv[2])
    replication = client.engine.replication
    going_on = replication.resume(client, argv[1], offset)
    if going_on is not None:
        return going_on
    return replication.attach(client, snapshot(client.engine), by_psync=True)


@command(
    "SYNC",
    arity=1,
    summary="An internal command used in replication.",
    since="1.0.0",
    group="server",
    flags="admin noscript no_async_loading no_multi",
)
def sync(client: Session, argv: list[bytes]) -> Reply:
    if client.is_replica:
        return NO_REPLY
    _check_link(client)
    return client.engine.replication.attach(client, snapshot(client.engine), by_psync=False)


def _check_link(client: Session) -> None:
    """A replica has nothing to give before its master has given it that."""
    master = client.engine.replication.master
    if master is not None and master.state != CONNECTED:
        raise Error("NOMASTERLINK Can't SYNC while not connected with my master")


def snapshot(engine: Engine) -> bytes:
    """The dataset as RDB."""
    return rdb.dump(engine)
