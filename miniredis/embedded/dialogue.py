"""What both of redis-py's kinds of connection have in common here: whom they talk to, in what words, and how they read.

The rule of this file: nothing waits. Waiting is what a thread and a task do differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import redis
from redis._parsers import _RESP3Parser

from miniredis.embedded.arguments import Packer
from miniredis.embedded.line import Line
from miniredis.embedded.replies import Reader, Unframed, UnframedError
from miniredis.embedded.servers import HasDriver, driver_of
from miniredis.resp.types import Reply, SimpleString

CLOSED: Final = "Connection closed by server."

PLAIN: Final = frozenset({bytes, int, list, type(None), SimpleString})
"""Classes of replies that are neither errors nor pushed messages, and so need no closer look."""

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


class Dialogue:
    """The part of a connection to *server* that is neither synchronous nor asynchronous."""

    _server: HasDriver | str
    _packer: Packer
    _reads: Reader
    _reads_bytes: Reader
    _unframed: Unframed
    _ok: bytes | str

    # Of redis-py's connection
    encoder: Any
    protocol: Any
    db: Any
    client_name: Any
    _parser: Any

    def repr_pieces(self) -> list[tuple[str, Any]]:
        pieces = [("server", self._server), ("db", self.db)]
        return [*pieces, ("client_name", self.client_name)] if self.client_name else pieces

    def _host_error(self) -> str:
        return f"{self._server}"

    def get_resolved_ip(self) -> None:
        return None

    def pack_command(self, *args: Any) -> Any:
        return [self._packer.pack(args)]

    def pack_commands(self, commands: Iterable[Any]) -> Any:
        pack = self._packer.pack
        return [pack(command) for command in commands]

    def _new_line(self) -> Line:
        """A line to the server, and what its replies are read with."""
        driver = driver_of(self._server)
        digits = driver.engine.version.format_double
        decode = self.encoder.decode if self.encoder.decode_responses else None
        parse = parse_error(self._parser)
        self._reads = self._reads_bytes = Reader(self.protocol, None, parse, digits, read_set)
        if decode is not None:
            self._reads = Reader(self.protocol, decode, parse, digits, read_set)
        self._unframed = Unframed(digits)
        self._ok = b"OK" if decode is None else "OK"
        return driver.connect()

    def _response_to(self, line: Line, reply: Reply, *, as_bytes: bool) -> Any:
        """What *reply*, which was taken out of *line*'s inbox, is to a client. Raises :class:`UnframedError` if there
        are several replies in it, which are in the inbox then in its place."""
        try:
            return (self._reads_bytes if as_bytes else self._reads)[reply.__class__](reply)
        except UnframedError:
            line.inbox.extendleft(reversed(self._unframed.replies(reply, line.session.protocol)))
            raise

    def _handled_by(self, message: Any) -> Any:
        """What redis-py's parser makes of a pushed *message*; for an asynchronous one to be awaited, since 5.1."""
        parser = self._parser
        if hasattr(parser, "push_handler_func"):  # redis-py before 5.1
            return parser.push_handler_func(message)
        return parser.handle_push_response(message)


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


def parse_error(parser: Any) -> Callable[[str], Exception]:
    """What *parser* makes of an error's line. One that ends the connection it raises, wherever it stands."""
    parse = parser.parse_error

    def raise_or_return(line: str) -> Exception:
        error: Exception = parse(line)
        if isinstance(error, redis.ConnectionError):
            raise error
        return error

    return raise_or_return
