"""Whose replica an engine is (REPLICAOF), and what that changes while it lasts.

A replica's data are its master's. It refuses to write, leaves it to its master to say which keys have expired (nobody
sees those any more, but they are there), and propagates nothing of its own. A Valkey sends clients that can follow to
its master (``CLIENT CAPA REDIRECT``), unless they only want to read (``READONLY``). The link itself is the driver's;
without one that is up the engine goes on with the data it has, or refuses to (``replica-serve-stale-data``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis.engine import errors
from miniredis.engine.blocking import KIND_OF_TYPE
from miniredis.resp.types import Error

if TYPE_CHECKING:
    from miniredis.engine.blocking import Blocked
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command

CONNECT: Final = "connect"
CONNECTED: Final = "connected"

ROLE_CHANGED: Final = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"


class Master:
    """The master at *host* and *port*.

    - ``state`` of the link, in ROLE's words.
    - ``offset``: how far its stream was followed, -1 before it was.
    """

    __slots__ = ("host", "offset", "port", "state")

    def __init__(self, host: bytes, port: int) -> None:
        self.host = host
        self.port = port
        self.state = CONNECT
        self.offset = -1


def follow(engine: Engine, host: bytes, port: int) -> bool:
    """Make *engine* a replica of that master. Whether it was none of it before."""
    present = engine.replication.master
    if present is not None and (present.host.lower(), present.port) == (host.lower(), port):
        return False
    engine.replication.master = Master(host, port)
    engine.config.replicaof = (host.decode(errors="surrogateescape"), port)
    engine.update_gate()
    return True


def follow_as_configured(engine: Engine) -> None:
    """Begin as a replica, if ``replicaof`` says so."""
    if engine.config.replicaof is not None:
        host, port = engine.config.replicaof
        follow(engine, host.encode(errors="surrogateescape"), port)


def end_waits(engine: Engine) -> bool:
    """Send those who wait away from what has become a replica. Whether there were any."""
    waits = [blocked for blocked in engine.blocked_clients.clients if blocked.kind != "postponed"]
    return sum(_end_wait(engine, blocked) for blocked in waits) > 0


def _end_wait(engine: Engine, blocked: Blocked) -> bool:
    """Send a client away; one that can follow goes elsewhere, or stays if it may read. Whether it went."""
    session, state = blocked.session, blocked.command_state
    if session.handles_redirects and state is not None and blocked.kind in KIND_OF_TYPE.values():
        elsewhere = redirection(engine, session, state.command)
        if elsewhere is not None:
            engine.blocked_clients.fail(blocked, elsewhere)
        return elsewhere is not None
    session.closing = True
    engine.blocked_clients.fail(blocked, Error(ROLE_CHANGED))
    return True


def unfollow(engine: Engine) -> None:
    """Make *engine* a master again, whose stream goes on from the one that it has followed."""
    replication = engine.replication
    if replication.master is None:
        return
    replication.master = None
    engine.config.replicaof = None
    replication.begin_new_history()
    engine.update_gate()
    engine.announce_due()  # keys expire again


def redirection(engine: Engine, session: Session, command: Command) -> Error | None:
    """Where a replica sends a client that can follow (CLIENT CAPA REDIRECT) for *command*; None if it runs here."""
    master = engine.replication.master
    if master is None or not session.handles_redirects:
        return None
    reads_here = session.reads_from_replica
    if any(each.is_write or (each.is_readonly and not reads_here) for each in _commands(session, command)):
        return Error(b"REDIRECT %b:%d" % (master.host, master.port))
    return None


def refusal(engine: Engine, session: Session, command: Command) -> Error | None:
    """Why a replica does not run *command*; None if it does."""
    master = engine.replication.master
    if master is None:
        return None
    commands = _commands(session, command)
    if engine.config.replica_read_only and any(each.is_write for each in commands):
        return Error(errors.READONLY)
    is_stale = master.state != CONNECTED and not engine.config.replica_serve_stale_data
    if is_stale and not all("stale" in each.flags for each in commands):
        return Error(errors.MASTERDOWN)
    return None


def _commands(session: Session, command: Command) -> list[Command]:
    """*command*, and with an EXEC what is queued."""
    transaction = session.transaction
    queued = [] if command.name != "exec" or transaction is None else [state.command for state, _ in transaction.queue]
    return [command, *queued]
