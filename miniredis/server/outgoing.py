"""A connection that this server opens to another one, for as long as a command of its own waits for it (MIGRATE).

As in Redis everything else stands still meanwhile, at most for the timeout that the command's client has chosen.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Final

from miniredis.resp.decoder import NeedMoreType, ReplyDecoder
from miniredis.resp.encoder import encode_command
from miniredis.resp.errors import ProtocolError
from miniredis.resp.types import Reply

RECEIVED_AT_ONCE: Final = 1 << 16


def exchange(host: str, port: int, timeout: float, commands: Iterable[list[bytes]]) -> Iterator[Reply]:
    """Send *commands* to the server at *host* and *port*, and give their replies one by one.

    *timeout* is in seconds, for each step. Raises ``ConnectionAbortedError`` if *host* has no address, or nobody
    answers there in time; ``BrokenPipeError`` if nothing can be sent: that is when Redis, which connects without
    waiting, learns that nobody listens; ``OSError`` for whatever happens later.
    """
    requests = [encode_command(command) for command in commands]
    try:
        connection = socket.create_connection((host, port), timeout)
    except (TimeoutError, socket.gaierror, UnicodeError) as error:
        raise ConnectionAbortedError(str(error)) from None
    except (OSError, OverflowError) as error:
        raise BrokenPipeError(str(error)) from None
    with connection:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"".join(requests))
        except OSError as error:
            raise BrokenPipeError(str(error)) from None
        decoder = ReplyDecoder()
        for _ in requests:
            while isinstance(reply := _next(decoder), NeedMoreType):
                received = connection.recv(RECEIVED_AT_ONCE)
                if not received:
                    raise ConnectionResetError("the other server closed the connection")
                decoder.feed(received)
            yield reply


def _next(decoder: ReplyDecoder) -> Reply | NeedMoreType:
    try:
        return decoder.next()
    except ProtocolError as error:
        raise ConnectionResetError(str(error)) from None
