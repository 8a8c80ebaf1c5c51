"""A client's state inside the engine: what Redis keeps in its ``client`` struct, without the socket.

The rule of this file: a session holds state and the smallest operations on it. What commands mean is said in
``miniredis.commands``; whether a command may run is decided in :mod:`miniredis.engine.engine`, which looks at a session
more closely only when its ``gate`` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from miniredis.engine.client_buffers import ClientBuffers
from miniredis.resp.types import NO_REPLY, Push, Replies, Reply

if TYPE_CHECKING:
    from miniredis.engine.acl_users import User
    from miniredis.engine.blocking import Blocked
    from miniredis.engine.engine import Engine
    from miniredis.engine.keyspace import Database
    from miniredis.engine.replication import Replica
    from miniredis.engine.tracking import Tracking
    from miniredis.engine.transactions import Transaction

REPLY_ON: Final = "on"
REPLY_OFF: Final = "off"
REPLY_SKIP: Final = "skip"
REPLY_SKIP_NEXT: Final = "skip next"


class Session:
    """One connected client.

    A driver makes one with :meth:`Engine.connect` and provides two hooks: ``deliver(reply)`` takes whatever reaches
    the client unasked, in the order in which it must be sent, and ``on_close()`` is called when the engine wants the
    connection closed (``CLIENT KILL``). After each reply the driver itself closes the connection if ``closing`` is set.

    ``on_reset()`` is called when ``RESET`` has changed whether the client is ``authenticated``.

    It may tell what stands in its buffers: ``query_buffer()`` and ``output_buffer()`` in bytes, and
    ``unfinished_request()``, the size of the argument that is being received and of those before it; and by
    ``awaits_writing()`` whether the client has not taken all that was sent.

    ``deny_blocking`` is set while EXEC runs a transaction, and always for the session of scripts: a command that would
    have to wait then answers at once as if its time had run out (:meth:`Engine.block` looks at it). ``is_script`` says
    that it is the latter.

    ``batch`` tells requests apart that did not come together; 0 for one that came alone. A driver with sockets keeps it
    while ``Engine.gathers_input`` asks for it.

    ``pushes`` is a list while a command of this session runs: what :meth:`push` sends meanwhile gathers there, and the
    engine finds its place before or behind the reply.
    """

    __slots__ = (
        "address",
        "authenticated",
        "awaits_writing",
        "batch",
        "blocked",
        "buffers",
        "channels",
        "closing",
        "connected_at",
        "db",
        "deliver",
        "deny_blocking",
        "engine",
        "fd",
        "gate",
        "handles_redirects",
        "id",
        "import_source",
        "is_script",
        "last_command",
        "last_interaction",
        "lib_name",
        "lib_version",
        "local_address",
        "monitoring",
        "name",
        "no_evict",
        "no_touch",
        "on_close",
        "on_reset",
        "output_buffer",
        "patterns",
        "protocol",
        "pushes",
        "query_buffer",
        "reads_from_replica",
        "replica",
        "reply_mode",
        "shard_channels",
        "tracking",
        "transaction",
        "unfinished_request",
        "unix_socket",
        "used_transactions",
        "user",
        "watch_broken",
        "watched",
        "write_offset",
    )

    def __init__(self, engine: Engine, session_id: int, deliver: Callable[[Reply], None]) -> None:
        self.engine = engine
        self.id = session_id
        self.deliver = deliver
        self.on_close: Callable[[], None] = _nothing
        self.on_reset: Callable[[], None] = _nothing
        self.address = ""
        self.local_address = ""
        self.unix_socket = False
        self.fd = -1
        self.batch = 0
        self.connected_at = self.last_interaction = engine.now
        self.user: User = engine.acl.default
        self.name: bytes = b""
        self.lib_name = b""
        self.lib_version = b""
        self.last_command = "NULL"
        self.protocol = 2
        self.db: Database = engine.databases[0]
        self.transaction: Transaction | None = None
        self.watched: dict[tuple[Database, bytes], bool] = {}
        self.watch_broken = False
        self.used_transactions = False
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}
        self.shard_channels: dict[bytes, None] = {}
        self.blocked: Blocked | None = None
        self.deny_blocking = False
        self.pushes: list[Reply] | None = None
        self.reply_mode = REPLY_ON
        self.monitoring = False
        self.tracking: Tracking | None = None
        self.replica: Replica | None = None
        self.write_offset = 0
        self.no_evict = False
        self.no_touch = False
        self.import_source = False
        self.is_script = False
        self.handles_redirects = False
        self.reads_from_replica = False
        self.closing = False
        self.query_buffer: Callable[[], int] = _empty
        self.output_buffer: Callable[[], int] = _empty
        self.awaits_writing: Callable[[], bool] = _never
        self.unfinished_request: Callable[[], tuple[int, int]] = _no_request
        self.buffers = ClientBuffers(engine.now)
        self.authenticated = engine.acl.lets_in_anybody
        self.gate = False
        self.update_gate()

    @property
    def subscription_count(self) -> int:
        """Channels and patterns together, as the replies of SUBSCRIBE and PSUBSCRIBE count them."""
        return len(self.channels) + len(self.patterns)

    @property
    def is_subscribed(self) -> bool:
        """Whether the client has a subscription of any kind."""
        return bool(self.channels or self.patterns or self.shard_channels)

    @property
    def in_restricted_mode(self) -> bool:
        """Whether only pub/sub commands are allowed: RESP2 with any subscription."""
        return self.protocol == 2 and self.is_subscribed

    @property
    def is_replica(self) -> bool:
        """Whether the client is fed with the replication stream."""
        return self.replica is not None and self.replica.attached

    @property
    def is_silent(self) -> bool:
        """Whether the client has switched its replies off, for good or for this command."""
        return self.reply_mode is REPLY_OFF or self.reply_mode is REPLY_SKIP

    def heard(self, reply: Reply) -> Reply:
        """What of *reply* the client gets. Messages, and the confirmations of SUBSCRIBE, reach the most silent."""
        if not self.is_silent or isinstance(reply, Push | Replies):
            return reply
        return NO_REPLY

    def push(self, message: Reply) -> None:
        """Send what this client did not ask for, in its right place if a command of its own is what caused it."""
        if self.pushes is None:
            self.deliver(message)
        else:
            self.pushes.append(message)

    @property
    def is_local(self) -> bool:
        """Whether the client is on this machine: what directives mean by ``local``. One in the same process is."""
        host = self.address.rpartition(":")[0]
        return self.unix_socket or host in ("", "127.0.0.1", "[::1]", "::1")

    def update_gate(self) -> None:
        """Set ``gate`` when a command of this session needs more than a look-up and a call. Call it after a change
        of what is read here."""
        self.gate = (
            not self.authenticated
            or self.user.is_restricted
            or self.transaction is not None
            or self.reply_mode is not REPLY_ON
            or self.no_touch
            or self.monitoring
            or self.is_replica
            or self.is_subscribed
        )


def _nothing() -> None:
    return None


def _never() -> bool:
    return False


def _empty() -> int:
    return 0


def _no_request() -> tuple[int, int]:
    return 0, 0
