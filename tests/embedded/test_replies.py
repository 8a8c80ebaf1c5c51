"""What a client reads here is what redis-py's own parser reads from the bytes of the same reply."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from redis._parsers import Encoder, _RESP2Parser, _RESP3Parser

from miniredis.embedded.connection import EngineParser
from miniredis.embedded.dialogue import parse_error, read_set
from miniredis.embedded.replies import Reader, Unframed, UnframedError
from miniredis.engine.version import VERSIONS, version_named
from miniredis.resp import encoder
from miniredis.resp.types import (
    NULL_ARRAY,
    OK,
    Attribute,
    BigDigits,
    BigNumber,
    DoubleDigits,
    Error,
    InProtocol,
    Push,
    Raw,
    Replies,
    ReplySet,
    SimpleString,
    Verbatim,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=8).map(str.encode)
LINE = st.text("abc XYZ-_", max_size=8).map(str.encode)
KEYS = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), LINE.map(SimpleString))
SCALARS = st.one_of(
    TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.none(),
    st.just(NULL_ARRAY),
    st.booleans(),
    st.floats(allow_nan=False),
    LINE.map(SimpleString),
    st.sampled_from([b"ERR no", b"WRONGTYPE no\r\nno", b"NOSCRIPT x", b"MOVED 1 h:1", b"LOL\xff"]).map(Error),
    TEXT.map(Verbatim),
    st.integers(2**64, 2**70).map(BigNumber),
    st.integers(2**64, 2**70).map(lambda number: BigDigits(b"%d" % number)),
    st.sampled_from([b"1.5", b"inf", b"-inf", b"3"]).map(DoubleDigits),
)
REPLIES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, max_size=4).map(ReplySet),
        st.dictionaries(KEYS, inner, max_size=3),
    ),
    max_leaves=12,
)


class Wire:
    """redis-py's own parser, at the end of a socket."""

    def __init__(self, protocol: int, *, decoded: bool) -> None:
        self.protocol = protocol
        self._ours, theirs = socket.socketpair()
        self._theirs = theirs
        self._parser = (_RESP2Parser if protocol == 2 else _RESP3Parser)(socket_read_size=65536)
        self._sock = theirs
        self.socket_timeout = 5
        self.encoder = Encoder("utf-8", "strict", decoded)
        self._parser.on_connect(self)

    def read(self, frame: bytes) -> Any:
        self._ours.sendall(frame)
        return self._parser.read_response()

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


def comparable(value: Any) -> Any:
    """*value* with exceptions by class and text, and every value with its class."""
    if isinstance(value, Exception):
        return type(value), str(value)
    if isinstance(value, list):
        return list, [comparable(each) for each in value]
    if isinstance(value, set):
        return set, sorted(map(repr, map(comparable, value)))
    if isinstance(value, dict):
        return dict, [(comparable(key), comparable(each)) for key, each in value.items()]
    return type(value), value


@pytest.mark.parametrize("decoded", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_reply_is_read_as_from_the_wire(version: str, protocol: int, decoded: bool) -> None:
    digits = version_named(version).format_double
    frame_of = encoder.Encoder(2 if protocol == 2 else 3, digits).encode
    wire = Wire(protocol, decoded=decoded)
    decode = wire.encoder.decode if decoded else None
    reader = Reader(protocol, decode, parse_error(EngineParser(socket_read_size=0)), digits, read_set)

    @settings(max_examples=150)
    @given(REPLIES)
    def check(reply: Any) -> None:
        assert comparable(reader[reply.__class__](reply)) == comparable(wire.read(frame_of(reply)))

    try:
        check()
    finally:
        wire.close()


def test_what_a_client_gets_is_its_own() -> None:
    reader = Reader(3, None, redis.ResponseError, version_named("redis-7.2").format_double)
    inner: dict[Any, Any] = {b"k": [b"v"]}
    reply = [inner]
    read = reader[list](reply)
    read[0][b"k"].append(b"w")
    assert reply == [{b"k": [b"v"]}]


def test_replies_without_a_frame_are_found_by_their_bytes() -> None:
    """EXEC's array counts a SUBSCRIBE to two channels as one item; the second confirmation comes out of it."""
    digits = version_named("redis-7.2").format_double
    reader = Reader(3, None, redis.ResponseError, digits)
    subscribed = Replies([Push([b"subscribe", b"a", 1]), Push([b"subscribe", b"b", 2])])
    reply = [subscribed, InProtocol(2, {b"a": 1}), Replies([Attribute({b"x": 1}), b"v"])]
    with pytest.raises(UnframedError):
        reader[list](reply)
    assert Unframed(digits).replies(reply, 3) == [
        [Push([b"subscribe", b"a", 1]), Push([b"subscribe", b"b", 2]), [b"a", 1]],
        b"v",
    ]


def test_bytes_in_pieces_are_one_reply() -> None:
    unframed = Unframed(version_named("redis-7.2").format_double)
    assert unframed.replies(Raw(b"+O"), 2) == []
    assert unframed.replies(Raw(b"K\r\n:1"), 2) == [OK]
    assert unframed.replies(Raw(b"\r\n"), 2) == [1]
