"""redis-py's asyncio connection, on a line to an engine in place of a stream.

As in :mod:`miniredis.embedded.connection`, redis-py itself does what is not about bytes. The line stands in the places
of both halves of the stream; closing it waits for nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from typing import Any

import redis
from redis._parsers import Encoder, _AsyncRESP3Parser
from redis.asyncio.connection import UnixDomainSocketConnection

from miniredis.embedded.arguments import Packer
from miniredis.embedded.dialogue import CLOSED, PLAIN, Dialogue, without_transport
from miniredis.embedded.line import BATCHES, Line
from miniredis.embedded.replies import UnframedError
from miniredis.embedded.servers import HasDriver
from miniredis.embedded.sleepers import put_off_cancellation
from miniredis.resp.types import OK, Push


class AsyncEngineParser(_AsyncRESP3Parser):
    """Stands where redis-py's parser would: it makes exceptions of errors, and knows who handles pushed messages."""

    def on_connect(self, connection: Any) -> None:
        self.encoder = connection.encoder
        self._connected = True

    def on_disconnect(self) -> None:
        self._connected = False

    async def read_response(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("a connection to an engine reads typed replies, no bytes")


class _Stream:
    """Both halves of a stream, as far as redis-py still asks for them."""

    __slots__ = ("line", "transport")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.transport = self

    def close(self) -> None:
        """End the session."""
        self.line.close()

    async def wait_closed(self) -> None:
        """It is closed at once."""

    def is_closing(self) -> bool:
        """Whether it is closed, by either side."""
        return self.line.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """There is no socket to tell of."""
        return default


class AsyncConnection(Dialogue, UnixDomainSocketConnection):
    """A connection to *server*: a ``MiniRedis``, or the name of one that is registered. Other options are redis-py's.

    Options that are about a socket or its address are taken, and mean nothing.
    """

    def __init__(self, *, server: HasDriver | str, **options: Any) -> None:
        self._server = server
        self._line: Line | None = None
        self.host = options.get("host", "localhost")
        self.port = options.get("port", 0)
        super().__init__(path=options.get("path", ""), **without_transport(options))
        self._packer = Packer(self.encoder, is_usual=type(self.encoder) is Encoder)

    # Life

    def set_parser(self, parser_class: object) -> None:
        self._parser = AsyncEngineParser(socket_read_size=0)

    async def _connect(self) -> None:
        line = self._line = self._new_line()
        stream: Any = _Stream(line)
        self._reader = self._writer = stream

    async def connect(self) -> None:
        if self._line is None:  # a pool asks this before each command
            await super().connect()

    async def disconnect(self, *args: Any, **options: Any) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
        await super().disconnect(*args, **options)

    def _close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()
        self._reader = self._writer = None

    def __del__(self, *_: Any) -> None:
        line = getattr(self, "_line", None)
        if line is not None:
            line.close()

    # Requests

    async def check_health(self) -> None:
        if self.health_check_interval and asyncio.get_running_loop().time() > self.next_health_check:
            await self.retry.call_with_retry(self._send_ping, lambda error: self.disconnect())

    async def send_command(self, *args: Any, **options: Any) -> None:
        argv = self._packer.pack(args)
        line = self._line
        if line is None or self.health_check_interval:
            line = await self._ready_line(options.get("check_health", True))
        await self._send(line, [argv])

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        requests = self._packer.requests(command)
        await self._send(await self._ready_line(check_health), requests)

    async def _send(self, line: Line, requests: list[list[bytes]]) -> None:
        asked = line.begin_send(requests, next(BATCHES))
        if asked is None:
            return
        try:
            await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            if asked.cancelled():  # nobody has executed them
                await self.disconnect(nowait=True)
                raise
            asked.result()
            put_off_cancellation()  # what they have fetched would be lost

    async def _ready_line(self, check_health: bool) -> Line:
        if self._line is None:
            await self._connect_again()
        if check_health:
            await self.check_health()
        if self._line is None:
            await self._connect_again()
        assert self._line is not None
        return self._line

    async def _connect_again(self) -> None:
        connect = getattr(self, "connect_check_health", None)
        if connect is None:
            await self.connect()
        else:
            await connect(check_health=False)

    # Replies

    async def can_read(self) -> bool:
        line = self._line
        return line is not None and bool(line.inbox or line.closed)

    async def can_read_destructive(self) -> bool:
        return await self.can_read()

    async def read_response(
        self,
        disable_decoding: bool = False,
        timeout: float | None = None,
        *,
        disconnect_on_error: bool = True,
        push_request: bool | None = False,
    ) -> Any:
        line = self._line
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
            response = await self._read(line, disable_decoding, timeout, bool(push_request))
        except _OutOfPatience:
            if timeout is not None:
                return None
            if disconnect_on_error:
                await self.disconnect(nowait=True)
            raise redis.TimeoutError(f"Timeout reading from {self._host_error()}") from None
        except GeneratorExit:  # the task is thrown away, perhaps with its loop: there is nothing to await any more
            self._close()
            raise
        except BaseException:
            if disconnect_on_error:
                await self.disconnect(nowait=True)
            raise
        if self.health_check_interval:
            self.next_health_check = asyncio.get_running_loop().time() + self.health_check_interval
        if isinstance(response, redis.ResponseError):
            try:
                raise response
            finally:
                del response  # a frame that holds what it raises would hold itself
        return response

    async def _read(self, line: Line | None, disable_decoding: bool, timeout: float | None, push_request: bool) -> Any:
        patience = self.socket_timeout if timeout is None else timeout
        if patience == math.inf:
            patience = None
        while True:
            if line is None:
                raise redis.ConnectionError(CLOSED)
            if not line.inbox:
                if not await line.driver.sleepers.wait_async(line, patience):
                    raise _OutOfPatience
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
            if inspect.isawaitable(handled):
                handled = await handled
            if push_request:
                return handled


class _OutOfPatience(Exception):  # noqa: N818  it is no error yet
    """Nothing came in the time that a read was given."""
