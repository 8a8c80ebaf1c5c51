"""A transport of the server's own keeps asyncio's contract: whoever holds one need not know which of the two it is."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from miniredis.server import sockets as module
from miniredis.server.sockets import HAS_EPOLL, Sockets, SocketTransport
from tests.server.conftest import Host, eventually

pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="this system has no epoll, and asyncio's own transports")

MEGABYTE = 1 << 20


class Recorder(asyncio.Protocol):
    """Writes down what it is told; ``wait_for`` waits for a word of it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.told: list[str] = []
        self.received = b""
        self.stays_open = False
        self._change = asyncio.Event()

    def tell(self, what: str) -> None:
        self.told.append(what)
        self._change.set()

    async def wait_for(self, what: str) -> None:
        while what not in self.told:
            self._change.clear()
            await self._change.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.tell("made")

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.tell("data")

    def eof_received(self) -> bool:
        self.tell("eof")
        return self.stays_open

    def pause_writing(self) -> None:
        self.tell("pause")

    def resume_writing(self) -> None:
        self.tell("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.tell("lost" if exc is None else f"lost: {type(exc).__name__}")


class Meeting:
    """A recorder at one end, the test at the other."""

    def __init__(self, sockets: Sockets) -> None:
        self.peer, ours = socket.socketpair()
        self.peer.setblocking(False)
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
        self.protocol = Recorder()
        sockets.welcome(ours, lambda: self.protocol)
        self.transport = self.protocol.transport

    async def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            got = await asyncio.get_running_loop().sock_recv(self.peer, size - len(data))
            assert got, "closed too early"
            data += got
        return bytes(data)

    async def at_its_end(self) -> bool:
        return await asyncio.get_running_loop().sock_recv(self.peer, 1) == b""


@pytest.fixture
async def meeting() -> AsyncIterator[Meeting]:
    sockets = Sockets(asyncio.get_running_loop())
    meeting = Meeting(sockets)
    yield meeting
    meeting.peer.close()
    meeting.transport.abort()
    while sockets.transports or not meeting.protocol.told[-1].startswith("lost"):
        await asyncio.sleep(0)
    sockets.close()


async def test_what_one_end_sends_the_other_receives(meeting: Meeting) -> None:
    meeting.peer.send(b"hello")
    await meeting.protocol.wait_for("data")
    assert meeting.protocol.received == b"hello"
    meeting.transport.write(b"world")
    assert await meeting.read(5) == b"world"


async def test_much_at_a_time_comes_whole_and_in_order(meeting: Meeting) -> None:
    data = bytes(range(256)) * (4 * MEGABYTE // 256)
    sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(meeting.peer, data))
    while len(meeting.protocol.received) < len(data):
        meeting.protocol.told.clear()
        await meeting.protocol.wait_for("data")
    await sending
    assert meeting.protocol.received == data


async def test_what_the_client_does_not_take_waits_and_the_protocol_is_told(meeting: Meeting) -> None:
    data = bytes(range(256)) * (2 * MEGABYTE // 256)
    meeting.transport.write(data)
    meeting.transport.write(b"end")
    assert meeting.protocol.told == ["made", "pause"]
    assert meeting.transport.get_write_buffer_size() > module._HIGH_WATER
    assert await meeting.read(len(data) + 3) == data + b"end"
    await meeting.protocol.wait_for("resume")
    assert meeting.transport.get_write_buffer_size() == 0
    assert meeting.protocol.told == ["made", "pause", "resume"]


async def test_closing_lets_the_client_take_what_is_left(meeting: Meeting) -> None:
    meeting.transport.write(bytes(MEGABYTE))
    meeting.transport.close()
    meeting.transport.close()
    assert meeting.transport.is_closing()
    assert await meeting.read(MEGABYTE) == bytes(MEGABYTE)
    assert await meeting.at_its_end()
    await meeting.protocol.wait_for("lost")


async def test_aborting_leaves_what_is_left(meeting: Meeting) -> None:
    meeting.transport.write(bytes(MEGABYTE))
    meeting.transport.abort()
    meeting.transport.abort()
    meeting.transport.write(b"unheard")
    assert meeting.transport.get_write_buffer_size() == 0
    await meeting.protocol.wait_for("lost")
    assert meeting.protocol.told.count("lost") == 1


async def test_the_protocol_is_told_of_the_end_in_a_turn_of_its_own(meeting: Meeting) -> None:
    meeting.transport.abort()
    assert "lost" not in meeting.protocol.told
    await meeting.protocol.wait_for("lost")


async def test_a_client_that_sends_no_more_is_closed(meeting: Meeting) -> None:
    meeting.peer.shutdown(socket.SHUT_WR)
    await meeting.protocol.wait_for("lost")
    assert meeting.protocol.told == ["made", "eof", "lost"]


async def test_a_client_that_sends_no_more_can_still_be_answered(meeting: Meeting) -> None:
    meeting.protocol.stays_open = True
    meeting.peer.shutdown(socket.SHUT_WR)
    await meeting.protocol.wait_for("eof")
    meeting.transport.resume_reading()
    assert not meeting.transport.is_reading()
    meeting.transport.write(b"answer")
    assert await meeting.read(6) == b"answer"
    assert meeting.protocol.told.count("eof") == 1


async def test_who_is_not_read_from_keeps_what_he_sends(meeting: Meeting) -> None:
    meeting.transport.pause_reading()
    meeting.peer.send(b"hello")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert meeting.protocol.told == ["made"]
    meeting.transport.resume_reading()
    await meeting.protocol.wait_for("data")
    assert meeting.protocol.received == b"hello"


async def test_a_client_that_leaves_while_he_has_much_to_take_is_lost(meeting: Meeting) -> None:
    meeting.transport.write(bytes(4 * MEGABYTE))
    meeting.transport.pause_reading()
    meeting.peer.close()
    await meeting.protocol.wait_for("lost: BrokenPipeError")


async def test_a_bug_in_the_protocol_ends_its_connection_only(meeting: Meeting) -> None:
    told: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context))
    meeting.transport._data_received = None  # not to be called
    meeting.peer.send(b"hello")
    await meeting.protocol.wait_for("lost")
    assert isinstance(told[0]["exception"], TypeError)
    assert told[0]["transport"] is meeting.transport


