"""How a client is described: the lines of CLIENT LIST and CLIENT INFO.

Which fields there are, and their order, is each version's. Buffers are told as Redis would have them
(:mod:`miniredis.engine.client_buffers`).
"""

from __future__ import annotations

from miniredis.engine import errors
from miniredis.engine.client_buffers import measure
from miniredis.engine.session import Session


def flags(client: Session) -> str:
    """The letters that tell the state of *client*; ``N`` when there is nothing to tell."""
    tracking = client.tracking
    letters = (
        ("O", client.monitoring),
        ("S", client.is_replica),
        ("P", client.is_subscribed),
        ("x", client.transaction is not None),
        ("b", client.blocked is not None),
        ("t", tracking is not None),
        ("R", tracking is not None and tracking.is_broken),
        ("B", tracking is not None and tracking.broadcasts),
        ("d", client.watch_broken),
        ("c", client.closing),
        ("U", client.unix_socket),
        ("r", client.reads_from_replica),
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
    if client.is_replica:
        return kind == "replica"
    return kind == ("pubsub" if client.is_subscribed else "normal")


def describe(client: Session, argv: list[bytes] | None = None) -> bytes:
    """*client* in one line; *argv* is the command that it is running, if that is known."""
    engine = client.engine
    version = engine.version
    buffered, unsent = client.query_buffer(), client.output_buffer()
    if argv is not None and not version.is_valkey:
        # Redis executes a request while it stands in the query buffer; Valkey parses one that comes alone out of it.
        buffered = max(buffered, _request_size(argv))
    memory = measure(client, argv)
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
        **({"watch": len(client.watched)} if version.is_valkey or version.redis >= (7, 4) else {}),
        "qbuf": buffered,
        "qbuf-free": max(memory.query_capacity - buffered, 0),
        "argv-mem": memory.argv,
        "multi-mem": memory.queue,
        "rbs": client.buffers.reply_size,
        "rbp": client.buffers.reply_peak,
        "obl": 0 if memory.output_nodes else unsent,
        "oll": memory.output_nodes,
        "omem": memory.output,
        "tot-mem": memory.total,
        "events": "rw" if client.awaits_writing() else "r",
        "cmd": client.last_command,
        "user": _c_string(client.user.name),
        "redir": -1 if client.tracking is None else client.tracking.redirect,
        "resp": client.protocol,
    }
    if version.redis >= (7, 2):
        fields |= {"lib-name": _c_string(client.lib_name), "lib-ver": _c_string(client.lib_version)}
    if version.redis >= (8, 0):
        fields["io-thread"] = 0
    if version.is_valkey or version.redis >= (8, 0):
        fields |= {"tot-net-in": 0, "tot-net-out": 0, "tot-cmds": 0}
    return " ".join(f"{name}={value}" for name, value in fields.items()).encode("latin-1")


def _request_size(argv: list[bytes]) -> int:
    """The bytes in which a client library sends *argv*."""
    return sum(len(b"$%d\r\n%b\r\n" % (len(word), word)) for word in argv) + len(b"*%d\r\n" % len(argv))


def _queue_length(client: Session) -> int:
    if client.transaction is not None:
        return len(client.transaction.queue)
    # Valkey keeps a transaction's state from its first use on, and then counts the commands in it.
    return 0 if client.used_transactions and client.engine.version.is_valkey else -1


def _c_string(text: bytes) -> str:
    """What C's ``%s`` prints of *text*, each byte as the character of its number."""
    return errors.until_nul(text).decode("latin-1")
