"""A server: one engine, its listeners and connections, on one event loop.

It owns what it opens. ``stop`` returns when every socket is closed and every client forgotten; nothing of the server is
left on the loop after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from miniredis.engine.engine import Engine
from miniredis.engine.timers import Timer
from miniredis.resp.encoder import Encoder
from miniredis.resp.request import RequestParser
from miniredis.resp.types import Reply
from miniredis.server import listeners
from miniredis.server.connection import Connection, format_address
from miniredis.server.listeners import Listener
from miniredis.server.log import VERBOSE
from miniredis.server.wakeup import Wakeup

if TYPE_CHECKING:
    from miniredis.server.tls import Handshake

logger = logging.getLogger("miniredis")

READ_SIZE: Final = 1 << 16
"""Bytes read from a client in one turn of the event loop."""

_PROTECTED_MODE_REFUSAL: Final = (
    b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    b"default user. In this mode connections are only accepted from the loopback interface. If you want to connect"
    b" from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected "
    b"mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis "
    b"from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet "
    b"if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the "
    b"protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and "
    b"then restarting the server. 3) If you started the server manually just for testing, restart it with the '--"
    b"protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need "
    b"to do one of the above things in order for the server to start accepting connections from the outside.\r\n"
)


class Server:
    """*engine* on the network.

    What it listens on is said by the engine's config: ``bind``, ``port``, ``unixsocket``, ``tls-port``. Port 0 takes
    one that is free, and means no plain TCP at all where ``tls-port`` is given, or where *tcp* is False.

    Attributes:
        port: the plain TCP port; 0 without one. ``tls_port`` alike.
        unix_socket: the path of the Unix socket, or "".
        connections: everybody who is connected or being accepted, or whose last replies are still on their way.
        taking_turns: how many connections have more to execute than one turn of the event loop allows.
        read_buffer: where all connections receive into, one after the other.
        frames: for RESP2 and RESP3, what encodes a reply of each class (see :class:`miniredis.resp.encoder.Encoder`).
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.host = ""
        self.port = 0
        self.tls_port = 0
        self.unix_socket = ""
        self.connections: set[Connection] = set()
        self.handshakes: set[Handshake] = set()
        self.taking_turns = 0
        self.read_buffer = memoryview(bytearray(READ_SIZE))
        digits = engine.version.format_double
        self.frames = {2: Encoder(2, digits).frame_of, 3: Encoder(3, digits).frame_of}
        self._delivered: tuple[Reply, int, bytes] | None = None
        self.loop: asyncio.AbstractEventLoop
        self._listeners: list[Listener] = []
        self._attention: list[Connection] = []
        self._idle_timer: Timer | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._wakeup: Wakeup | None = None
        engine.config.on_change("timeout", self._close_idle)
        for name in ("proto-max-bulk-len", "client-query-buffer-limit"):
            engine.config.on_change(name, self._pass_limits_on)

    # Life

    async def start(self) -> None:
        """Listen, on the running loop, until :meth:`stop` or a client's ``SHUTDOWN``.

        Raises :class:`~miniredis.server.listeners.ListenError`; then nothing is left open.
        """
        self.loop = asyncio.get_running_loop()
        self._stopping = None
        self._stopped = asyncio.Event()
        self.taking_turns = 0
        config = self.engine.config
        try:
            if config.port or not config.tls_port:
                for each in listeners.bind_tcp(config.bind, config.port, config.tcp_backlog):
                    self._note_address(each)
                    self.port = each.getsockname()[1]
                    self._listen(each, self.new_connection)
            if config.tls_port:
                self._listen_for_tls()
            if config.unixsocket:
                path = config.unixsocket
                unix = listeners.bind_unix(path, config.unixsocketperm, config.tcp_backlog)
                self.unix_socket = path
                self._listen(unix, self.new_connection)
        except BaseException:
            await self.stop()  # so that whoever wants to stop it later finds that done
            raise
        self._wakeup = Wakeup(self.engine, self.loop)
        self.engine.on_shutdown = self.begin_stop

    def _listen_for_tls(self) -> None:
        from miniredis.server import tls  # the ssl module takes longer to import than all of this package

        config = self.engine.config
        context = tls.new_context(config)
        for each in listeners.bind_tcp(config.bind, config.tls_port, config.tcp_backlog):
            self._note_address(each)
            self.tls_port = each.getsockname()[1]
            self._listen(each, lambda: tls.Handshake(self, context))

    def _listen(self, listener: socket.socket, new_protocol: Callable[[], asyncio.BaseProtocol]) -> None:
        self._listeners.append(Listener(self.loop, listener, new_protocol))

    def _note_address(self, listener: socket.socket) -> None:
        if not self.host:
            host = listener.getsockname()[0]
            self.host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)

    async def stop(self) -> None:
        """Close everything, at once, whatever clients wait for."""
        await asyncio.shield(self.begin_stop())

    def begin_stop(self) -> asyncio.Task[None]:
        """What :meth:`stop` waits for, under way. To be called on the server's loop."""
        if self._stopping is None:
            self._stopping = self.loop.create_task(self._close())
        return self._stopping

    async def wait_stopped(self) -> None:
        """Return when the server has stopped, whoever wanted it to."""
        await self._stopped.wait()

    async def _close(self) -> None:
        self.engine.on_shutdown = None
        if self._wakeup is not None:
            self._wakeup.stop()
            self._wakeup = None
        accepting, self._listeners = self._listeners, []
        for listener in accepting:
            await listener.close()
        if self.unix_socket:
            listeners.remove_socket(self.unix_socket)
            self.unix_socket = ""
        for connection in list(self.connections):
            connection.abort()
        for handshake in list(self.handshakes):
            handshake.abort()
        while self.connections or self.handshakes:
            await asyncio.sleep(0)
        self.host = ""
        self.port = self.tls_port = 0
        self._stopped.set()

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return bool(self._listeners)

    @property
    def url(self) -> str:
        """Where a client finds this server: ``redis://``, else ``rediss://``, else ``unix://``."""
        if self.port:
            return f"redis://{format_address(self.host, self.port)}"
        if self.tls_port:
            return f"rediss://{format_address(self.host, self.tls_port)}"
        return f"unix://{self.unix_socket}"

    # Connections

    def new_connection(self) -> Connection:
        """A connection that waits for its transport."""
        connection = Connection(self)
        self.connections.add(connection)
        return connection

    def new_parser(self) -> RequestParser:
        """A parser with the limits of the emulated version and the configuration."""
        engine = self.engine
        parser = RequestParser(
            authenticated=not engine.config.requirepass,
            checks_crlf=engine.version.is_valkey,
            quotes_join=engine.version.is_valkey,
        )
        self.set_limits(parser)
        return parser

    def _pass_limits_on(self) -> None:
        for connection in self.connections:
            self.set_limits(connection.parser)

    def set_limits(self, parser: RequestParser) -> None:
        """Give *parser* the limits of the configuration."""
        parser.proto_max_bulk_len = self.engine.config.proto_max_bulk_len
        parser.client_query_buffer_limit = self.engine.config.client_query_buffer_limit

    def refusal(self, transport: asyncio.Transport) -> bytes | None:
        """The error with which a new client is turned away; None to take it in."""
        config = self.engine.config
        if len(self.engine.sessions) >= config.maxclients:
            self.engine.statistics.rejected_connections += 1
            return b"-ERR max number of clients reached\r\n"
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            if config.protected_mode and not config.requirepass and not _is_loopback(peer[0]):
                self.engine.statistics.rejected_connections += 1
                return _PROTECTED_MODE_REFUSAL
            if config.tcp_keepalive:
                with contextlib.suppress(OSError):  # not every system takes every interval
                    _keep_alive(transport.get_extra_info("socket"), config.tcp_keepalive)
        if config.timeout and self._idle_timer is None:
            self.loop.call_soon(self._close_idle)
        return None

    def _close_idle(self) -> None:
        """Close who has sent nothing for ``timeout`` seconds, and look again when the next one may have been idle so
        long. Whoever waits, listens or monitors is not idle."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        engine = self.engine
        timeout = engine.config.timeout * 1000
        if not timeout or not self.connections:
            return
        idle_since = engine.now
        for connection in list(self.connections):
            since = connection.idle_since()
            if since is None:
                continue
            if engine.now - since > timeout:
                logger.log(VERBOSE, "Closing idle client")
                connection.abort()
            else:
                idle_since = min(since, idle_since)
        self._idle_timer = engine.timers.call_at(idle_since + timeout + 1, self._close_idle)

    def forget(self, connection: Connection) -> None:
        """*connection* is closed and gone."""
        self.connections.discard(connection)

    def frame_to_deliver(self, reply: Reply, protocol: int) -> bytes:
        """*reply* encoded; only once when it is delivered to many, one after the other."""
        delivered = self._delivered
        if delivered is not None and delivered[0] is reply and delivered[1] == protocol:
            return delivered[2]
        frame = self.frames[protocol][reply.__class__](reply)
        self._delivered = (reply, protocol, frame)
        return frame

    def attend_soon(self, connection: Connection) -> None:
        """Call ``connection.attend()`` in the next turn of the event loop; one turn serves all who ask."""
        if not self._attention:
            self.loop.call_soon(self.attend)
        self._attention.append(connection)

    def attend(self) -> None:
        """Attend to everybody who has asked for it, and to whom they make ask: a client who gets what he has waited for
        may, by what he sent meanwhile, end the wait of another, and Redis lets nobody in between."""
        self._delivered = None
        while self._attention:
            waiting, self._attention = self._attention, []
            for connection in waiting:
                connection.attend()


def _is_loopback(host: str) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _keep_alive(connection: socket.socket, interval: int) -> None:
    """Have the kernel find out that a client is gone without a word: *interval* in seconds, as Redis sets it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, interval)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(interval // 3, 1))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
