"""CLIENT TRACKING and its relatives: how a client wants to hear that what it has read has changed.

Who is told what, and when, is said in :mod:`miniredis.engine.tracking`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from miniredis.engine import errors
from miniredis.engine.arguments import integer
from miniredis.engine.command import Variant, command
from miniredis.engine.session import Session
from miniredis.engine.tracking import Tracking
from miniredis.resp.types import OK, Error, Replies, Reply, ReplySet


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
    options, prefixes = _options(client, argv)
    match argv[2].lower():
        case b"on":
            return _switch_on(client, options, prefixes)
        case b"off":
            client.engine.tracking.disable(client)
            return OK
    raise errors.syntax_error()


def _options(client: Session, argv: list[bytes]) -> tuple[Tracking, list[bytes]]:
    """The options, and the prefixes as they were given."""
    options, prefixes = Tracking(), []
    words = iter(enumerate(argv[3:], 4))
    for following, word in words:
        match word.lower():
            case b"redirect" if following < len(argv):
                _redirect(client, options, next(words)[1])
            case b"prefix" if following < len(argv):
                prefixes.append(next(words)[1])
            case b"bcast":
                options.broadcasts = True
            case b"optin":
                options.opt_in = True
            case b"optout":
                options.opt_out = True
            case b"noloop":
                options.no_loop = True
            case _:
                raise errors.syntax_error()
    return options, prefixes


def _redirect(client: Session, options: Tracking, number: bytes) -> None:
    if options.redirect:
        raise Error("ERR A client can only redirect to a single other client")
    options.redirect = integer(number)
    if options.redirect not in client.engine.sessions:
        raise Error("ERR The client ID you want redirect to does not exist")


def _switch_on(client: Session, options: Tracking, prefixes: list[bytes]) -> Reply:
    present = client.tracking
    if prefixes and not options.broadcasts:
        raise Error("ERR PREFIX option requires BCAST mode to be enabled")
    if present is not None and present.broadcasts != options.broadcasts:
        raise _cannot_switch("BCAST mode on/off")
    if options.broadcasts and (options.opt_in or options.opt_out):
        raise Error("ERR OPTIN and OPTOUT are not compatible with BCAST")
    if options.opt_in and options.opt_out:
        raise Error("ERR You can't specify both OPTIN mode and OPTOUT mode")
    if present is not None and ((options.opt_in and present.opt_out) or (options.opt_out and present.opt_in)):
        raise _cannot_switch("OPTIN/OPTOUT mode")
    reply: Reply = OK
    if (collision := _collision(present, prefixes)) is not None:
        position, error = collision
        if client.engine.version.is_valkey or not position:
            raise error
        reply = Replies([error, OK])  # a bug of Redis: it complains, and obeys
    if options.broadcasts:
        options.prefixes.update(prefixes or [b""])
    client.engine.tracking.enable(client, options)
    return reply


def _cannot_switch(what: str) -> Error:
    return Error(
        f"ERR You can't switch {what} before disabling tracking for this client, and then re-enabling it with a"
        " different mode."
    )


def _collision(present: Tracking | None, prefixes: Sequence[bytes]) -> tuple[int, Error] | None:
    """The first of *prefixes* that overlaps with another one: how many among them come before, 0 if the other one is
    not among them; and the error."""
    existing = sorted(present.prefixes) if present is not None else []
    for position, prefix in enumerate(prefixes):
        for other in _overlapping(prefix, existing):
            return 0, _overlap(prefix, b"an existing prefix", other)
        for other in _overlapping(prefix, prefixes[position + 1 :]):
            return position, _overlap(prefix, b"another provided prefix", other)
    return None


def _overlapping(prefix: bytes, others: Sequence[bytes]) -> Iterator[bytes]:
    return (other for other in others if other.startswith(prefix) or prefix.startswith(other))


def _overlap(prefix: bytes, what: bytes, other: bytes) -> Error:
    return Error(
        b"ERR Prefix '%b' overlaps with %b '%b'. Prefixes for a single client must not overlap."
        % (errors.until_nul(prefix), what, errors.until_nul(other))
    )


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
    tracking = client.tracking
    if tracking is None:
        raise Error(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode"
            " enabled"
        )
    match argv[2].lower():
        case b"yes":
            if not tracking.opt_in:
                raise Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
        case b"no":
            if not tracking.opt_out:
                raise Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
        case _:
            raise errors.syntax_error()
    tracking.caching = True
    return OK


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
    tracking = client.tracking
    if tracking is None:
        return {b"flags": ReplySet([b"off"]), b"redirect": -1, b"prefixes": []}
    flags = (
        (b"on", True),
        (b"bcast", tracking.broadcasts),
        (b"optin", tracking.opt_in),
        (b"caching-yes", tracking.opt_in and tracking.caching),
        (b"optout", tracking.opt_out),
        (b"caching-no", tracking.opt_out and tracking.caching),
        (b"noloop", tracking.no_loop),
        (b"broken_redirect", tracking.is_broken),
    )
    return {
        b"flags": ReplySet([name for name, holds in flags if holds]),
        b"redirect": tracking.redirect,
        b"prefixes": sorted(tracking.prefixes),
    }


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
    return -1 if client.tracking is None else client.tracking.redirect
