"""The client's side of the wire: from received bytes to replies that can be told apart."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.resp import (
    NEED_MORE,
    NULL_ARRAY,
    OK,
    Attribute,
    BigNumber,
    Double,
    Error,
    Pairs,
    ProtocolError,
    Push,
    Replies,
    ReplyDecoder,
    ReplySet,
    SimpleString,
    Verbatim,
)


def decoded(data: bytes) -> Any:
    decoder = ReplyDecoder()
    decoder.feed(data)
    reply = decoder.next()
    assert decoder.next() is NEED_MORE
    assert reply is NEED_MORE or decoder.raw == data
    return reply


def typed(reply: Any) -> Any:
    """``reply`` in a form in which values of different types are never equal, as ``1``, ``1.0`` and ``True`` are."""
    kind = type(reply).__name__
    if isinstance(reply, dict):
        return kind, [(typed(key), typed(value)) for key, value in reply.items()]
    if isinstance(reply, list | tuple):
        return kind, [typed(item) for item in reply]
    if isinstance(reply, Double):
        return kind, reply.text
    return kind, repr(reply)


class TestReplies:
    @pytest.mark.parametrize(
        ("data", "reply"),
        [
            (b"+OK\r\n", OK),
            (b"+\r\n", SimpleString(b"")),
            (b"$2\r\nOK\r\n", b"OK"),
            (b"$0\r\n\r\n", b""),
            (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
            (b"-ERR syntax error\r\n", Error("ERR syntax error")),
            (b"!21\r\nSYNTAX invalid syntax\r\n", Error("SYNTAX invalid syntax")),
            (b":1\r\n", 1),
            (b":-9223372036854775808\r\n", -(2**63)),
            (b"$-1\r\n", None),
            (b"_\r\n", None),
            (b"*-1\r\n", NULL_ARRAY),
            (b"#t\r\n", True),
            (b"#f\r\n", False),
            (b",3.10\r\n", Double(b"3.10")),
            (b",1e+300\r\n", Double(b"1e+300")),
            (b",-inf\r\n", Double(b"-inf")),
            (b",nan\r\n", Double(b"nan")),
            (b",-nan\r\n", Double(b"-nan")),
            (b"(-12345678901234567890123\r\n", BigNumber(-12345678901234567890123)),
            (b"=7\r\nmkd:a\r\n\r\n", Verbatim(b"a\r\n", b"mkd")),
            (b"*0\r\n", []),
            (b"*2\r\n*1\r\n+a\r\n$-1\r\n", [[SimpleString(b"a")], None]),
            (b"~2\r\n:1\r\n:1\r\n", ReplySet([1, 1])),
            (b">2\r\n$1\r\na\r\n*0\r\n", Push([b"a", []])),
            (b"%0\r\n", {}),
            (b"%2\r\n+a\r\n:1\r\n$1\r\na\r\n%1\r\n:1\r\n_\r\n", {SimpleString(b"a"): 1, b"a": {1: None}}),
            (b"|1\r\n+ttl\r\n:9\r\n$1\r\na\r\n", Replies([Attribute({SimpleString(b"ttl"): 9}), b"a"])),
            (
                b"*2\r\n|1\r\n+ttl\r\n:9\r\n:1\r\n:2\r\n",
                [Replies([Attribute({SimpleString(b"ttl"): 9}), 1]), 2],
            ),
        ],
        ids=repr,
    )
    def test_become_their_types(self, data: bytes, reply: Any) -> None:
        assert typed(decoded(data)) == typed(reply)

    def test_of_different_types_differ(self) -> None:
        assert decoded(b"+OK\r\n") != decoded(b"$2\r\nOK\r\n")
        assert decoded(b"*-1\r\n") != decoded(b"$-1\r\n")
        assert decoded(b"=6\r\ntxt:OK\r\n") != decoded(b"$2\r\nOK\r\n")

    def test_keep_their_bytes_where_their_values_are_the_same(self) -> None:
        decoder = ReplyDecoder()
        decoder.feed(b"$-1\r\n_\r\n,1.50\r\n*1\r\n$1\r\na\r\n+O")
        raw = []
        while decoder.next() is not NEED_MORE:
            raw.append(decoder.raw)
        assert raw == [b"$-1\r\n", b"_\r\n", b",1.50\r\n", b"*1\r\n$1\r\na\r\n"]

    def test_that_are_doubles_are_numbers_with_their_digits(self) -> None:
        assert decoded(b",1.50\r\n") == 1.5
        assert decoded(b",1.50\r\n").text == b"1.50"
        assert math.isnan(decoded(b",nan\r\n"))

    @pytest.mark.parametrize(
        ("data", "pairs"),
        [
            (b"%1\r\n*1\r\n:1\r\n:2\r\n", [([1], 2)]),
            (b"%1\r\n%0\r\n:2\r\n", [({}, 2)]),
            (b"%2\r\n+a\r\n:1\r\n+a\r\n:2\r\n", [(SimpleString(b"a"), 1), (SimpleString(b"a"), 2)]),
            (b"%2\r\n:1\r\n:1\r\n#t\r\n:2\r\n", [(1, 1), (True, 2)]),
        ],
    )
    def test_that_are_maps_no_dict_can_hold_keep_their_pairs(self, data: bytes, pairs: list[tuple[Any, Any]]) -> None:
        assert typed(decoded(data)) == typed(Pairs(pairs))

    def test_may_be_nested_deeper_than_python_can_recurse(self) -> None:
        reply = decoded(b"*1\r\n" * 50_000 + b"*0\r\n")
        depth = 0
        while reply:
            (reply,) = reply
            depth += 1
        assert depth == 50_000


class TestWhatIsNoReply:
    @pytest.mark.parametrize(
        "data",
        [
            b"OK\r\n",
            b"\r\n",
            b"?\r\n",
            b"+a\rb\r\n",
            b"-a\nb\r\n",
            b":\r\n",
            b":1.5\r\n",
            b": 1\r\n",
            b":1_0\r\n",
            b"$-2\r\n",
            b"$a\r\n",
            b"$\r\n",
            b"$ 1\r\na\r\n",
            b"$1\r\nabc\r\n",
            b"!-1\r\n",
            b"=-1\r\n",
            b"=2\r\ntx\r\n",
            b"=4\r\ntxt \r\n",
            b"*-2\r\n",
            b"%-1\r\n",
            b"~-1\r\n",
            b">-1\r\n",
            b"#x\r\n",
            b"_x\r\n",
            b",\r\n",
            b",1.5x\r\n",
            b",1_0\r\n",
            b",infinity\r\n",
            b"(1.5\r\n",
            b"*1\r\n#x\r\n",
            # Streamed replies, which no Redis sends.
            b"$?\r\n",
            b"*?\r\n",
            b"%?\r\n",
            b";4\r\n",
            b".\r\n",
        ],
        ids=repr,
    )
    def test_is_a_protocol_error(self, data: bytes) -> None:
        with pytest.raises(ProtocolError):
            decoded(data)

    @given(st.binary(max_size=60) | st.text("+-:$*_#,(!=%~>|0123\r\n", max_size=40).map(str.encode))
    def test_is_never_worse_than_a_protocol_error(self, data: bytes) -> None:
        decoder = ReplyDecoder()
        decoder.feed(data)
        seen = b""
        try:
            while decoder.next() is not NEED_MORE:
                seen += decoder.raw
        except ProtocolError:
            pass
        assert data.startswith(seen)


class TestSizeOfTheWork:
    """Each would take minutes if the work grew with the square of the bytes."""

    @pytest.mark.parametrize(
        "data",
        [
            b"$20000000\r\n" + b"\r" * 20_000_000 + b"\r\n",
            b"+" + b"x" * 5_000_000 + b"\r\n",
            b"*200000\r\n" + b":1\r\n" * 200_000,
        ],
        ids=["bulk string", "simple string", "array"],
    )
    def test_a_large_reply_in_many_portions_is_looked_at_once(self, data: bytes) -> None:
        decoder = ReplyDecoder()
        start = time.perf_counter()
        step = len(data) // 10_000 + 1
        for position in range(0, len(data), step):
            assert decoder.next() is NEED_MORE
            decoder.feed(data[position : position + step])
        assert decoder.next() is not NEED_MORE
        assert decoder.raw == data
        assert time.perf_counter() - start < 10
