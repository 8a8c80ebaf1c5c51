"""redis-py's synchronous connection, on a line to an engine in place of a socket.

What redis-py does with a connection (connect and say hello, authenticate, retry, check its health, subscribe again) is
left to redis-py. Replaced is what would touch the socket: sending, reading, asking whether there is something to read.
The line itself takes the socket's place in ``_sock``, so that redis-py closes it as it would close that.
"""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

import redis
from redis._parsers import _RESP3Parser
from redis.connection import UnixDomainSocketConnection

from miniredis.embedded.arguments import Packer
from miniredis.embedded.dialogue import CLOSED, PLAIN, Dialogue, without_transport
from miniredis.embedded.line import Line
from miniredis.embedded.replies import UnframedError
from miniredis.embedded.servers import HasDriver
from miniredis.resp.types import OK, Push

_UNSET: Final = object()


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


class Connection(Dialogue, UnixDomainSocketConnection):
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

    # Life

    def set_parser(self, parser_class: object) -> None:
        self._parser = EngineParser(socket_read_size=0)

    def _connect(self) -> Line:
        return self._new_line()

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
                        return self._reads[kind](reply)
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
                response = self._response_to(line, reply, as_bytes=disable_decoding)
            except UnframedError:
                continue
            if not isinstance(reply, Push) or self.protocol == 2:
                return response
            handled = self._handled_by(response)
            if push_request:
                return handled
            timeout = self.socket_timeout


_health_clock: Final = getattr(redis.connection, "time", monotonic)


def _now() -> float:
    """The time by the clock that redis-py itself has for health checks: PubSub looks at it as well."""
    return _health_clock() if callable(_health_clock) else monotonic()
