"""The connection itself: AUTH, HELLO, PING, ECHO, SELECT, RESET, QUIT."""

from __future__ import annotations

from collections.abc import Iterator

from miniredis.commands.client import check_client_name
from miniredis.engine import errors, transactions
from miniredis.engine.acl import DEFAULT_USER
from miniredis.engine.arguments import database, integer
from miniredis.engine.command import Variant, command
from miniredis.engine.session import REPLY_OFF, REPLY_ON, Session
from miniredis.engine.slowlog import REDACTED
from miniredis.resp.types import OK, PONG, Error, Reply, SimpleString


@command(
    "AUTH [username] password",
    arity=-2,
    summary="Authenticates the connection.",
    since="1.0.0",
    group="connection",
    complexity="O(N) where N is the number of passwords defined for the user",
    flags="noscript loading stale fast no_auth allow_busy",
    categories="connection",
    history=[
        ("6.0.0", "Added ACL style (username and password)."),
    ],
    details={"username": "since=6.0.0"},
)
def auth(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 3:
        raise errors.syntax_error()
    acl = client.engine.acl
    name, password = argv[1] if len(argv) == 3 else DEFAULT_USER, argv[-1]
    argv[1:] = [REDACTED] * (len(argv) - 1)
    if len(argv) == 2 and acl.default.nopass:
        raise Error(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your"
            " configuration is correct?"
        )
    acl.authenticate(client, name, password, argv=argv)
    return OK


@command(
    "HELLO [protover [AUTH username password] [SETNAME clientname]]",
    arity=-1,
    summary="Handshakes with the server.",
    since="6.0.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale fast no_auth allow_busy",
    categories="connection",
    history=[
        (
            "valkey 8.1.0",
            "A new `availability_zone` field is added to the response if the `availability-zone` config is set.",
        ),
        (
            "6.2.0",
            (
                "`protover` made optional; when called without arguments the command reports the current connection's"
                " context."
            ),
        ),
    ],
    names=["arguments", "auth"],
)
def hello(client: Session, argv: list[bytes]) -> Reply:
    protocol = 0
    if len(argv) > 1:
        protocol = integer(argv[1], "ERR Protocol version is not an integer or out of range")
        if protocol not in (2, 3):
            raise Error("NOPROTO unsupported protocol version")
    if client.engine.version.redis >= (7, 2):
        options = dict(_hello_options(client, argv))  # all are read before any is obeyed, and then the last of each
        if b"AUTH" in options:
            client.engine.acl.authenticate(client, *options[b"AUTH"], argv=argv)
        _refuse_unauthenticated(client)
        if b"SETNAME" in options:
            client.name = options[b"SETNAME"][0]
    else:
        for option, values in _hello_options(client, argv):
            if option == b"AUTH":
                client.engine.acl.authenticate(client, *values, argv=argv)
            else:
                client.name = values[0]
        _refuse_unauthenticated(client)
    if protocol:
        client.protocol = protocol
        client.update_gate()
    return _greeting(client)


def _hello_options(client: Session, argv: list[bytes]) -> Iterator[tuple[bytes, list[bytes]]]:
    """The options of HELLO with their values, one after another; the next is looked at when it is asked for."""
    position = 2
    while position < len(argv):
        option, more = argv[position].upper(), len(argv) - position - 1
        if option == b"AUTH" and more >= 2:
            credentials = argv[position + 1 : position + 3]
            argv[position + 1 : position + 3] = [REDACTED, REDACTED]
            yield option, credentials
            position += 3
        elif option == b"SETNAME" and more:
            check_client_name(client, argv[position + 1])
            yield option, [argv[position + 1]]
            position += 2
        else:
            raise Error(b"ERR Syntax error in HELLO option '%b'" % errors.until_nul(argv[position]))


def _refuse_unauthenticated(client: Session) -> None:
    if not client.authenticated:
        proto = " <proto>" if client.engine.version.redis >= (7, 2) else ""
        raise Error(
            f"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO{proto} AUTH <user>"
            " <pass> option can be used to authenticate the client and select the RESP protocol version at the same"
            " time"
        )


def _greeting(client: Session) -> Reply:
    version = client.engine.version
    greeting = {
        b"server": version.family.encode(),
        b"version": b"%d.%d.%d" % version.number,
        b"proto": client.protocol,
        b"id": client.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }
    if version.is_valkey:
        greeting[b"modules"] = [{b"name": b"lua", b"ver": 1, b"path": b"lua", b"args": []}]
    return greeting


@command(
    "PING [message]",
    arity=-1,
    summary="Returns the server's liveliness response.",
    since="1.0.0",
    group="connection",
    complexity="O(1)",
    flags="fast",
    categories="connection",
    tips=["request_policy:all_shards", "response_policy:all_succeeded"],
)
def ping(client: Session, argv: list[bytes]) -> Reply:
    if len(argv) > 2:
        raise errors.wrong_arity("ping")
    if client.in_restricted_mode:
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else PONG


@command(
    "ECHO message",
    arity=2,
    summary="Returns the given string.",
    since="1.0.0",
    group="connection",
    complexity="O(1)",
    flags="loading stale fast",
    categories="connection",
)
def echo(client: Session, argv: list[bytes]) -> Reply:
    return argv[1]


@command(
    "SELECT index",
    arity=2,
    summary="Changes the selected database.",
    since="1.0.0",
    group="connection",
    complexity="O(1)",
    flags="loading stale fast",
    categories="connection",
    variants=[Variant(valkey_since="8.0.0", flags="loading stale fast allow_busy")],
)
def select(client: Session, argv: list[bytes]) -> Reply:
    client.db = database(argv[1], client.engine)
    return OK


@command(
    "RESET",
    arity=1,
    summary="Resets the connection.",
    since="6.2.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale fast no_auth allow_busy",
    categories="connection",
)
def reset(client: Session, argv: list[bytes]) -> Reply:
    engine = client.engine
    engine.monitors.pop(client, None)
    engine.update_observed()
    client.monitoring = False
    client.db = engine.databases[0]
    client.protocol = 2
    client.user = engine.acl.default
    client.authenticated = engine.acl.lets_in_anybody
    client.on_reset()
    client.name = b""
    client.no_touch = False
    client.reads_from_replica = False
    if engine.version.redis >= (7, 2):
        client.no_evict = False
    if client.reply_mode is REPLY_OFF:
        client.reply_mode = REPLY_ON
    engine.pubsub.forget(client)
    engine.tracking.disable(client)
    transactions.discard(client)
    return SimpleString(b"RESET")


@command(
    "QUIT",
    arity=-1,
    summary="Closes the connection.",
    since="1.0.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale fast no_auth allow_busy",
    categories="connection",
    deprecated_since="7.2.0",
    replaced_by="just closing the connection",
    variants=[Variant(until="7.2.0", deprecated=False), Variant(valkey_since="8.0.0", deprecated=False)],
)
def quit_(client: Session, argv: list[bytes]) -> Reply:
    client.closing = True
    return OK
