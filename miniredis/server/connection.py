"""One client's connection: bytes in, requests executed in their order, all replies of a batch written at once.

The rule of this file: at any moment either nothing stands in the way and requests are executed as they arrive, or
``_waits`` says why not, and what arrives is held, in order, until the last reason is gone. The reasons are few: the
client's last command blocks, the client does not read its replies, others shall have their turn, the connection is not
there yet, or not any more. Reading goes on meanwhile, because only a socket that is read tells that its client is gone.

A client that does not read need not wait where its replies are limited: as in Redis, they gather until the limit
(``client-output-buffer-limit``, ``maxmemory-clients``) ends the connection.

What reaches a client unasked (``deliver``) joins the replies in the order it came. It is written at the end of the
client's own batch or, once for everything, in the next turn of the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from miniredis.engine.blocking import Blocked
from miniredis.engine.command import LONG
from miniredis.resp.errors import ProtocolError, QueryBufferLimitError
from miniredis.resp.request import RequestParser, rows
from miniredis.resp.types import Error, Reply
from miniredis.server.log import VERBOSE
from miniredis.server.meanwhile import not_read

if TYPE_CHECKING:
    from miniredis.engine.session import Session
    from miniredis.server.server import Server

logger = logging.getLogger("miniredis")

# Why requests are not executed as they arrive.
_UNFINISHED: Final = 1
"""There may be whole requests left, here or in the parser; somebody will attend to them."""
_BLOCKED: Final = 2
"""The last command's reply is still to come."""
_WRITING: Final = 4
"""The client does not read as fast as it is answered."""
_UNCONNECTED: Final = 8
_CLOSING: Final = 16
_GATHERING: Final = 32
"""Somebody wants to know what belongs together, and more may be coming."""

_PIECE: Final = 4096
"""Bytes that a client sends at once if it has more, at the least: it cuts a pipeline at 6,000 or 16,000, and like."""

_MOMENT: Final = 0.05
"""Seconds within which the next piece comes, on a busy machine too."""

_SLICE: Final = 128
"""So many requests are executed before their replies are written and somebody looks at the time."""

_LOOK: Final = 32
"""After so many requests somebody looks at the time."""

_TURN: Final = 0.002
"""Seconds after which a client with a long pipeline lets the others have their turn. Those who have one share them."""

_SHORTEST_TURN: Final = 0.00025

_READ_AHEAD: Final = 1 << 18
"""Bytes that a client waiting for its next turn may send ahead; it is read from again when they are executed."""

_SMALL_REPLIES: Final = 1023
"""Replies of one batch that are larger than this are checked against ``client-output-buffer-limit``."""


