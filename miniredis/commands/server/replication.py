"""Replication as a server without replicas sees it: ROLE, REPLICAOF, WAIT, WAITAOF, FAILOVER, REPLCONF, PSYNC.

An engine is always a primary with no replica, so WAIT waits until its time is over and FAILOVER has nobody to turn to.
Making it a replica of somebody, or attaching one to it, is refused.
"""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.arguments import int32, integer, integer_in_range, positive_integer
from miniredis.engine.blocking import Blocked
from miniredis.engine.command import Variant, command
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply


@command(
    "ROLE",
    arity=1,
    summary="Returns the replication role.",
    since="2.8.12",
    group="server",
    complexity="O(1)",
    flags="noscript loading stale fast",
    categories="admin dangerous",
)
def role(client: Session, argv: list[bytes]) -> Reply:
    return [b"master", 0, []]


@command(
    "REPLICAOF <host port | NO ONE>",
    arity=3,
    summary="Configures a server as replica of another, or promotes it to a primary.",
    since="5.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript stale no_async_loading",
    names=["args", "host-port", "no-one"],
)
def replicaof(client: Session, argv: list[bytes]) -> Reply:
    if argv[1].lower() == b"no" and argv[2].lower() == b"one":
        return OK
    integer_in_range(argv[2], 0, 65535, "ERR Invalid master port")
    raise Error("ERR this server cannot be a replica")


@command(
    "SLAVEOF <host port | NO ONE>",
    arity=3,
    summary="Sets a server as a replica of another, or promotes it to being a primary.",
    since="1.0.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript stale no_async_loading",
    names=["args", "host-port", "no-one"],
    deprecated_since="5.0.0",
    replaced_by="`REPLICAOF`",
)
def slaveof(client: Session, argv: list[bytes]) -> Reply:
    return replicaof(client, argv)


@command(
    "WAIT numreplicas timeout",
    arity=3,
    summary=(
        "Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed."
    ),
    since="3.0.0",
    group="generic",
    complexity="O(1)",
    flags="blocking",
    categories="connection",
    tips=["request_policy:all_shards", "response_policy:agg_min"],
    variants=[Variant(until="7.2.0", flags="noscript")],
)
def wait(client: Session, argv: list[bytes]) -> Reply:
    replicas = integer(argv[1])
    milliseconds = _timeout(argv[2])
    if _as_c_int(replicas) <= 0:
        return 0
    return client.engine.block(Blocked(client, "wait", timeout_reply=0), milliseconds)


@command(
    "WAITAOF numlocal numreplicas timeout",
    arity=4,
    summary=(
        "Blocks until all of the preceding write commands sent by the connection are written to the append-only file"
        " of the primary and/or replicas."
    ),
    since="7.2.0",
    group="generic",
    complexity="O(1)",
    flags="blocking",
    categories="connection",
    tips=["request_policy:all_shards", "response_policy:agg_min"],
)
def waitaof(client: Session, argv: list[bytes]) -> Reply:
    local = integer_in_range(argv[1], 0, 1)
    replicas = positive_integer(argv[2])
    milliseconds = _timeout(argv[3])
    is_logging = client.engine.config.appendonly
    if local and not is_logging:
        raise Error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
    reached = [int(is_logging), 0]
    if _as_c_int(replicas) <= 0:
        return reached
    return client.engine.block(Blocked(client, "wait", timeout_reply=reached), milliseconds)


def _as_c_int(number: int) -> int:
    """What is left of *number* in the 32 bits in which Redis keeps how many replicas are waited for."""
    return (number + 2**31) % 2**32 - 2**31


def _timeout(text: bytes) -> int:
    """A timeout in milliseconds, 0 for none."""
    milliseconds = integer(text, "ERR timeout is not an integer or out of range")
    if milliseconds < 0:
        raise Error("ERR timeout is negative")
    return milliseconds


@command(
    "FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
    arity=-1,
    summary="Starts a coordinated failover from a server to one of its replicas.",
    since="6.2.0",
    group="server",
    complexity="O(1)",
    flags="admin noscript stale",
    names=["target"],
)
def failover(client: Session, argv: list[bytes]) -> Reply:
    position = 1
    while position < len(argv):
        option = argv[position].lower()
        rest = len(argv) - position - 1
        if option == b"to" and rest >= 2:
            int32(argv[position + 2])
            position += 2
        elif option == b"timeout" and rest:
            if integer(argv[position + 1]) <= 0:
                raise Error("ERR FAILOVER timeout must be greater than 0")
            position += 1
        elif option == b"abort" and len(argv) == 2:
            raise Error("ERR No failover in progress.")
        elif option != b"force":
            raise errors.syntax_error()
        position += 1
    raise Error("ERR FAILOVER requires connected replicas.")


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
    for option, value in zip(argv[1::2], argv[2::2], strict=True):
        match option.lower():
            case b"listening-port":
                int32(value)
            case b"ip-address" | b"capa" | b"ack" | b"getack" | b"rdb-only" | b"rdb-filter-only":
                continue
            case _:
                raise Error(b"ERR Unrecognized REPLCONF option: %b" % errors.until_nul(option))
    return OK


@command(
    "PSYNC replicationid offset",
    arity=-3,
    summary="An internal command used in replication.",
    since="2.8.0",
    group="server",
    flags="admin noscript no_async_loading no_multi",
)
def psync(client: Session, argv: list[bytes]) -> Reply:
    raise Error("ERR this server has no replicas")


@command(
    "SYNC",
    arity=1,
    summary="An internal command used in replication.",
    since="1.0.0",
    group="server",
    flags="admin noscript no_async_loading no_multi",
)
def sync(client: Session, argv: list[bytes]) -> Reply:
    raise Error("ERR this server has no replicas")
