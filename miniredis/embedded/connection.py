"""redis-py's synchronous connection, on a line to an engine in place of a socket.

What redis-py does with a connection (connect and say hello, authenticate, retry, check its health, subscribe again) is
left to redis-py. Replaced is what would touch the socket: sending, reading, asking whether there is something to read.
The line itself takes the socket's place in ``_sock``, so that redis-py closes it as it would close that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Final

import redis
from redis._parsers import _RESP3Parser
from redis.connection import UnixDomainSocketConnection

from miniredis.embedded.arguments import Packer
from miniredis.embedded.line import Line
from miniredis.embedded.replies import Reader, Unframed, UnframedError
from miniredis.embedded.servers import HasDriver, driver_of
from miniredis.resp.types import OK, Push, SimpleString

CLOSED: Final = "Connection closed by server."

_UNSET: Final = object()

_OF_TRANSPORTS: Final = frozenset(
    {
        "connection_pool",
        "event_dispatcher",
        "host",
        "maint_notifications_config",
        "maint_notifications_pool_handler",
        "orig_host_address",
        "orig_socket_connect_timeout",
        "orig_socket_timeout",
        "oss_cluster_maint_notifications_handler",
        "path",
        "port",
        "socket_keepalive",
        "socket_keepalive_options",
        "socket_type",
    }
)
"""Options that are about sockets, certificates and the like. ``ssl_…`` are as well."""


def without_transport(options: dict[str, Any]) -> dict[str, Any]:
    """*options* of a connection without those that mean nothing where there is no socket."""
    return {
        name: value
        for name, value in options.items()
        if name not in _OF_TRANSPORTS and not name.startswith("ssl_") and name != "server"
    }


def read_set(members: list[Any]) -> Any:
    """What this version of redis-py makes of a RESP3 set: before 5.1 a ``set``, if its members can be in one."""
    if hasattr(_RESP3Parser, "handle_pubsub_push_response"):
        return members
    try:
        return set(members)
    except TypeError:
        return members


class EngineParser(_RESP3Parser):
    """Stands where redis-py's parser would: it makes exceptions of errors, and knows who handles pushed messages."""

    def on_connect(self, connection: Any) -> None:
        self.encoder = connection.encoder

    def on_disconnect(self) -> None:
        self.encoder = None

    def read_response(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("a connection to an engine reads typed replies, no bytes")

    def can_read(self, timeout: float | None = 0) -> bool:
        raise NotImplementedError("a connection to an engine asks its line")


class Connection(UnixDomainSocketConnection):
    """A connection to *server*: a ``MiniRedis``, or the name of one that is registered. Other options are redis-py's.

    Options that are about a socket or its address are taken, and mean nothing.
    """

    host: Any = "localhost"
    """What its client calls the server's host. It makes no difference."""

    _sock: Any
    next_health_check: Any

    def __init__(self, *, server: HasDriver | str, **options: Any) -> None:
        self._server = server
        self.host = options.get("host", "localhost")
        self.port = options.get("port", 0)
        super(UnixDomainSocketConnection, self).__init__(**without_transport(options))
        self.path = options.get("path", "")
        self._packer = Packer(self.encoder, is_usual=True)
        self._pack = self._packer.pack
        self._reader: Reader
        self._reader_of_bytes: Reader
        self._unframed: Unframed

    def repr_pieces(self) -> list[tuple[str, Any]]:
        pieces = [("server", self._server), ("db", self.db)]
        return [*pieces, ("client_name", self.client_name)] if self.client_name else pieces

    def _host_error(self) -> str:
        return f"{self._server}"

    def get_resolved_ip(self) -> None:
        return None

    # Life

    def set_parser(self, parser_class: object) -> None:
        self._parser = EngineParser(socket_read_size=0)

    def _connect(self) -> Line:
        driver = driver_of(self._server)
        digits = driver.engine.version.format_double
        encoder = self.encoder
        decode = encoder.decode if encoder.decode_responses else None
        parse = parse_error(self._parser)
        self._reader_of_bytes = Reader(self.protocol, None, parse, digits, read_set)
        self._reader = self._reader_of_bytes
        if decode is not None:
            self._reader = Reader(self.protocol, decode, parse, digits, read_set)
        self._unframed = Unframed(digits)
        self._ok = b"OK" if decode is None else "OK"
        return driver.connect()

    def connect(self) -> None:
        if self._sock is None:  # a pool asks this before each command
            super().connect()

    def __del__(self) -> None:
        line = getattr(self, "_sock", None)
        if line is not None:
            line.close()

    # Requests

    def check_health(self) -> None:
        if self.health_check_interval and _now() > self.next_health_check:
            self.retry.call_with_retry(self._send_ping, lambda error: self.disconnect())

    def pack_command(self, *args: Any) -> Any:
        return [self._pack(args)]

    def pack_commands(self, commands: Iterable[Any]) -> Any:
        pack = self._pack
        return [pack(command) for command in commands]

    def send_command(self, *args: Any, **options: Any) -> None:
        argv = self._pack(args)
        line = self._sock
        if line is None or self.health_check_interval:
            line = self._ready_line(options.get("check_health", True))
        line.send(argv)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        requests = self._packer.requests(command)
        line = self._ready_line(check_health)
        try:
            line.send_all(requests)
        except BaseException:
            self.disconnect()
            raise

    def _ready_line(self, check_health: bool) -> Line:
        if self._sock is None:
            self._connect_again()
        if check_health:
            self.check_health()
        if self._sock is None:
            self._connect_again()
        line: Line = self._sock
        return line

    def _connect_again(self) -> None:
        connect = getattr(self, "connect_check_health", None)
        if connect is None:
            self.connect()
        else:
            connect(check_health=False)

    # Replies

    def can_read(self, timeout: float | None = 0) -> bool:
        if self._sock is None:
            self.connect()
        line: Line = self._sock
        if timeout == 0 and not line.inbox and not line.closed and not line.driver.has_errands:
            return False  # a pool asks this before each command
        if not line.inbox and not line.driver.sleepers.wait(line, timeout):
            return False
        if not line.inbox:
            self.disconnect()
            raise redis.ConnectionError(CLOSED)
        return True

    def read_response(
        self,
        disable_decoding: bool = False,
        *,
        timeout: Any = _UNSET,
        disconnect_on_error: bool = True,
        push_request: bool = False,
    ) -> Any:
        line = self._sock
        if line is not None and not self.health_check_interval and not disable_decoding:
            inbox = line.inbox
            if inbox:
                reply = inbox.popleft()
                kind = reply.__class__
                if kind is int:
                    return reply
                if reply is OK:
                    return self._ok
                if kind in PLAIN:
                    try:
                        return self._reader[kind](reply)
                    except UnframedError:
                        pass
                inbox.appendleft(reply)
        try:
            if not isinstance(timeout, int | float) and timeout is not None:
                timeout = self.socket_timeout
            response = self._read(line, disable_decoding, timeout, push_request)
        except BaseException:
            if disconnect_on_error:
                self.disconnect()
            raise
        if self.health_check_interval:
            self.next_health_check = _now() + self.health_check_interval
        if isinstance(response, redis.ResponseError):
            try:
                raise response
            finally:
                del response  # a frame that holds what it raises would hold itself
        return response

    def _read(self, line: Line | None, disable_decoding: bool, timeout: float | None, push_request: bool) -> Any:
        while True:
            if line is None:
                raise redis.ConnectionError(CLOSED)
            if not line.inbox:
                if not line.driver.sleepers.wait(line, timeout):
                    raise redis.TimeoutError("Timeout reading from socket")
                if not line.inbox:
                    raise redis.ConnectionError(CLOSED)
            reply = line.inbox.popleft()
            try:
                response = (self._reader_of_bytes if disable_decoding else self._reader)[reply.__class__](reply)
            except UnframedError:
                line.inbox.extendleft(reversed(self._unframed.replies(reply, line.session.protocol)))
                continue
            if not isinstance(reply, Push) or self.protocol == 2:
                return response
            handled = self._handle_push(response)
            if push_request:
                return handled
            timeout = self.socket_timeout

    def _handle_push(self, message: Any) -> Any:
        parser: Any = self._parser
        if hasattr(parser, "push_handler_func"):  # redis-py before 5.1
            return parser.push_handler_func(message)
        return parser.handle_push_response(message)


def parse_error(parser: Any) -> Callable[[str], Exception]:
    """What *parser* makes of an error's line. One that ends the connection it raises, wherever it stands."""
    parse = parser.parse_error

    def raise_or_return(line: str) -> Exception:
        error: Exception = parse(line)
        if isinstance(error, redis.ConnectionError):
            raise error
        return error

    return raise_or_return


PLAIN: Final = frozenset({bytes, int, list, type(None), SimpleString})
"""Classes of replies that are neither errors nor pushed messages, and so need no closer look."""

_health_clock: Final = getattr(redis.connection, "time", monotonic)


def _now() -> float:
    """The time by the clock that redis-py itself has for health checks: PubSub looks at it as well."""
    return _health_clock() if callable(_health_clock) else monotonic()
