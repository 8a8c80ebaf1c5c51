"""Replication as clients see it: ROLE, WAIT, WAITAOF, REPLICAOF, FAILOVER.

FAILOVER never has anybody to turn to: no replica of this server is ever asked to take over.
"""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.arguments import int32, integer, integer_in_range, positive_integer
from miniredis.engine.blocking import Blocked
from miniredis.engine.command import Variant, command
from miniredis.engine.master import end_waits, follow, unfollow
from miniredis.engine.replication import Awaited
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply, SimpleString


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
    replication = client.engine.replication
    master = replication.master
    if master is not None:
        return [b"slave", master.host, master.port, master.state.encode(), master.offset]
    replicas = [
        [replica_address(session).encode(), b"%d" % replica.port, b"%d" % replica.acknowledged]
        for session, replica in replication.replicas.items()
    ]
    return [b"master", replication.offset, replicas]


def replica_address(session: Session) -> str:
    """Where others find the replica *session*: the host that it says, or else that of its connection."""
    assert session.replica is not None
    return session.replica.address or session.address.rpartition(":")[0].strip("[]")


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
        unfollow(client.engine)
        return OK
    if client.is_replica:
        raise Error("ERR Command is not valid when client is a replica.")
    port = integer_in_range(argv[2], 0, 65535, "ERR Invalid master port")
    if not follow(client.engine, argv[1], port):
        return SimpleString(b"OK Already connected to specified master")
    if end_waits(client.engine):
        client.engine.count_failure(argv)
    return OK


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
    _check_is_master(client, "WAIT")
    replicas = integer(argv[1])
    milliseconds = _timeout(argv[2])
    return _wait(client, Awaited(_as_c_int(replicas), client.write_offset), milliseconds)


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
    _check_is_master(client, "WAITAOF")
    local = integer_in_range(argv[1], 0, 1)
    replicas = positive_integer(argv[2])
    milliseconds = _timeout(argv[3])
    is_logging = client.engine.config.appendonly
    if local and not is_logging:
        raise Error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
    awaited = Awaited(_as_c_int(replicas), client.write_offset, fsynced=True, is_local=is_logging)
    return _wait(client, awaited, milliseconds)


def _check_is_master(client: Session, name: str) -> None:
    engine = client.engine
    if engine.replication.master is not None:
        since = "" if engine.version.is_valkey else " since Redis 4.0"
        writable = f"{since} if a replica is configured to be writable (which is not the default)"
        raise Error(
            f"ERR {name} cannot be used with replica instances. Please also note that"
            f"{writable if name == 'WAIT' else ''} writes to replicas are just local and are not propagated."
        )


def _wait(client: Session, awaited: Awaited, milliseconds: int) -> Reply:
    """The answer to *awaited*, now or when enough replicas have acknowledged or the time is over."""
    replication = client.engine.replication
    count = replication.count(awaited.offset, fsynced=awaited.fsynced)
    if count >= awaited.replicas:
        return awaited.reply(count)
    reply = client.engine.block(Blocked(client, "wait", timeout_reply=awaited.reply(count)), milliseconds)
    if isinstance(reply, Blocked):
        replication.wait(reply, awaited)
    return reply


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
    if client.engine.replication.master is not None:
        raise Error("ERR FAILOVER is not valid when server is a replica.")
    raise Error("ERR FAILOVER requires connected replicas.")