async def test_a_reset_is_told(meeting: Meeting) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    peer = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    ours.setblocking(False)
    sockets = Sockets(asyncio.get_running_loop())
    recorder = Recorder()
    sockets.welcome(ours, lambda: recorder)
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert recorder.transport.get_extra_info("peername") == peer.getsockname()
    assert recorder.transport.get_extra_info("sslcontext") is None
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    await recorder.wait_for("lost: ConnectionResetError")
    assert recorder.transport.get_extra_info("peername") is None
    sockets.close()
    listener.close()


async def test_clients_can_be_served_while_one_is_served() -> None:
    """As when a script takes too long, and its caller is in the middle of being served."""
    loop = asyncio.get_running_loop()
    sockets = Sockets(loop)
    outer, inner = Meeting(sockets), Meeting(sockets)

    def serve_others(data: bytes) -> None:
        outer.transport.pause_reading()
        inner.peer.send(b"hello")
        sockets.renew()
        while "data" not in inner.protocol.told:
            loop.call_soon(lambda: None)
            loop._run_once()  # type: ignore[attr-defined]
        outer.protocol.tell("data")

    outer.transport._data_received = serve_others
    outer.peer.send(b"hello")
    await outer.protocol.wait_for("data")
    assert inner.protocol.received == b"hello"
    for each in (outer, inner):
        each.transport.abort()
        await each.protocol.wait_for("lost")
        each.peer.close()
    sockets.close()


# Several who are ready at once


@pytest.fixture
async def meetings() -> AsyncIterator[list[Meeting]]:
    sockets = Sockets(asyncio.get_running_loop())
    meetings = [Meeting(sockets) for _ in range(3)]
    yield meetings
    for each in meetings:
        each.peer.close()
        each.transport.abort()
    while sockets.transports or not all(each.protocol.told[-1].startswith("lost") for each in meetings):
        await asyncio.sleep(0)
    sockets.close()


def when_it_receives(meeting: Meeting, act: Callable[[bytes], None]) -> None:
    def received(data: bytes) -> None:
        act(data)
        meeting.protocol.data_received(data)

    meeting.transport._data_received = received


def all_send(meetings: list[Meeting]) -> None:
    for number, each in enumerate(meetings):
        each.peer.send(b"%d" % number)


def has_something(meeting: Meeting) -> bool:
    try:
        return bool(meeting.peer.recv(1 << 20, socket.MSG_PEEK))
    except BlockingIOError:
        return False


