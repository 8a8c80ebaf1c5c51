"""CLIENT TRACKING and its relatives. No client can be tracked yet: they answer what holds while none is."""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.command import Variant, command
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply, ReplySet


@command(
    "CLIENT|TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT]"
    " [NOLOOP]",
    arity=-3,
    summary="Controls server-assisted client-side caching for the connection.",
    since="6.0.0",
    group="connection",
    complexity="O(1). Some options may introduce additional complexity.",
    flags="noscript loading stale",
    categories="connection",
    names=["status"],
)
def client_tracking(client: Session, argv: list[bytes]) -> Reply:
    match argv[2].lower():
        case b"on":
            raise Error("ERR CLIENT TRACKING is not supported")
        case b"off":
            return OK
    raise errors.syntax_error()


@command(
    "CLIENT|CACHING <YES | NO>",
    arity=3,
    summary="Instructs the server whether to track the keys in the next request.",
    since="6.0.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    names=["mode"],
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale allow_busy")],
)
def client_caching(client: Session, argv: list[bytes]) -> Reply:
    raise Error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
    )


@command(
    "CLIENT|TRACKINGINFO",
    arity=2,
    summary="Returns information about server-assisted client-side caching for the connection.",
    since="6.2.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
)
def client_trackinginfo(client: Session, argv: list[bytes]) -> Reply:
    return {b"flags": ReplySet([b"off"]), b"redirect": -1, b"prefixes": []}


@command(
    "CLIENT|GETREDIR",
    arity=2,
    summary="Returns the client ID to which the connection's tracking notifications are redirected.",
    since="6.0.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale allow_busy")],
)
def client_getredir(client: Session, argv: list[bytes]) -> Reply:
    return -1
