"""The sockets of clients, watched together: an epoll of their own, which the event loop watches as one socket.

asyncio gives every socket that has something to say an entry in its list of what is ready, a handle and a context to
run in. For a client that sends forty bytes and waits for seven this costs more than its command. Here one callback of
the loop serves all clients that are ready: all are read from, then what they have sent is acted on, then what they are
answered is sent, as Redis does before it sleeps. One kind of work after the other is quicker than one client after the
other, for the processor has the code of it at hand, and whoever is answered need not be woken each time.

Only what is short is gathered so. Who sends or is answered much has a turn without others, and memory is bounded.

:class:`SocketTransport` keeps the contract of ``asyncio.Transport``, so that a protocol need not know which of the two
it has: TLS, and systems without epoll, have asyncio's own.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

HAS_EPOLL: Final = hasattr(select, "epoll")

_AT_ONCE: Final = 128
"""Clients that are served before the event loop has its turn."""

_MOMENT: Final = 0.001
"""Seconds: what epoll can wait at least, and twenty times what a client takes to send its next request."""

_ROUNDS: Final = 8
"""How often clients are waited for before the event loop has its turn."""

_READ_SIZE: Final = 1 << 14
"""Bytes that a client is expected to send, or to be sent, at most at a time; who sends more is read in larger
portions."""

_LARGEST_READ: Final = 1 << 18
"""Bytes that still fit into a processor's cache, from which they are copied once more when a long value is whole."""

_HIGH_WATER: Final = 1 << 16
"""Bytes left to take, from which on a client is slow; it is no longer from a quarter of them on."""

_IN: Final = 1
_OUT: Final = 4
if HAS_EPOLL:
    assert (select.EPOLLIN, select.EPOLLOUT) == (_IN, _OUT)  # so that they can be constants


