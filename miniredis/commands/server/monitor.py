"""MONITOR: to see every command that the server runs, as it ends (:meth:`Engine.feed_monitors` writes the lines)."""

from __future__ import annotations

from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import NO_REPLY, OK, Error, Reply


@command(
    "MONITOR",
    arity=1,
    summary="Listens for all requests received by the server in real-time.",
    since="1.0.0",
    group="server",
    flags="admin noscript loading stale",
)
def monitor(client: Session, argv: list[bytes]) -> Reply:
    if client.deny_blocking:
        raise Error("ERR MONITOR isn't allowed for DENY BLOCKING client")
    if client.monitoring:
        return NO_REPLY
    client.engine.monitors[client] = None
    client.engine.update_observed()
    client.monitoring = True
    client.update_gate()
    return OK
