"""How a client is described: the lines of CLIENT LIST and CLIENT INFO.

Which fields there are, and their order, is each version's. Memory is not counted here per client: buffers are told as
they are, and the rest is what a fresh connection has in Redis.
"""

from __future__ import annotations

from typing import Final

from miniredis.engine import errors
from miniredis.engine.session import Session

REPLY_BUFFER: Final = 1024
"""Bytes that Redis sets aside for the replies of a client that asks for little."""

FOOTPRINT: Final = 774
"""Bytes that Redis needs for a client besides its buffers."""


def flags(client: Session) -> str:
    """The letters that tell the state of *client*; ``N`` when there is nothing to tell."""
    letters = (
        ("O", client.monitoring),
        ("P", client.is_subscribed),
        ("x", client.transaction is not None),
        ("b", client.blocked is not None),
        ("d", client.watch_broken),
        ("c", client.closing),
        ("U", client.unix_socket),
        ("e", client.no_evict),
        ("T", client.no_touch),
        ("I", client.import_source),
    )
    return "".join(letter for letter, holds in letters if holds) or "N"


def capabilities(client: Session) -> str:
    """The letters of what *client* has claimed to be able to do (CLIENT CAPA)."""
    return "r" if client.handles_redirects else ""


def is_of_type(client: Session, kind: str) -> bool:
    """Whether *client* is ``normal``, ``pubsub``, ``replica`` or ``primary``."""
    return kind == ("pubsub" if client.is_subscribed else "normal")


def describe(client: Session, argv: list[bytes] | None = None) -> bytes:
    """*client* in one line; *argv* is the command that it is running, if that is known."""
    engine = client.engine
    version = engine.version
    queue = client.transaction.queue if client.transaction is not None else []
    buffered, unsent = client.query_buffer(), client.output_buffer()
    argv_memory = sum(map(len, argv or ()))
    queue_memory = sum(len(word) + 8 for _, queued in queue for word in queued)
    fields: dict[str, object] = {
        "id": client.id,
        "addr": client.address,
        "laddr": client.local_address,
        "fd": client.fd,
        "name": _c_string(client.name),
        "age": engine.second - client.connected_at // 1000,
        "idle": engine.second - client.last_interaction // 1000,
        "flags": flags(client),
        **({"capa": capabilities(client)} if version.is_valkey else {}),
        "db": client.db.number,
        "sub": len(client.channels),
        "psub": len(client.patterns),
        "ssub": len(client.shard_channels),
        "multi": _queue_length(client),
        **({"watch": len(client.watched)} if version.is_valkey else {}),
        "qbuf": buffered,
        "qbuf-free": 0,
        "argv-mem": argv_memory,
        "multi-mem": queue_memory,
        "rbs": REPLY_BUFFER,
        "rbp": 0,
        "obl": 0,
        "oll": int(unsent > 0),
        "omem": unsent,
        "tot-mem": FOOTPRINT + REPLY_BUFFER + buffered + unsent + argv_memory + queue_memory,
        "events": "rw" if unsent else "r",
        "cmd": client.last_command,
        "user": _c_string(client.user),
        "redir": -1,
        "resp": client.protocol,
    }
    if version.redis >= (7, 2):
        fields |= {"lib-name": _c_string(client.lib_name), "lib-ver": _c_string(client.lib_version)}
    if version.is_valkey:
        fields |= {"tot-net-in": 0, "tot-net-out": 0, "tot-cmds": 0}
    return " ".join(f"{name}={value}" for name, value in fields.items()).encode("latin-1")


def _queue_length(client: Session) -> int:
    if client.transaction is not None:
        return len(client.transaction.queue)
    # Valkey keeps a transaction's state from its first use on, and then counts the commands in it.
    return 0 if client.used_transactions and client.engine.version.is_valkey else -1


def _c_string(text: bytes) -> str:
    """What C's ``%s`` prints of *text*, each byte as the character of its number."""
    return errors.until_nul(text).decode("latin-1")