async def test_all_are_answered_when_all_have_been_heard(meetings: list[Meeting]) -> None:
    answered: list[bool] = []
    for each in meetings:
        when_it_receives(each, lambda data, each=each: each.transport.write(b"to " + data))  # type: ignore[misc]
    last = meetings[-1]
    when_it_receives(last, lambda _: answered.extend(map(has_something, meetings)))
    all_send(meetings)
    await last.protocol.wait_for("data")
    assert answered == [False, False, False]
    assert await meetings[0].read(4) == b"to 0"
    assert await meetings[1].read(4) == b"to 1"


async def test_what_is_long_comes_behind_what_is_short(meetings: list[Meeting]) -> None:
    first = meetings[0]
    long = bytes(range(256)) * (MEGABYTE // 256)

    def answer(_: bytes) -> None:
        first.transport.write(b"short")
        changing = bytearray(b"of another type")
        first.transport.write(changing)
        changing[:] = b"?" * len(changing)
        for data in (b"short too", long, b"end"):
            first.transport.write(data)

    when_it_receives(first, answer)
    all_send(meetings)
    assert await first.read(MEGABYTE + 32) == b"shortof another typeshort too" + long + b"end"


@pytest.mark.parametrize(("end", "heard"), [("close", b"bye"), ("abort", b"")])
async def test_an_answer_is_sent_before_the_end_unless_that_is_at_once(
    meetings: list[Meeting], end: str, heard: bytes
) -> None:
    first = meetings[0]

    def answer(_: bytes) -> None:
        first.transport.write(b"bye")
        getattr(first.transport, end)()
        first.transport.write(b"unheard")

    when_it_receives(first, answer)
    all_send(meetings)
    assert await first.read(len(heard)) == heard
    assert await first.at_its_end()
    await first.protocol.wait_for("lost")


async def test_who_has_been_ended_by_another_is_not_heard(meetings: list[Meeting]) -> None:
    first, second, last = meetings
    when_it_receives(first, lambda _: second.transport.abort())
    all_send(meetings)
    await last.protocol.wait_for("data")
    await second.protocol.wait_for("lost")
    assert second.protocol.received == b""


async def test_the_other_end_of_several_is_seen(meetings: list[Meeting]) -> None:
    first, second, last = meetings
    first.peer.send(b"0")
    second.peer.shutdown(socket.SHUT_WR)
    last.peer.close()
    for each in (second, last):
        await each.protocol.wait_for("lost")
    assert first.protocol.received == b"0"


async def test_who_leaves_before_the_answer_is_lost(meetings: list[Meeting]) -> None:
    first = meetings[0]

    def answer(_: bytes) -> None:
        first.peer.close()
        first.transport.write(b"unheard")

    when_it_receives(first, answer)
    all_send(meetings)
    await first.protocol.wait_for("lost: BrokenPipeError")
    assert meetings[2].protocol.received == b"2"


@pytest.mark.parametrize("slow", [1, 2])
async def test_what_was_gathered_does_not_wait_for_who_takes_long(meetings: list[Meeting], slow: int) -> None:
    first, slow_one, other = meetings[0], meetings[slow], meetings[3 - slow]
    loop = asyncio.get_running_loop()
    seen: list[tuple[bool, bytes]] = []

    def take_long(_: bytes) -> None:
        slow_one.transport.pause_reading()
        other.peer.send(b" and more")
        slow_one.transport._sockets.renew()
        is_answered = has_something(first)
        while len(other.protocol.received) < 10:
            loop.call_soon(lambda: None)
            loop._run_once()  # type: ignore[attr-defined]
        seen.append((is_answered, other.protocol.received))

    when_it_receives(first, lambda _: first.transport.write(b"answer"))
    when_it_receives(slow_one, take_long)
    all_send(meetings)
    await slow_one.protocol.wait_for("data")
    assert seen == [(True, b"%d and more" % (3 - slow))]


async def paused_with_something_received(meetings: list[Meeting]) -> Meeting:
    """The second one, who was paused by the first after what he has sent had been read."""
    first, second, last = meetings
    when_it_receives(first, lambda _: second.transport.pause_reading())
    all_send(meetings)
    await last.protocol.wait_for("data")
    return second


@pytest.mark.parametrize("are_served_at_once", [False, True])
async def test_what_has_come_before_reading_was_paused_waits_until_it_is_resumed(
    meetings: list[Meeting], are_served_at_once: bool
) -> None:
    second = await paused_with_something_received(meetings)
    assert second.protocol.received == b""
    second.peer.send(b" and more")
    second.transport.resume_reading()
    if are_served_at_once:  # as when they are next in a turn that has begun
        second.transport._sockets._serve()
    await second.protocol.wait_for("data")
    while len(second.protocol.received) < 10:
        await asyncio.sleep(0)
    assert second.protocol.received == b"1 and more"


async def test_who_is_ended_by_what_was_kept_is_not_served(meetings: list[Meeting]) -> None:
    second, last = await paused_with_something_received(meetings), meetings[2]
    when_it_receives(second, lambda _: last.transport.abort())
    last.peer.send(b" too late")
    second.transport.resume_reading()
    second.transport._sockets._serve()
    assert second.protocol.received == b"1"
    await last.protocol.wait_for("lost")
    assert last.protocol.received == b"2"


async def test_the_end_that_has_come_before_reading_was_paused_waits_too(meetings: list[Meeting]) -> None:
    first, second, last = meetings
    when_it_receives(first, lambda _: second.transport.pause_reading())
    first.peer.send(b"0")
    second.peer.shutdown(socket.SHUT_WR)
    last.peer.send(b"2")
    await last.protocol.wait_for("data")
    assert second.protocol.told == ["made"]
    second.transport.resume_reading()
    await second.protocol.wait_for("lost")


async def test_who_is_closed_while_paused_is_not_given_what_has_come_before(meetings: list[Meeting]) -> None:
    second = await paused_with_something_received(meetings)
    second.transport.close()
    second.transport.resume_reading()
    await second.protocol.wait_for("lost")
    assert second.protocol.received == b""


class Interrupt(BaseException):
    """Such as ``pytest.fail`` raises, which no ``except Exception`` catches."""


@pytest.fixture
async def complaints() -> list[type[BaseException]]:
    """The exceptions that the event loop was told of."""
    told: list[type[BaseException]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(type(context["exception"])))
    return told


def interrupt(_: bytes) -> int:
    raise Interrupt


async def test_an_interrupt_keeps_nothing_of_the_others_back(
    meetings: list[Meeting], complaints: list[type[BaseException]]
) -> None:
    first, second, last = meetings
    when_it_receives(first, lambda _: first.transport.write(b"answer"))
    when_it_receives(second, interrupt)
    when_it_receives(last, lambda _: last.transport.write(b"answer too"))
    all_send(meetings)
    assert await first.read(6) == b"answer"
    assert await last.read(10) == b"answer too"
    first.transport.write(b" alone")
    assert await first.read(6) == b" alone"
    assert complaints == [Interrupt]


async def test_an_interrupt_while_answers_are_sent_leaves_the_rest_to_be_sent(
    meetings: list[Meeting], complaints: list[type[BaseException]]
) -> None:
    first, second, last = meetings
    for each in (first, last):
        when_it_receives(each, lambda data, each=each: each.transport.write(b"to " + data))  # type: ignore[misc]
    when_it_receives(second, lambda data: second.transport.write(data))
    second.transport._send = interrupt
    all_send(meetings)
    assert await first.read(4) == b"to 0"
    assert await last.read(4) == b"to 2"
    assert complaints == [Interrupt]


async def test_a_bug_takes_nothing_away_that_was_answered_before(
    meetings: list[Meeting], complaints: list[type[BaseException]]
) -> None:
    first = meetings[0]

    def fail(_: bytes) -> None:
        first.transport.write(b"answer")
        raise ValueError

    when_it_receives(first, fail)
    all_send(meetings)
    assert await first.read(6) == b"answer"
    assert await first.at_its_end()
    await first.protocol.wait_for("lost")
    assert complaints == [ValueError]


@pytest.mark.parametrize("has_epoll", [True, False])
def test_a_server_without_epoll_has_transports_of_asyncio(
    start: Callable[..., Host], monkeypatch: pytest.MonkeyPatch, has_epoll: bool
) -> None:
    monkeypatch.setattr("miniredis.server.server.HAS_EPOLL", has_epoll)
    host = start()
    peer = host.connect()
    peer.send("SET k v", "GET k")
    peer.receive(b"+OK\r\n$1\r\nv\r\n")
    (connection,) = host.server._server.connections
    assert isinstance(connection._transport, SocketTransport) == has_epoll
    peer.socket.close()
    eventually(lambda: not host.server._server.connections)
