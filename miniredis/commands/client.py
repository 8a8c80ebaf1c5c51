"""CLIENT: what a client says about its own connection, and has said."""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.command import Variant, command, container
from miniredis.engine.session import REPLY_OFF, REPLY_ON, REPLY_SKIP_NEXT, Session
from miniredis.resp.types import NO_REPLY, OK, Error, Reply

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


# Names


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
    check_client_name(client, argv[2])
    client.name = argv[2]
    return OK


def check_client_name(client: Session, name: bytes) -> None:
    """Raise the error that Redis gives for a name that would break the lines of CLIENT LIST."""
    if client.engine.version.redis >= (7, 2):
        name = errors.until_nul(name)
    if not _is_visible(name):
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
    variants=[Variant(since="7.4.0", flags="noscript loading stale")],
)
def client_setinfo(client: Session, argv: list[bytes]) -> Reply:
    attribute, value = argv[2], argv[3]
    if attribute.lower() not in (b"lib-name", b"lib-ver"):
        raise Error(b"ERR Unrecognized option '%b'" % errors.until_nul(attribute))
    if not _is_visible(errors.until_nul(value)):
        raise Error(b"ERR %b cannot contain spaces, newlines or special characters." % attribute)
    if attribute.lower() == b"lib-name":
        client.lib_name = value
    else:
        client.lib_version = value
    return OK


def _is_visible(text: bytes) -> bool:
    """Whether *text* has nothing but visible ASCII characters."""
    return all(0x21 <= byte <= 0x7E for byte in text)


# Switches


@command(
    "CLIENT|NO-EVICT <ON | OFF>",
    arity=3,
    summary="Sets the client eviction mode of the connection.",
    since="7.0.0",
    group="connection",
    complexity="O(1)",
    flags="admin noscript loading stale",
    categories="connection",
    names=["enabled"],
    variants=[Variant(valkey_since="8.0.0", flags="admin noscript loading stale allow_busy")],
)
def client_no_evict(client: Session, argv: list[bytes]) -> Reply:
    client.no_evict = _on_or_off(argv[2])
    return OK


@command(
    "CLIENT|NO-TOUCH <ON | OFF>",
    arity=3,
    summary="Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
    since="7.2.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale allow_busy",
    categories="connection",
    names=["enabled"],
    variants=[Variant(since="7.4.0", flags="noscript loading stale")],
)
def client_no_touch(client: Session, argv: list[bytes]) -> Reply:
    client.no_touch = _on_or_off(argv[2])
    client.update_gate()
    return OK


@command(
    "CLIENT|IMPORT-SOURCE <ON | OFF>",
    arity=3,
    summary="Marks this client as an import source when the server is in import mode.",
    since="",
    valkey_since="8.1.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    names=["enabled"],
)
def client_import_source(client: Session, argv: list[bytes]) -> Reply:
    if not client.engine.config.import_mode and argv[2].lower() != b"off":
        raise Error("ERR Server is not in import mode")
    client.import_source = _on_or_off(argv[2])
    return OK


def _on_or_off(word: bytes) -> bool:
    match word.lower():
        case b"on":
            return True
        case b"off":
            return False
    raise errors.syntax_error()


@command(
    "CLIENT|CAPA capability [capability ...]",
    arity=-3,
    summary="A client claims its capability.",
    since="",
    valkey_since="8.0.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale allow_busy",
    categories="connection",
)
def client_capa(client: Session, argv: list[bytes]) -> Reply:
    for capability in argv[2:]:
        if capability.lower() == b"redirect":
            client.handles_redirects = True
    return OK


@command(
    "CLIENT|REPLY <ON | OFF | SKIP>",
    arity=3,
    summary="Instructs the server whether to reply to commands.",
    since="3.2.0",
    group="connection",
    complexity="O(1)",
    flags="noscript loading stale",
    categories="connection",
    names=["action"],
    variants=[Variant(valkey_since="8.0.0", flags="noscript loading stale no_multi allow_busy")],
)
def client_reply(client: Session, argv: list[bytes]) -> Reply:
    match argv[2].lower():
        case b"on":
            if client.reply_mode is not REPLY_SKIP_NEXT:  # but for a SKIP earlier in the same transaction
                client.reply_mode = REPLY_ON
            reply: Reply = OK
        case b"off":
            client.reply_mode = REPLY_OFF
            reply = NO_REPLY
        case b"skip":
            if client.reply_mode is not REPLY_OFF:
                client.reply_mode = REPLY_SKIP_NEXT
            reply = NO_REPLY
        case _:
            raise errors.syntax_error()
    client.update_gate()
    return reply