class Connection(asyncio.Protocol):
    """The connection of one client of *server*, over TCP, TLS or a Unix socket."""

    __slots__ = (
        "_execute",
        "_execute_columns",
        "_execute_run",
        "_frames",
        "_has_ended",
        "_held",
        "_held_size",
        "_is_attended",
        "_is_reading",
        "_is_slow",
        "_out",
        "_out_size",
        "_over_soft_limit_since",
        "_server",
        "_statistics",
        "_transport",
        "_waits",
        "_woken",
        "parser",
        "session",
    )

    _transport: asyncio.Transport
    session: Session
    """From ``connection_made`` on."""

    def __init__(self, server: Server) -> None:
        engine = server.engine
        self._server = server
        self._execute = engine.execute
        self._execute_columns = engine.execute_columns
        self._execute_run = engine.execute_run
        self._statistics = engine.statistics
        self._frames = server.frames
        self._woken = server.woken
        self.parser: RequestParser = server.new_parser()
        self._held: deque[bytes] = deque()
        self._held_size = 0
        self._out: list[bytes] = []
        self._out_size = 0  # of what is in _out, kept while the client is slow
        self._over_soft_limit_since: int | None = None
        self._is_reading = True
        self._is_slow = False
        self._has_ended = False
        self._is_attended = False
        self._waits = _UNCONNECTED

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # Asked once: a client can be gone the next moment.
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if self._waits & _CLOSING or peer is None or own is None:  # closed, or reset, meanwhile
            self._waits |= _CLOSING
            transport.abort()
            return
        refusal = self._server.refusal(transport)
        if refusal is not None:
            self._waits |= _CLOSING
            transport.write(refusal)
            transport.close()
            return
        session = self.session = self._server.engine.connect(self.deliver)
        session.on_close = self.abort
        session.on_reset = self._follow_reset
        session.query_buffer = self._query_buffer_size
        session.output_buffer = self._output_buffer_size
        session.awaits_writing = self._awaits_writing
        session.unfinished_request = self._unfinished_request
        session.fd = transport.get_extra_info("socket").fileno()
        _describe(session, peer, own)
        self._waits &= ~_UNCONNECTED
        logger.log(VERBOSE, "Accepted %s", session.address)
        if self._has_ended:
            self._finish()
        elif self._waits:
            self._attend_soon()

    def data_received(self, data: bytes) -> None:
        statistics = self._statistics
        statistics.input_bytes += len(data)
        statistics.reads_processed += 1
        if self._waits:
            self._hold(data)
            return
        if self._server.engine.gathers_input and self._gathers(data):
            return
        argv = self.parser.whole_request(data)
        if argv is not None:
            self._execute_one(argv)
            return
        try:
            self.parser.feed(data)
        except QueryBufferLimitError:
            self._close_over_query_limit()
            return
        self._work()
        if self.parser.buffered or self.parser.awaited:
            self._note_request()

    def eof_received(self) -> bool:
        """The client will send no more. What had come by then is executed and answered, as far as the client reads."""
        self._has_ended = True
        if self._waits & _UNCONNECTED:  # TLS, and its handshake has only just ended
            return False
        if not self._waits & _UNFINISHED or self._waits & (_BLOCKED | _CLOSING):
            self._close()
            return False
        if self._transport.get_extra_info("sslcontext") is None:
            return True
        self._finish()
        return False

    def _finish(self) -> None:
        """TLS does not stay half open: execute the rest now, and write all replies at once."""
        while self._waits & _UNFINISHED and not self._waits & (_BLOCKED | _CLOSING):
            self._waits = _WRITING
            self._work()
        self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        self._server.forget(self)

    def pause_writing(self) -> None:
        self._is_slow = True
        if self._waits & _CLOSING or not self._has_limit():
            self._waits |= _WRITING
        self._note_memory()

    def resume_writing(self) -> None:
        self._is_slow = False
        self._waits &= ~_WRITING
        self._note_memory()
        self._over_soft_limit_since = None
        self._attend_soon()

    # Requests

    def _execute_one(self, argv: list[bytes]) -> None:
        """What ``_work`` does, for a client that sends one request and waits for its reply: as most clients do."""
        session = self.session
        reply = self._execute(session, argv)
        if reply.__class__ is Blocked:
            if not reply.done:
                self._await_reply(reply)
                self._flush()
                return
            reply = reply.reply
        try:
            frame = self._frames[session.protocol][reply.__class__](reply)
        except Exception:
            frame = self._internal_error()
        if session.closing or self._waits or self._out or self._woken:
            self._out.append(frame)
            if self._woken:
                self._server.attend_woken()
            self._close() if session.closing else self._flush()
            return
        size = len(frame)
        if (size > _SMALL_REPLIES or self._is_slow) and not self._check_output_limit(size):
            return
        statistics = self._statistics
        statistics.output_bytes += size
        statistics.writes_processed += 1
        self._transport.write(frame)

    def _work(self) -> None:
        """Execute the requests at hand until something stands in the way, and write the replies."""
        try:
            self._execute_requests()
        except ProtocolError as error:
            logger.log(VERBOSE, "Protocol error (%s) from client: %s", error, self.session.address)
            self._statistics.count_error(b"ERR")
            self._out.append(self._frames[self.session.protocol][Error](Error(b"ERR " + error.message)))
            self.session.closing = True
        except QueryBufferLimitError:
            self._close_over_query_limit()
            return
        if self._woken:
            self._server.attend_woken()
        if self.session.closing:
            self._close()
            return
        self._flush()
        if self._has_ended and self._waits & (_UNFINISHED | _BLOCKED) != _UNFINISHED:
            self._close()
        elif self._waits == _UNFINISHED:
            # In a turn of its own: the server attends to all others, and to whom they wake, before anyone is read from.
            self._is_attended = True
            self._server.taking_turns += 1
            self._server.loop.call_soon(self._take_turn)
        elif not self._is_reading and self._held_size <= _READ_AHEAD:
            self._is_reading = True
            self._transport.resume_reading()

    def _take_turn(self) -> None:
        self._server.taking_turns -= 1
        self.attend()

    def _execute_requests(self) -> None:
        session = self.session
        parser = self.parser
        server = self._server
        out = self._out
        began = monotonic()
        executed = at = 0
        requests: Sequence[list[bytes]]
        columns = parser.take_columns()
        if columns:
            replies = self._execute_columns(session, columns)
            out += server.encoders[session.protocol].frames(replies)
            executed = len(replies)
            requests = () if executed == len(columns[0]) else rows(columns)[executed:]
        else:
            requests = parser.take()
        while True:
            if at == len(requests):
                requests, at = parser.take(), 0
                if not requests:
                    if not self._held:
                        self._waits &= ~_UNFINISHED
                        return
                    parser.feed(data := self._held.popleft())
                    self._held_size -= len(data)
                    continue
            argv = requests[at]
            if at + 1 < len(requests) and requests[at + 1][0] == argv[0]:
                replies = self._execute_run(session, requests[at:] if at else requests)
                at += len(replies)
                executed += len(replies)
                reply = replies.pop()
                out += server.encoders[session.protocol].frames(replies)
            else:
                reply = self._execute(session, argv)
                at += 1
                executed += 1
            if reply.__class__ is Blocked:
                if not reply.done:
                    self._await_reply(reply)
                    parser.put_back(requests[at:])
                    return
                reply = reply.reply
            try:
                frame = self._frames[session.protocol][reply.__class__](reply)
            except Exception:
                frame = self._internal_error()
            out.append(frame)
            if session.closing:
                return
            if not parser.authenticated:
                parser.authenticated = session.authenticated
            if executed >= _LOOK or len(frame) > LONG:
                executed = 0
                if len(out) >= _SLICE or len(frame) > LONG:
                    self._flush()
                turn = max(_TURN / (1 + server.taking_turns), _SHORTEST_TURN)
                if self._waits & (_WRITING | _CLOSING) or monotonic() - began >= turn:
                    parser.put_back(requests[at:])
                    self._waits |= _UNFINISHED
                    return

    def _follow_reset(self) -> None:
        self.parser.authenticated = self.session.authenticated

    def _await_reply(self, blocked: Blocked) -> None:
        """Execute nothing more until the reply is there."""
        blocked.on_done = self._unblocked
        self._waits |= _BLOCKED | _UNFINISHED

    def _internal_error(self) -> bytes:
        """The answer where a handler's reply cannot be encoded. To be called while that exception is handled."""
        logger.exception("a bug in a reply")
        return self._frames[self.session.protocol][Error](Error(b"ERR internal error"))

    def _hold(self, data: bytes) -> None:
        """Keep what cannot be executed now, up to the limit of the query buffer."""
        waits = self._waits
        if waits & _CLOSING:
            return
        self._held.append(data)
        self._held_size += len(data)
        self._note_request()
        self._waits = waits | _UNFINISHED
        if self._query_buffer_size() > self._server.engine.config.client_query_buffer_limit:
            if waits & _BLOCKED:
                self._close_over_query_limit()
            else:
                self._stop_reading()
        elif not waits & (_BLOCKED | _WRITING | _UNCONNECTED | _GATHERING) and self._held_size > _READ_AHEAD:
            self._stop_reading()

    def _gathers(self, data: bytes) -> bool:
        """Note what belongs together: all that comes before the client has been answered. True if *data* is held until
        nothing more comes, because the client may not have sent all of it."""
        if not self.parser.buffered:
            self.session.batch += 1
        if len(data) < _PIECE:
            return False
        self._waits |= _GATHERING
        self._hold(data)
        self._server.loop.call_later(_MOMENT, self._end_gathering, self._held_size)
        return True

    def _end_gathering(self, size: int) -> None:
        if self._waits & _CLOSING:
            return
        if self._held_size > size and self._is_reading:
            self._server.loop.call_later(_MOMENT, self._end_gathering, self._held_size)
            return
        self._waits &= ~_GATHERING
        self.attend()

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._transport.pause_reading()

    def _query_buffer_size(self) -> int:
        return self.parser.buffered + self._held_size

    def _unfinished_request(self) -> tuple[int, int]:
        return self.parser.awaited, self.parser.arguments_size

    def _note_request(self) -> None:
        """Tell of what waits for more, or for its turn."""
        if not self._waits & _UNCONNECTED:
            self.session.buffers.note_request(self._query_buffer_size(), self.parser.awaited)
            self._note_memory()

    def _note_memory(self) -> None:
        memory = self._server.engine.client_memory
        if memory.limit and not self._waits & _UNCONNECTED:
            memory.changed(self.session)

    def _output_buffer_size(self) -> int:
        return sum(map(len, self._out)) + self._transport.get_write_buffer_size()

    def _awaits_writing(self) -> bool:
        return self._transport.get_write_buffer_size() > 0

    def _close_over_query_limit(self) -> None:
        logger.warning("Closing client that reached max query buffer length: %s", self.session.address)
        self.abort()

    def _unblocked(self, reply: Reply) -> None:
        self._waits &= ~_BLOCKED
        if self._held or self.parser.buffered:
            self._woken.append(self)
        self.deliver(reply)
        if self.session.closing:
            self._close()
        else:
            self._attend_soon()

    # Replies

    def deliver(self, reply: Reply) -> None:
        """Send what the client did not ask for, after everything that was sent to it before."""
        waits = self._waits
        if waits & _CLOSING:
            return
        frame = self._server.frame_to_deliver(reply, self.session.protocol)
        self._out.append(frame)
        if waits & _WRITING:
            self._out_size += len(frame)
            self._check_output_limit(self._out_size)
        elif not self._is_attended:
            self._attend_soon()

    def _attend_soon(self) -> None:
        if not self._is_attended:
            self._is_attended = True
            self._server.attend_soon(self)

    @property
    def has_requests(self) -> bool:
        """Whether it can go on with requests that have waited."""
        return self._waits == _UNFINISHED

    def attend(self) -> None:
        """Do what had to wait for this turn of the event loop."""
        self._is_attended = False
        if self._waits == _UNFINISHED:
            self._waits = 0
            self._work()
        elif self._waits & _CLOSING:
            return
        else:
            self._flush()

    def _flush(self) -> None:
        """Write what has gathered, unless the client has to read first."""
        out = self._out
        if not out:
            return
        if self._waits & _WRITING:
            self._out_size = sum(map(len, out))
            self._check_output_limit(self._out_size)
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        if self._transport.is_closing():  # reset by the client, which connection_lost is about to be told
            return
        size = len(data)
        if (size > _SMALL_REPLIES or self._is_slow) and not self._check_output_limit(size):
            return
        statistics = self._statistics
        statistics.output_bytes += size
        statistics.writes_processed += 1
        self._transport.write(data)

    def _check_output_limit(self, size: int) -> bool:
        """Whether the client may have *size* bytes to read; it is closed in the next turn if not."""
        session = self.session
        session.buffers.note_replies(size)
        if self._is_slow:
            self._note_memory()
        limits = self._server.engine.config.client_output_buffer_limit
        hard, soft, soft_seconds = limits[_output_class(session)]
        if session.is_replica and hard:  # what the backlog would remember is no burden
            hard = max(hard, self._server.engine.config.repl_backlog_size)
        if not hard and not soft:
            return True
        if self._is_slow:
            size += self._transport.get_write_buffer_size()
        if hard and size > hard:
            return self._refuse_output()
        if not soft or size <= soft:
            self._over_soft_limit_since = None
            return True
        engine = self._server.engine
        if self._over_soft_limit_since is None:
            self._over_soft_limit_since = engine.now
            engine.timers.call_at(engine.now + soft_seconds * 1000 + 1, self._look_at_soft_limit)
        return engine.now - self._over_soft_limit_since <= soft_seconds * 1000 or self._refuse_output()

    def _look_at_soft_limit(self) -> None:
        if self._over_soft_limit_since is not None and not self._waits & _CLOSING:
            self._check_output_limit(self._out_size if self._waits & _WRITING else 0)

    def _has_limit(self) -> bool:
        """Whether something limits how much this client may have to read."""
        engine = self._server.engine
        hard, soft, _ = engine.config.client_output_buffer_limit[_output_class(self.session)]
        return bool(hard or soft or engine.client_memory.limit)

    def _refuse_output(self) -> bool:
        logger.warning("Client %s closed for overcoming of output buffer limits.", self.session.address)
        # Not at once: whoever delivers may be walking through the subscribers.
        self._waits |= _CLOSING
        self._server.call_soon(self.abort)
        return False

    # Scripts that take too long

    def has(self, session: Session) -> bool:
        """Whether this is the connection of *session*."""
        return not self._waits & _UNCONNECTED and self.session is session

    def not_read(self) -> AbstractContextManager[None]:
        """Leave what the client sends where it is, for a ``with`` block."""
        return not_read(self._transport)

    # The end

    def idle_since(self) -> int | None:
        """When the client last sent a command, in milliseconds since the epoch; None if it need not send any."""
        if self._waits & (_UNCONNECTED | _CLOSING | _BLOCKED):
            return None
        session = self.session
        if session.monitoring or session.is_subscribed or session.is_replica:
            return None
        return session.last_interaction

    def _close(self) -> None:
        """Close as soon as the client has what it was answered."""
        if self._waits & _CLOSING:
            return
        self._waits |= _CLOSING
        data = b"".join(self._out)
        self._let_go()
        if data:
            self._statistics.output_bytes += len(data)
            self._statistics.writes_processed += 1
            self._transport.write(data)
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever the client has not read yet."""
        is_connected = not self._waits & _UNCONNECTED
        self._let_go()
        if is_connected:
            self._transport.abort()

    def fall_silent(self) -> None:
        """Answer nothing any more, and execute nothing; :meth:`abort` follows."""
        if not self._waits & _UNCONNECTED:
            self._waits |= _CLOSING
            self.session.closing = True

    def _let_go(self) -> None:
        self._out.clear()
        self._held.clear()
        self._held_size = 0
        self.parser.close()
        if not self._waits & _UNCONNECTED:
            self._server.engine.disconnect(self.session)
        self._waits |= _CLOSING


def _output_class(session: Session) -> str:
    """The class of ``client-output-buffer-limit`` that *session* belongs to."""
    if session.is_replica:
        return "slave"
    return "pubsub" if session.is_subscribed else "normal"


def _describe(session: Session, peer: Any, own: Any) -> None:
    """Note both ends, named as by a socket, as ``CLIENT LIST`` shows them."""
    if isinstance(own, tuple):
        session.address = format_address(*peer[:2])
        session.local_address = format_address(*own[:2])
    else:
        session.unix_socket = True
        session.address = session.local_address = f"{own}:0"


def format_address(host: str, port: int) -> str:
    """``127.0.0.1:6379``, ``[::1]:6379``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
