"""What a client of redis-py calls a command with, as the engine is given it: a list of bytes.

It is what would arrive at a server if redis-py had packed it. The usual arguments are encoded here; all others, and
what cannot be encoded at all, are left to redis-py's own ``Encoder``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from miniredis.resp.request import RequestParser

MOST_NAMES: Final = 1024
"""So many spellings of command names are remembered."""


class Encoder(Protocol):
    """redis-py's ``Encoder``, or what a client was given in place of it."""

    encoding: str
    encoding_errors: str
    decode_responses: bool

    def encode(self, value: Any) -> bytes | bytearray | memoryview:
        """*value* as bytes, or as something that holds bytes."""


class Packer:
    """Makes requests of commands, for a connection with *encoder*."""

    __slots__ = ("_encode", "_is_usual", "_names", "_parser")

    def __init__(self, encoder: Encoder, *, is_usual: bool) -> None:
        self._encode: Callable[[Any], bytes | bytearray | memoryview] = encoder.encode
        self._is_usual = is_usual and encoder.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        self._is_usual = self._is_usual and encoder.encoding_errors == "strict"
        self._names: dict[str, tuple[bytes, ...]] = {}
        self._parser: RequestParser | None = None

    def pack(self, args: Sequence[Any]) -> list[bytes]:
        """The request of one command. ``"CONFIG GET"`` are two words. Raises redis-py's ``DataError``."""
        name = args[0]
        words = self._names.get(name) if name.__class__ is str else None
        if words is None:
            words = self._words(name)
        argv = [*words]
        if self._is_usual:
            for argument in args[1:]:
                kind = argument.__class__
                if kind is str:
                    argv.append(argument.encode())
                elif kind is bytes:
                    argv.append(argument)
                elif kind is int:
                    argv.append(b"%d" % argument)
                elif kind is float:
                    argv.append(repr(argument).encode())
                else:
                    argv.append(bytes(self._encode(argument)))
        else:
            argv += [bytes(self._encode(argument)) for argument in args[1:]]
        return argv

    def _words(self, name: Any) -> tuple[bytes, ...]:
        if not isinstance(name, str):
            return tuple(bytes(name).split()) if b" " in name else (bytes(name),)
        words = tuple(name.encode().split())
        if len(self._names) < MOST_NAMES and name.__class__ is str:
            self._names[name] = words
        return words

    def requests(self, packed: str | bytes | Iterable[Any]) -> list[list[bytes]]:
        """The requests in what a connection is given to send: those that were packed here, and bytes of RESP."""
        if isinstance(packed, str | bytes):
            packed = [packed]
        requests: list[list[bytes]] = []
        for item in packed:
            if isinstance(item, list):
                requests.append(item)
                continue
            if self._parser is None:
                self._parser = RequestParser()
            self._parser.feed(item.encode() if isinstance(item, str) else bytes(item))
            requests.extend(self._parser)
        return requests
