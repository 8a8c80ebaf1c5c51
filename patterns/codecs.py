"""Codecs: Python values to bytes and back.

==================  =======================================================================================
``JSON``            the default: readable by everyone, and what is read can be nothing but data
``Msgpack()``       smaller, and it has bytes; needs the package ``msgpack``
``SignedPickle``    any Python object; only bytes that carry our signature are ever unpickled
``Compressed``      around another codec: values above a size are compressed by zlib
==================  =======================================================================================

The rule of this file: ``loads`` raises ``ValueError`` for what ``dumps`` did not write, and executes nothing of it.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
import pickle
import zlib
from collections.abc import Sequence
from typing import Any, Final, Protocol

SIGNATURE_SIZE: Final = 32
SHORTEST_SECRET: Final = 16
PLAIN: Final = b"\x00"
ZLIB: Final = b"\x01"


class Codec(Protocol):
    """What a codec has to do. ``loads`` raises ``ValueError`` for what is no value of it."""

    def dumps(self, value: Any) -> bytes:
        """The value as bytes."""
        ...

    def loads(self, data: bytes) -> Any:
        """The value of these bytes."""
        ...


class JSONCodec:
    """JSON in UTF-8, without spaces. It has no tuples, bytes or dates: ``TypeError`` for what it does not know."""

    def __init__(self) -> None:
        self._encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        self._decode = json.JSONDecoder().raw_decode

    def dumps(self, value: Any) -> bytes:
        """The value as JSON."""
        # JSON can escape half of a surrogate pair; UTF-8 cannot hold one, so that it goes the other way round.
        return self._encode(value).encode("utf-8", "surrogatepass")

    def loads(self, data: bytes) -> Any:
        """The value of that JSON."""
        text = data.decode("utf-8", "surrogatepass")
        try:
            value, end = self._decode(text)
        except RecursionError as error:
            raise ValueError("this is nested too deeply") from error
        if end != len(text):
            raise ValueError("something stands behind the value")
        return value


JSON: Final = JSONCodec()


class Msgpack:
    """MessagePack. Raises ``ImportError`` without the package ``msgpack``."""

    def __init__(self) -> None:
        msgpack = importlib.import_module("msgpack")
        self._pack = msgpack.packb
        self._unpack = msgpack.unpackb
        # What its own exceptions are when they are no ValueError: it has both kinds.
        # And TypeError is what Python says to a list or a dict as a key, which MessagePack allows.
        self._errors = (msgpack.exceptions.UnpackException, msgpack.exceptions.StackError, ValueError, TypeError)

    def dumps(self, value: Any) -> bytes:
        """The value as MessagePack."""
        packed: bytes = self._pack(value)
        return packed

    def loads(self, data: bytes) -> Any:
        """The value of that MessagePack."""
        try:
            return self._unpack(data, strict_map_key=False)
        except self._errors as error:
            raise ValueError(f"this is no MessagePack: {error}") from error


class SignedPickle:
    """Pickle, behind an HMAC-SHA256 of our own. Whoever can write to Redis cannot make us execute anything.

    *secrets* are one or several, of 16 bytes at least: the first signs, all are accepted, so that one can follow
    another. A signature says that the bytes are ours, not that they belong under this key: they can be swapped.
    """

    def __init__(self, *secrets: bytes, protocol: int = pickle.DEFAULT_PROTOCOL) -> None:
        if not secrets or any(len(secret) < SHORTEST_SECRET for secret in secrets):
            raise ValueError(f"a secret has {SHORTEST_SECRET} bytes at least")
        self._secrets: Sequence[bytes] = secrets
        self._protocol = protocol

    def dumps(self, value: Any) -> bytes:
        """The value's pickle, signed."""
        data = pickle.dumps(value, self._protocol)
        return self._sign(self._secrets[0], data) + data

    def loads(self, data: bytes) -> Any:
        """The value, if the signature is one of ours."""
        signature, data = data[:SIGNATURE_SIZE], data[SIGNATURE_SIZE:]
        if not any(hmac.compare_digest(signature, self._sign(secret, data)) for secret in self._secrets):
            raise ValueError("the signature is not ours")
        try:
            return pickle.loads(data)
        except Exception as error:
            # Ours, but of a class that is not here any more, or is another one now.
            raise ValueError(f"this cannot be unpickled: {error}") from error

    def _sign(self, secret: bytes, data: bytes) -> bytes:
        return hmac.digest(secret, data, hashlib.sha256)


class Compressed:
    """Another codec's bytes, compressed if there are more than *above* of them and it makes them fewer."""

    def __init__(self, codec: Codec = JSON, *, above: int = 1024, level: int = 6, most: int = 64 << 20) -> None:
        self._codec = codec
        self._above = above
        self._level = level
        self._most = most

    def dumps(self, value: Any) -> bytes:
        """The value's bytes, after one that says how they are."""
        data = self._codec.dumps(value)
        if len(data) > self._above:
            compressed = zlib.compress(data, self._level)
            if len(compressed) < len(data):
                return ZLIB + compressed
        return PLAIN + data

    def loads(self, data: bytes) -> Any:
        """The value. What would be larger than *most* bytes is refused: it may be a bomb."""
        kind, data = data[:1], data[1:]
        if kind == ZLIB:
            decompressor = zlib.decompressobj()
            try:
                data = decompressor.decompress(data, self._most)
            except zlib.error as error:
                raise ValueError(f"this is not compressed: {error}") from error
            if not decompressor.eof:
                raise ValueError("this is too large, or only a part")
        elif kind != PLAIN:
            raise ValueError("this was written by another codec")
        return self._codec.loads(data)
