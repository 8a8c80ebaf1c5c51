"""CLIENT: what a client says and asks about its own connection."""

from __future__ import annotations

from miniredis.engine.command import Variant, command, container
from miniredis.engine.session import Session
from miniredis.resp.types import OK, Error, Reply

container(
    "CLIENT",
    summary="A container for client connection commands.",
    since="2.4.0",
    group="connection",
    complexity="Depends on subcommand.",
)


@command(
    "CLIENT|ID",
    arity=2,
    summary="Returns the unique client ID of the connection.",
    since="5.0.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale allow_busy")],
)
def client_id(client: Session, argv: list[bytes]) -> Reply:
    return client.id


@command(
    "CLIENT|GETNAME",
    arity=2,
    summary="Returns the name of the connection.",
    since="2.6.9",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale allow_busy")],
)
def client_getname(client: Session, argv: list[bytes]) -> Reply:
    return client.name or None


@command(
    "CLIENT|SETNAME connection-name",
    arity=3,
    summary="Sets the connection name.",
    since="2.6.9",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    variants=[
        Variant(until="7.2.0", tips=()),
        Variant(valkey_since="8.0.0", flags="noscript loading stale allow_busy"),
    ],
)
def client_setname(client: Session, argv: list[bytes]) -> Reply:
    check_client_name(argv[2])
    client.name = argv[2]
    return OK


def check_client_name(name: bytes) -> None:
    """Raise the error that Redis gives for a name that would break the lines of CLIENT LIST."""
    if not _is_printable(name):
        raise Error("ERR Client names cannot contain spaces, newlines or special characters.")


@command(
    "CLIENT|SETINFO <LIB-NAME libname | LIB-VER libver>",
    arity=4,
    summary="Sets information specific to the client or connection.",
    since="7.2.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale allow_busy",
    categories="connection",
    tips=["request_policy:all_nodes", "response_policy:all_succeeded"],
    names=["attr"],
)
def client_setinfo(client: Session, argv: list[bytes]) -> Reply:
    attribute = argv[2]
    match attribute.lower():
        case b"lib-name":
            name = "lib_name"
        case b"lib-ver":
            name = "lib_version"
        case _:
            raise Error(b"ERR Unrecognized option '%b'" % attribute)
    if not _is_printable(argv[3]):
        raise Error(b"ERR %b cannot contain spaces, newlines or special characters." % attribute)
    setattr(client, name, argv[3])
    return OK


def _is_printable(text: bytes) -> bool:
    """Whether *text* has only visible ASCII characters."""
    return all(0x21 <= byte <= 0x7E for byte in text)
