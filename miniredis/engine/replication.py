"""The master's side of replication: the stream, the backlog that remembers its end, and the replicas that are fed.

The stream is one sequence of bytes, whoever reads it: commands as a client would send them, and SELECT where the
database changes. A position in it is an *offset*, counted from the first byte after ``id`` was chosen. Who lost the
connection comes back with that name and its offset, and gets what it missed from the backlog, if that reaches so far.

There is no stream before the first replica came, nor ``repl-backlog-ttl`` seconds after the last one went: a position
in the next one would mean something else, so that gets a name of its own.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from miniredis.engine.blocking import Blocked
from miniredis.engine.propagation import Propagation, Words
from miniredis.engine.timers import Timer
from miniredis.resp.encoder import encode_command
from miniredis.resp.types import Raw

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.master import Master
    from miniredis.engine.session import Session

logger = logging.getLogger("miniredis")

NO_DATABASE: Final = -1
"""What is selected where the next reader of the stream cannot know: SELECT is sent before the next command."""


class Backlog:
    """The last bytes of the stream, at least *size* of them once there are so many. ``end`` is the offset behind."""

    __slots__ = ("_data", "end", "size")

    def __init__(self, size: int, offset: int) -> None:
        self.size = size
        self.end = offset
        self._data = bytearray()

    def __len__(self) -> int:
        return min(len(self._data), self.size)

    @property
    def first(self) -> int:
        """The offset of the first byte it has (of the next one, if it has none)."""
        return self.end - len(self) + 1

    def append(self, data: bytes) -> None:
        """Remember *data*, and forget what is older than ``size`` bytes."""
        self._data += data
        self.end += len(data)
        if len(self._data) > 2 * self.size:  # not each time: the rest has to be moved
            del self._data[: -self.size]

    def since(self, offset: int) -> bytes | None:
        """What follows from the byte at *offset* on; None if that is forgotten, or not there yet."""
        missed = self.end - offset + 1
        if not 0 <= missed <= len(self):
            return None
        return bytes(self._data[len(self._data) - missed :])


class Replica:
    """What the master knows of a replica, told by REPLCONF before it is one, and by its acknowledgements later.

    - ``port``, ``address``: where it says that others find it; its own address is that of the connection if empty.
    - ``attached``: it is fed. ``acknowledges``: it came by PSYNC, and so is expected to.
    - ``acknowledged``, ``fsynced``: the offsets it has reached, in memory and in its append-only file.
    - ``last_seen``: when it last acknowledged anything, in milliseconds since the epoch.
    """

    __slots__ = (
        "acknowledged",
        "acknowledges",
        "address",
        "attached",
        "fsynced",
        "knows_psync2",
        "last_seen",
        "port",
        "rdb_only",
    )

    def __init__(self) -> None:
        self.address = ""
        self.port = 0
        self.knows_psync2 = False
        self.rdb_only = False
        self.attached = False
        self.acknowledges = True
        self.acknowledged = 0
        self.fsynced = 0
        self.last_seen = 0


class Replication:
    """The stream of one engine and who reads it.

    - ``id``: the name of the stream; ``offset``: how long it is.
    - ``former_id``, ``former_end``: the stream that this one goes on from, and up to where.
    - ``master``: whose replica the engine is; there is nothing to tell then but what it tells.
    - ``replicas``: the sessions that are fed, in the order they came.
    """

    __slots__ = (
        "_asks",
        "_deserted_at",
        "_engine",
        "_seconds",
        "_selected",
        "_timer",
        "_waiting",
        "backlog",
        "former_end",
        "former_id",
        "full_syncs",
        "id",
        "master",
        "offset",
        "partial_refusals",
        "partial_syncs",
        "propagation",
        "replicas",
    )

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.propagation = Propagation(engine, self.feed)
        self.id = engine.random_id()
        self.former_id = "0" * 40
        self.former_end = -1
        self.offset = 0
        self.master: Master | None = None
        self.backlog: Backlog | None = None
        self.replicas: dict[Session, Replica] = {}
        self.full_syncs = self.partial_syncs = self.partial_refusals = 0
        self._selected = NO_DATABASE
        self._waiting: dict[Blocked, Awaited] = {}
        self._asks = False
        self._timer: Timer | None = None
        self._seconds = 0
        self._deserted_at = 0
        engine.config.on_change("repl-backlog-size", self._resize_backlog)

    # The stream

    def feed(self, database: int | None, argv: Words) -> None:
        """Send *argv*, which is to be done in *database* (None: any will do), to all replicas."""
        if self.master is not None or self.backlog is None:
            return
        data = encode_command(argv)
        if database is not None and database != self._selected:
            self._selected = database
            data = encode_command((b"SELECT", b"%d" % database)) + data
        self._send(data)

    def _send(self, data: bytes) -> None:
        assert self.backlog is not None
        self.offset += len(data)
        self.backlog.append(data)
        raw = Raw(data)
        for session, replica in self.replicas.items():
            if not replica.rdb_only:
                session.deliver(raw)

    @property
    def has_stream(self) -> bool:
        """Whether there is one, with its backlog: somebody reads it, or did so not long ago."""
        return self.backlog is not None

    def backlog_range(self) -> tuple[int, int]:
        """The offset of the first byte in the backlog, and how many there are from there on."""
        return (0, 0) if self.backlog is None else (self.backlog.first, len(self.backlog))

    def _resize_backlog(self) -> None:
        if self.backlog is not None:
            self.backlog.size = self._engine.config.repl_backlog_size

    # Replicas

    def attach(self, session: Session, snapshot: bytes, *, by_psync: bool) -> Raw:
        """Make *session* a replica that begins with *snapshot*, the present dataset. What it is answered."""
        replica = self._begin(session)
        replica.acknowledges = by_psync
        self.full_syncs += 1
        if not replica.rdb_only:
            self._selected = NO_DATABASE
        header = b"$%d\r\n" % len(snapshot)
        if by_psync:
            header = b"+FULLRESYNC %b %d\r\n%b" % (self.id.encode(), self.offset, header)
        return Raw(header + snapshot)

    def resume(self, session: Session, name: bytes, offset: int) -> Raw | None:
        """Make *session* a replica that goes on at *offset* of the stream *name*. What it is answered, or None if it
        has to begin anew."""
        missed = self._missed(name, offset)
        if missed is None:
            self.partial_refusals += name != b"?"
            return None
        replica = self._begin(session)
        self.partial_syncs += 1
        reply = b"+CONTINUE %b\r\n" % self.id.encode() if replica.knows_psync2 else b"+CONTINUE\r\n"
        return Raw(reply + missed)

    def _missed(self, name: bytes, offset: int) -> bytes | None:
        name = name.lower()
        is_former = name == self.former_id.encode() and offset <= self.former_end
        if self.backlog is None or (name != self.id.encode() and not is_former):
            return None
        return self.backlog.since(offset)

    def _begin(self, session: Session) -> Replica:
        engine = self._engine
        if self.backlog is None:
            self._forget_history()
            self.backlog = Backlog(engine.config.repl_backlog_size, self.offset)
            self.propagation.activate(True)
        replica = session.replica = session.replica or Replica()
        replica.attached = True
        replica.acknowledged = 0
        replica.last_seen = engine.now
        self.replicas[session] = replica
        session.update_gate()
        if self._timer is None:
            self._timer = engine.timers.call_at(engine.now + 1000, self._every_second)
        return replica

    def detach(self, session: Session) -> None:
        """Feed *session* no more: its client is gone."""
        if self.replicas.pop(session, None) is not None:
            self._deserted_at = self._engine.now
            self._look_at_waiting()

    def _every_second(self) -> None:
        engine, config = self._engine, self._engine.config
        self._timer = None
        if self.replicas:
            if self._seconds % config.repl_ping_replica_period == 0:
                self.feed(None, (b"PING",))
            timeout = config.repl_timeout * 1000
            for session, replica in list(self.replicas.items()):
                if replica.acknowledges and engine.now - replica.last_seen > timeout:
                    logger.warning("Disconnecting timedout replica (streaming sync): %s", session.address)
                    session.on_close()
        elif self._is_forgotten():
            self.forget_stream()
        self._seconds += 1
        if self.backlog is not None:
            self._timer = engine.timers.call_at(engine.now + 1000, self._every_second)

    def _is_forgotten(self) -> bool:
        """Whether nobody has read the stream for so long that nobody will."""
        ttl = self._engine.config.repl_backlog_ttl * 1000
        return bool(ttl) and self.master is None and self._engine.now - self._deserted_at > ttl

    def forget_stream(self) -> None:
        """End the stream, which nobody has read for a long time."""
        self.backlog = None
        self._forget_history()
        self.propagation.activate(False)

    @property
    def lacks_replicas(self) -> bool:
        """Whether ``min-replicas-to-write`` forbids to write."""
        config = self._engine.config
        wanted = config.min_replicas_to_write
        return bool(wanted and config.min_replicas_max_lag) and self.good_replicas() < wanted

    def _forget_history(self) -> None:
        self.id = self._engine.random_id()
        self.former_id, self.former_end = "0" * 40, -1

    def begin_new_history(self) -> None:
        """Give the stream a new name from here on; whoever reads it comes back, and learns that."""
        self.former_id, self.former_end = self.id, self.offset + 1
        self.id = self._engine.random_id()
        self._selected = NO_DATABASE
        for session in list(self.replicas):
            session.on_close()

    def good_replicas(self) -> int:
        """How many replicas have acknowledged within the last ``min-replicas-max-lag`` seconds."""
        latest = self._engine.second - self._engine.config.min_replicas_max_lag
        return sum(replica.last_seen // 1000 >= latest for replica in self.replicas.values())

    # Acknowledgements

    def acknowledge(self, session: Session, offset: int | None, fsynced: int | None) -> None:
        """Note that the replica *session* has what is before *offset*, and on disk what is before *fsynced*."""
        replica = self.replicas.get(session)
        if replica is None:
            return
        if offset is not None:
            replica.acknowledged = max(offset, replica.acknowledged)
        if fsynced is not None:
            replica.fsynced = max(fsynced, replica.fsynced)
        replica.last_seen = self._engine.now
        self._look_at_waiting()

    def count(self, offset: int, *, fsynced: bool = False) -> int:
        """How many replicas have acknowledged *offset*."""
        return sum((each.fsynced if fsynced else each.acknowledged) >= offset for each in self.replicas.values())

    def wait(self, blocked: Blocked, awaited: Awaited) -> None:
        """Let *blocked* wait until enough replicas have acknowledged, and ask them to when the command has ended."""
        self._waiting[blocked] = awaited
        self._asks = True

    def command_ended(self) -> None:
        """Ask for acknowledgements if a command wants them. What it waits for does not include the question."""
        if self._asks:
            self._asks = False
            if self.replicas:
                self.feed(None, (b"REPLCONF", b"GETACK", b"*"))

    def _look_at_waiting(self) -> None:
        for blocked, awaited in list(self._waiting.items()):
            if blocked.done:
                del self._waiting[blocked]
                continue
            count = self.count(awaited.offset, fsynced=awaited.fsynced)
            reply = blocked.timeout_reply = awaited.reply(count)
            if count >= awaited.replicas:
                del self._waiting[blocked]
                self._engine.blocked_clients.release(blocked, reply)


class Awaited:
    """What WAIT waits for: that *replicas* of them have acknowledged *offset*, on disk if *fsynced*.

    ``reply(count)`` is the answer when *count* have.
    """

    __slots__ = ("fsynced", "is_local", "offset", "replicas")

    def __init__(self, replicas: int, offset: int, *, fsynced: bool = False, is_local: bool = False) -> None:
        self.replicas = replicas
        self.offset = offset
        self.fsynced = fsynced
        self.is_local = is_local

    def reply(self, count: int) -> int | list[int]:
        """WAIT answers the number of replicas, WAITAOF whether the own disk has it as well."""
        return [int(self.is_local), count] if self.fsynced else count
