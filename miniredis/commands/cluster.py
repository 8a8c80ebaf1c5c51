"""The commands of a cluster, as a server answers them that is none.

The rule of these files (``cluster``, ``cluster_nodes``, ``cluster_slots``): such a server knows all of them, checks how
many arguments they have, and refuses. What it refuses is declared by :func:`refused`; what has a handler is answered.
"""

from __future__ import annotations

from typing import Any

from miniredis.engine.command import command, container, key_range
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply
from miniredis.structures.hash_slot import hash_slot


def refused(usage: str, **fields: Any) -> None:
    """Declare a command that only a server of a cluster answers. *fields* as in ``command``."""
    command(usage, group="cluster", **fields)(_refuse)


def _refuse(client: Session, argv: list[bytes]) -> Reply:
    raise Error("ERR This instance has cluster support disabled")


container(
    "CLUSTER",
    summary="A container for Cluster commands.",
    since="3.0.0",
    group="cluster",
    complexity="Depends on subcommand.",
)

refused(
    "CLUSTER|HELP",
    arity=2,
    summary="Returns helpful text about the different subcommands.",
    since="5.0.0",
    complexity="O(1)",
    flags="loading stale",
)


@command(
    "CLUSTER|KEYSLOT key",
    arity=3,
    summary="Returns the hash slot for a key.",
    since="3.0.0",
    group="cluster",
    complexity="O(N) where N is the number of bytes in the key",
    flags="stale",
    details={"key": "type=string"},
)
def cluster_keyslot(client: Session, argv: list[bytes]) -> Reply:
    if client.engine.version.is_valkey:
        return hash_slot(argv[2])
    return _refuse(client, argv)


@command(
    "READONLY",
    arity=1,
    summary="Enables read-only queries for a connection to a Valkey replica node.",
    since="3.0.0",
    group="cluster",
    complexity="O(1)",
    flags="loading stale fast",
    categories="connection",
)
def readonly(client: Session, argv: list[bytes]) -> Reply:
    return _set_readonly(client, argv, True)


@command(
    "READWRITE",
    arity=1,
    summary="Enables read-write queries for a connection to a Valkey replica node.",
    since="3.0.0",
    group="cluster",
    complexity="O(1)",
    flags="loading stale fast",
    categories="connection",
)
def readwrite(client: Session, argv: list[bytes]) -> Reply:
    return _set_readonly(client, argv, False)


def _set_readonly(client: Session, argv: list[bytes], value: bool) -> Reply:
    """Valkey has replicas outside clusters, too, that send their clients to the primary: these will read here."""
    if not client.engine.version.is_valkey:
        return _refuse(client, argv)
    client.reads_from_replica = value
    return OK


refused(
    "ASKING",
    arity=1,
    summary="Signals that a cluster client is following an -ASK redirect.",
    since="3.0.0",
    complexity="O(1)",
    flags="fast",
    categories="connection",
)

refused(
    "CLUSTERSCAN cursor [MATCH match-pattern] [COUNT count] [TYPE type] [SLOT slot]",
    arity=-2,
    summary="Iterates over the keys in the cluster.",
    since="",
    valkey_since="9.1.0",
    complexity="O(N) where N is the number of elements returned.",
    flags="readonly",
    categories="keyspace",
    tips=["nondeterministic_output", "request_policy:special", "response_policy:special"],
    keys=[key_range("not_key", 1)],
    details={"cursor": "type=string"},
)