class Sockets:
    """The sockets that *loop* watches by one epoll, until ``close()``.

    While it ``gathers``, what is written joins ``unsent``, and ``send`` is called at the end. Before that *finish* is,
    once for all that the clients of a turn have sent.

    Where nobody else needs the loop, *may_stay* tells whether nothing is to be done there at the moment: then clients
    who send again at once are served without a turn of it between. A turn costs what two commands do.
    """

    __slots__ = (
        "_acts_soon",
        "_finish",
        "_loop",
        "_lost",
        "_may_stay",
        "_received",
        "epoll",
        "gathers",
        "transports",
        "unsent",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        may_stay: Callable[[], bool] | None = None,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._may_stay = may_stay
        self._finish = finish
        self._lost: deque[tuple[SocketTransport, OSError | None]] = deque()
        self._received: deque[tuple[SocketTransport, bytes]] = deque()
        self.unsent: list[tuple[SocketTransport, bytes]] = []
        self._acts_soon = False
        self.gathers = False
        self.epoll = select.epoll()
        self.transports: dict[int, SocketTransport] = {}
        loop.add_reader(self.epoll, self._serve)

    def welcome(self, client: socket.socket, new_protocol: Callable[[], asyncio.Protocol]) -> None:
        """Give a new protocol the accepted, non-blocking socket *client*. Raises ``OSError`` if it is gone already."""
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = new_protocol()
        transport = SocketTransport(self._loop, self, client, protocol)
        protocol.connection_made(transport)
        transport.resume_reading()

    def renew(self) -> None:
        """Be ready to be called while a call is under way, which asyncio lets no callback be. What that has gathered
        need not wait for its end."""
        self._loop.remove_reader(self.epoll)
        self._loop.add_reader(self.epoll, self._serve)
        self.send()
        if self._received:
            self._act_soon()

    def close(self) -> None:
        """Watch nothing any more. The transports have to be closed before."""
        self._loop.remove_reader(self.epoll)
        self.epoll.close()

    def _serve(self) -> None:
        """Serve who is ready, and where the loop is ours, who is ready a moment later."""
        poll = self.epoll.poll
        if self._received:  # before anything newer
            self._act_on_received()
        ready = poll(0, _AT_ONCE)
        for _ in range(_ROUNDS):
            if len(ready) > 1:
                self._serve_together(ready)
            elif ready:
                descriptor, events = ready[0]
                self.transports[descriptor].act(events)
            if self._lost:
                self.tell_lost()
            if self._may_stay is None or not self._may_stay():
                return
            ready = poll(_MOMENT, _AT_ONCE)
            if not ready:
                return

    def _serve_together(self, ready: list[tuple[int, int]]) -> None:
        """Read from all, act on what they have sent, and send what they are answered."""
        find = self.transports.get
        received = self._received
        for descriptor, events in ready:
            transport = find(descriptor)
            if transport is None:  # somebody before it in the list has ended it
                continue
            if events == _IN and transport.read_size == _READ_SIZE:
                data = transport.receive()
                if data is not None:
                    received.append((transport, data))
            else:
                transport.act(events)
        if self._lost:  # who has been reset takes no part in what the others do
            self.tell_lost()
        self._act_on_received()

    def _act_on_received(self) -> None:
        received = self._received
        self._acts_soon = False
        self.gathers = True
        try:
            while received:  # also in a call from within, which leaves nothing
                transport, data = received.popleft()
                transport.take(data)
            self._finish()
        finally:
            self.send()
            if received:  # who is not stopped by an interrupt goes on
                self._act_soon()

    def _act_soon(self) -> None:
        if not self._acts_soon:
            self._acts_soon = True
            self._loop.call_soon(self._act_on_received)

    def act_later(self, transport: SocketTransport, data: bytes) -> None:
        """Give *transport* in the next turn of the event loop, and before anything newer, what it has received."""
        self._received.append((transport, data))
        self._act_soon()

    def lose(self, transport: SocketTransport, error: OSError | None) -> None:
        """Tell the protocol of *transport* in the next turn of the event loop, or before, that it has ended."""
        if not self._lost:
            self._loop.call_soon(self.tell_lost)
        self._lost.append((transport, error))

    def tell_lost(self) -> None:
        """Tell all who have been lost. To be called where no protocol is at work."""
        lost = self._lost
        try:
            while lost:
                transport, error = lost.popleft()
                transport.lose(error)
        finally:
            if lost:
                self._loop.call_soon(self.tell_lost)

    def drop(self, transport: SocketTransport) -> None:
        """Do not send what was gathered for *transport*."""
        if self.unsent:
            self.unsent = [each for each in self.unsent if each[0] is not transport]

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Gather what is written in a ``with`` block, and send it at the end."""
        if self.gathers:
            yield
            return
        self.gathers = True
        try:
            yield
        finally:
            self.send()

    def send(self) -> None:
        """Send what was gathered, and gather no more."""
        self.gathers = False
        unsent, self.unsent = self.unsent, []
        waiting = iter(unsent)
        try:
            for transport, data in waiting:
                transport.send(data)
        finally:
            left = [*waiting]
            if left:
                self.unsent = left + self.unsent
                self._loop.call_soon(self.send)


class SocketTransport(asyncio.Transport):
    """The connected socket *client*, whose bytes go to and come from *protocol*."""

    __slots__ = (
        "_client",
        "_data_received",
        "_descriptor",
        "_has_ended",
        "_high_water",
        "_is_closing",
        "_is_reading",
        "_is_slow",
        "_kept",
        "_loop",
        "_low_water",
        "_protocol",
        "_recv",
        "_rest",
        "_send",
        "_sockets",
        "_watched",
        "read_size",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sockets: Sockets, client: socket.socket, protocol: asyncio.Protocol
    ) -> None:
        self._loop = loop
        self._sockets = sockets
        self._client = client
        self._descriptor = client.fileno()
        self._recv = client.recv
        self._send = client.send
        self._protocol = protocol
        self._data_received: Callable[[bytes], None] = protocol.data_received
        self._rest = bytearray()
        self.read_size = _READ_SIZE
        self._watched = 0
        self._high_water = _HIGH_WATER
        self._low_water = _HIGH_WATER // 4
        self._is_reading = False
        self._has_ended = False
        self._is_slow = False
        self._is_closing = False
        self._kept: bytes | None = None
        sockets.transports[self._descriptor] = self

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """``socket``, ``sockname`` and ``peername``; of both names None once the connection has been reset."""
        if name == "socket":
            return self._client
        try:
            if name == "sockname":
                return self._client.getsockname()
            if name == "peername":
                return self._client.getpeername()
        except OSError:
            return None
        return default

    def get_protocol(self) -> asyncio.Protocol:
        """Whom the bytes go to."""
        return self._protocol

    # What the socket has to say

    def act(self, events: int) -> None:
        """Do what *events* of epoll make possible. An error or a hang-up is found by trying."""
        if events & ~_OUT:
            data = self.receive()
            if data is not None:
                self.take(data)
        if events & ~_IN and self._rest:
            self._write_rest()

    def receive(self) -> bytes | None:
        """What the client has sent, to be taken; nothing if it will send no more, None if there is nothing."""
        if not self._is_reading:
            return None
        try:
            return self._recv(self.read_size)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self._end(error)
            return None

    def take(self, data: bytes) -> None:
        """Give the protocol what was received, unless the connection has been closed meanwhile; or keep it, if the
        protocol does not want to be given anything at the moment."""
        if not self._is_reading:
            if not self._is_closing:
                self._kept = data
            return
        if not data:
            self._read_end()
            return
        size = len(data)
        if size == self.read_size:
            self.read_size = min(size * 4, _LARGEST_READ)
        elif size < _READ_SIZE:
            self.read_size = _READ_SIZE
        try:
            self._data_received(data)
        except Exception as error:
            self._fail(error, "data_received")

    def _read_end(self) -> None:
        self._has_ended = True
        self.pause_reading()
        try:
            stays_open = self._protocol.eof_received()
        except Exception as error:
            self._fail(error, "eof_received")
            return
        if not stays_open:
            self.close()

    def pause_reading(self) -> None:
        """Leave what comes where it is."""
        self._is_reading = False
        self._watch()

    def resume_reading(self) -> None:
        """Read again, unless that is over."""
        if not self._is_closing and not self._has_ended:
            self._is_reading = True
            self._watch()
            if self._kept is not None:
                self._sockets.act_later(self, self._kept)
                self._kept = None

    def is_reading(self) -> bool:
        """Whether what comes is read."""
        return self._is_reading

    # What the protocol has to say

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, now or as soon as the client takes it."""
        sockets = self._sockets
        if sockets.gathers:
            if data.__class__ is bytes and len(data) <= _READ_SIZE:
                sockets.unsent.append((self, data))
                return
            sockets.send()
        self.send(data)

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data* at once, as far as the client takes it."""
        if self._rest:
            self._rest += data
        else:
            if self._is_closing:
                return
            try:
                sent = self._send(data)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self._end(error)
                return
            if sent == len(data):
                return
            self._rest += memoryview(data)[sent:]
            self._watch()
        if not self._is_slow and len(self._rest) > self._high_water:
            self._is_slow = True
            self._protocol.pause_writing()

    def _write_rest(self) -> None:
        try:
            sent = self._send(self._rest)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        del self._rest[:sent]
        if not self._rest:
            self._watch()
            if self._is_closing:
                self._end(None)
                return
        if self._is_slow and len(self._rest) <= self._low_water:
            self._is_slow = False
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has still to take."""
        return len(self._rest)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """From how many bytes on a client is slow, and down to how many."""
        self._high_water = _HIGH_WATER if high is None else high
        self._low_water = self._high_water // 4 if low is None else low

    # The end

    def is_closing(self) -> bool:
        """Whether it is closed, or is to be."""
        return self._is_closing

    def close(self) -> None:
        """Read no more, and close when the client has taken all."""
        self._sockets.send()
        if self._is_closing:
            return
        self._is_closing = True
        self._is_reading = False
        if self._rest:
            self._watch()
        else:
            self._end(None)

    def abort(self) -> None:
        """Close at once. What is still to be sent is lost."""
        self._sockets.drop(self)
        self._end(None)

    def _end(self, error: OSError | None) -> None:
        """Close; the protocol is told in the next turn of the event loop, and only once."""
        self._is_closing = True
        self._is_reading = False
        self._rest.clear()
        self._watch()
        if self._sockets.transports.get(self._descriptor) is self:  # later it may be another's
            del self._sockets.transports[self._descriptor]
            self._sockets.lose(self, error)

    def lose(self, error: OSError | None) -> None:
        """Tell the protocol that it has ended."""
        try:
            self._protocol.connection_lost(error)
        finally:
            self._client.close()

    def _fail(self, error: Exception, where: str) -> None:
        """Close, because of a bug in the protocol."""
        context = {"message": f"{where} of the protocol failed", "exception": error, "transport": self}
        self._loop.call_exception_handler(context)
        self._sockets.send()
        self._end(None)

    def _watch(self) -> None:
        """Let epoll tell what is wanted. What wants nothing is not there at all: hang-ups are told unasked."""
        wanted = (_IN if self._is_reading else 0) | (_OUT if self._rest else 0)
        watched, self._watched = self._watched, wanted
        if wanted == watched:
            return
        if not watched:
            self._sockets.epoll.register(self._descriptor, wanted)
        elif wanted:
            self._sockets.epoll.modify(self._descriptor, wanted)
        else:
            self._sockets.epoll.unregister(self._descriptor)
