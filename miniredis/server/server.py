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
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from miniredis.engine.config import ConfigError
from miniredis.engine.engine import Engine
from miniredis.engine.timers import Timer
from miniredis.resp.encoder import Encoder
from miniredis.resp.request import RequestParser
from miniredis.resp.types import Reply
from miniredis.server import listeners
from miniredis.server.connection import Connection, format_address
from miniredis.server.entrance import Entrance
from miniredis.server.listeners import Listener
from miniredis.server.log import VERBOSE
from miniredis.server.meanwhile import take_turn
from miniredis.server.outgoing import exchange
from miniredis.server.sockets import HAS_EPOLL, Sockets
from miniredis.server.wakeup import Wakeup

if TYPE_CHECKING:
    import ssl

    from miniredis.engine.session import Session
    from miniredis.server.tls import Handshake

logger = logging.getLogger("miniredis")

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


_OF_TLS_CONTEXT: Final = (
    *("tls-auth-clients", "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-ciphers", "tls-ciphersuites"),
    *("tls-dh-params-file", "tls-key-file", "tls-key-file-pass", "tls-prefer-server-ciphers", "tls-protocols"),
)
"""The directives that a TLS context follows from."""


class Server:
    """*engine* on the network.

    What it listens on is said by the engine's config: ``bind``, ``port``, ``unixsocket``, ``tls-port``. Port 0 takes
    one that is free, unless *takes_free_port* is false: then, and where ``tls-port`` is given, it means no plain TCP at
    all. *owns_loop* says that nothing but this server runs on its event loop, and timers can wait for some milliseconds
    while clients are busy.

    Attributes:
        unix_socket: the path of the Unix socket, or "".
        connections: everybody who is connected or being accepted, or whose last replies are still on their way.
        on_stopped: called when it has stopped, before anybody who waits for that is told.
        woken: whose wait a command has just ended, and who has sent more meanwhile; None for who is told of its work.
        taking_turns: how many connections have more to execute than one turn of the event loop allows.
        encoders: for RESP2 and RESP3.
        frames: what they encode a reply of each class with (see :class:`miniredis.resp.encoder.Encoder`).
    """

    def __init__(self, engine: Engine, *, owns_loop: bool = False, takes_free_port: bool = True) -> None:
        self.engine = engine
        self._owns_loop = owns_loop
        self._takes_free_port = takes_free_port
        self.unix_socket = ""
        self.connections: set[Connection] = set()
        self.handshakes: set[Handshake] = set()
        self.taking_turns = 0
        self._errands = 0
        digits = engine.version.format_double
        self.encoders = {2: Encoder(2, digits), 3: Encoder(3, digits)}
        self.frames = {protocol: encoder.frame_of for protocol, encoder in self.encoders.items()}
        self._delivered: tuple[Reply, int, bytes] | None = None
        self.loop: asyncio.AbstractEventLoop
        self._sockets: Sockets | None = None
        self._tcp = Entrance(self.new_connection)
        self._tls = Entrance(self._new_handshake)
        self._tls_context: ssl.SSLContext | None = None
        self._unix: Listener | None = None
        self._attention: deque[Connection] = deque()
        self._is_attending = False
        self.woken: list[Connection | None] = []
        self._idle_timer: Timer | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._wakeup: Wakeup | None = None
        self.on_stopped: Callable[[], None] | None = None
        engine.config.on_change("timeout", self._close_idle)
        for name in ("proto-max-bulk-len", "client-query-buffer-limit"):
            engine.config.on_change(name, self._pass_limits_on)
        engine.config.on_change("port", self._move_port)
        engine.config.on_change("tls-port", self._move_tls_port)
        engine.config.on_change("bind", self._move_addresses)
        for name in _OF_TLS_CONTEXT:
            engine.config.on_change(name, self._renew_certificates)

    # Life

    async def start(self) -> None:
        """Listen, on the running loop, until :meth:`stop` or a client's ``SHUTDOWN``.

        Raises :class:`~miniredis.server.listeners.ListenError`; then nothing is left open.
        """
        self.loop = asyncio.get_running_loop()
        self._stopping = None
        self._stopped = asyncio.Event()
        self.taking_turns = self._errands = 0
        config = self.engine.config
        if HAS_EPOLL:
            self._sockets = Sockets(self.loop, self._is_idle if self._owns_loop else None, self._finish)
        try:
            if config.port or (self._takes_free_port and not config.tls_port):
                self._tcp.open(config.bind, config.port, config.tcp_backlog, self._sockets)
            if config.tls_port:
                self._read_certificates()
                self._tls.open(config.bind, config.tls_port, config.tcp_backlog)
            if config.unixsocket:
                path = config.unixsocket
                unix = listeners.bind_unix(path, config.unixsocketperm, config.tcp_backlog)
                self.unix_socket = path
                self._unix = Listener(self.loop, unix, self.new_connection, self._sockets)
        except BaseException:
            await self.stop()  # so that whoever wants to stop it later finds that done
            raise
        self._wakeup = Wakeup(self.engine, self.loop)
        self.engine.on_shutdown = self._shut_down
        self.engine.on_slow_script = self._serve_meanwhile
        self.engine.exchange = exchange
        self.engine.client_memory.on_change = self._evict_clients_soon
        self.engine.tracking.on_news = self._attend_before_reply

    async def stop(self) -> None:
        """Close everything, at once, whatever clients wait for."""
        await asyncio.shield(self.begin_stop())

    def begin_stop(self) -> asyncio.Task[None]:
        """What :meth:`stop` waits for, under way. To be called on the server's loop."""
        self.engine.stop_script()
        if self._stopping is None:
            self._stopping = self.loop.create_task(self._close())
        return self._stopping

    def _shut_down(self) -> None:
        """Begin to stop because a client wants it: from here on nobody is told anything, as by a process that exits."""
        for connection in self.connections:
            connection.fall_silent()
        if self._sockets is not None:
            self._sockets.unsent.clear()
        self.begin_stop()

    async def wait_stopped(self) -> None:
        """Return when the server has stopped, whoever wanted it to."""
        await self._stopped.wait()

    async def _close(self) -> None:
        self.engine.on_shutdown = None
        self.engine.on_slow_script = None
        self.engine.client_memory.on_change = None
        self.engine.tracking.on_news = None
        if self._wakeup is not None:
            self._wakeup.stop()
            self._wakeup = None
        await self._tcp.close()
        await self._tls.close()
        if self._unix is not None:
            await self._unix.close()
            self._unix = None
        if self.unix_socket:
            listeners.remove_socket(self.unix_socket)
            self.unix_socket = ""
        for connection in list(self.connections):
            connection.abort()
        for handshake in list(self.handshakes):
            handshake.abort()
        while self.connections or self.handshakes:
            await asyncio.sleep(0)
        if self._sockets is not None:
            self._sockets.close()
            self._sockets = None
        if self.on_stopped is not None:
            self.on_stopped()
        self._stopped.set()

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._wakeup is not None

    @property
    def host(self) -> str:
        """An address at which a client of this machine finds it; "" without TCP."""
        return self._tcp.host or self._tls.host

    @property
    def port(self) -> int:
        """The plain TCP port; 0 without one."""
        return self._tcp.port

    @property
    def tls_port(self) -> int:
        """The TLS port; 0 without one."""
        return self._tls.port

    @property
    def url(self) -> str:
        """Where a client finds this server: ``redis://``, else ``rediss://``, else ``unix://``."""
        if self.port:
            return f"redis://{format_address(self.host, self.port)}"
        if self.tls_port:
            return f"rediss://{format_address(self.host, self.tls_port)}"
        return f"unix://{self.unix_socket}"

    # What CONFIG SET moves

    def _move_port(self) -> None:
        self._move(self._tcp, self.engine.config.port, "Unable to listen on this port. Check server logs.")

    def _move_tls_port(self) -> None:
        port = self.engine.config.tls_port
        if port and self._tls_context is None:
            self._renew_certificates()
        self._move(self._tls, port, "Unable to listen on this port. Check server logs.")

    def _renew_certificates(self) -> None:
        """Let who comes from now on meet what the directives say now, or what they said before if they are wrong."""
        if not self.engine.config.tls_port:
            self._tls_context = None
        elif self.is_running:
            try:
                self._read_certificates()
            except listeners.ListenError as error:
                logger.warning("%s", error)
                raise ConfigError("Unable to update TLS configuration. Check server logs.") from error

    def _move_addresses(self) -> None:
        config = self.engine.config
        for entrance, port in ((self._tcp, config.port), (self._tls, config.tls_port)):
            self._move(entrance, port, "Failed to bind to specified addresses.")

    def _move(self, entrance: Entrance, port: int, complaint: str) -> None:
        if not self.is_running:
            return
        config = self.engine.config
        try:
            entrance.move(config.bind, port, config.tcp_backlog)
        except listeners.ListenError as error:
            logger.warning("%s", error)
            raise ConfigError(complaint) from error

    # Connections

    def new_connection(self) -> Connection:
        """A connection that waits for its transport."""
        connection = Connection(self)
        self.connections.add(connection)
        return connection

    def _read_certificates(self) -> None:
        from miniredis.server import tls  # the ssl module takes longer to import than all of this package

        self._tls_context = tls.new_context(self.engine.config)

    def _new_handshake(self) -> Handshake:
        from miniredis.server import tls

        assert self._tls_context is not None
        return tls.Handshake(self, self._tls_context)

    def new_parser(self) -> RequestParser:
        """A parser with the limits of the emulated version and the configuration."""
        engine = self.engine
        parser = RequestParser(
            authenticated=engine.acl.lets_in_anybody,
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
            if config.protected_mode and self.engine.acl.default.nopass and not _is_loopback(peer[0]):
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

    def _is_idle(self) -> bool:
        return not (self._attention or self.taking_turns or self._errands) and self._stopping is None

    def _evict_clients_soon(self) -> None:
        self.call_soon(self.engine.client_memory.evict)

    def call_soon(self, errand: Callable[[], None]) -> None:
        """Do *errand* in the next turn of the event loop, which comes before anybody is read from once more."""
        self._errands += 1
        self.loop.call_soon(self._do, errand)

    def _do(self, errand: Callable[[], None]) -> None:
        self._errands -= 1
        errand()

    def _attend_before_reply(self) -> None:
        """Others are told that keys are invalid, or are to be: attend to them before the one who was the cause."""
        if not self._attention:
            self.call_soon(self.attend)
        if not self.woken:
            self.woken.append(None)

    def attend_soon(self, connection: Connection) -> None:
        """Call ``connection.attend()`` in the next turn of the event loop; one turn serves all who ask."""
        if not self._attention:
            self.loop.call_soon(self.attend)
        self._attention.append(connection)

    def attend(self) -> None:
        """Attend to everybody who has asked for it, and to whom they make ask: a client who gets what he has waited for
        may, by what he sent meanwhile, end the wait of another, and Redis lets nobody in between.

        What is to be broadcast comes then (see :mod:`miniredis.engine.tracking`), and what only has to be written last.
        """
        self._delivered = None
        self._is_attending = True
        try:
            with contextlib.nullcontext() if self._sockets is None else self._sockets.gathering():
                for listener in self._attend_to_requests():
                    listener.attend()
        finally:
            self._is_attending = False
            self.woken.clear()

    def _attend_to_requests(self) -> list[Connection]:
        """Attend to who has something left to be executed. Returns who has only to be written to."""
        listeners: list[Connection] = []
        while True:
            while self.woken or self._attention:
                if self.woken:  # in the order in which they were, whoever was told something before
                    connection = self.woken.pop(0)
                    if connection is not None and connection.has_requests:
                        connection.attend()
                    continue
                connection = self._attention.popleft()
                if connection.has_requests:
                    connection.attend()
                else:
                    listeners.append(connection)
            self.engine.tracking.broadcast()
            self._attention.extend(each for each in listeners if each.has_requests)  # woken by one of the others
            if not self._attention:
                return listeners
            listeners = [each for each in listeners if not each.has_requests]

    def attend_woken(self) -> None:
        """Attend to whom a command has woken, before its own client has its reply: as in Redis, where what the others
        have sent meanwhile may even end that client. But after all who are served together have had their turn."""
        if not self._is_attending and (self._sockets is None or not self._sockets.gathers):
            self.attend()

    def _finish(self) -> None:
        """What is done when all who are served together have had their turn."""
        if self.woken and not self._is_attending:
            self.attend()

    def _serve_meanwhile(self, session: Session) -> None:
        """Let others have a turn while a script of *session* takes too long."""
        connection = next((each for each in self.connections if each.has(session)), None)
        with contextlib.nullcontext() if connection is None else connection.not_read():
            if self._attention:
                self.loop.call_soon(self.attend)
            if self._sockets is not None:
                self._sockets.renew()
            take_turn(self.loop)


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
