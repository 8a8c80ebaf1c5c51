"""Replies to bytes. The frames are those of Redis 7.0.15 for ``DEBUG PROTOCOL``, ``EVAL`` and ``MULTI``."""

from __future__ import annotations

from typing import Any

import pytest

from miniredis.resp import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    PONG,
    Attribute,
    BigNumber,
    Encoder,
    Error,
    Pairs,
    Push,
    Replies,
    ReplySet,
    SimpleString,
    Verbatim,
    encode_command,
)
from miniredis.structures.numbers import format_double_17g, format_double_shortest

resp2 = Encoder(2, format_double_17g)
resp3 = Encoder(3, format_double_17g)

POPULARITY = Attribute({b"key-popularity": [b"key:123", 90]})
AFTER_ATTRIBUTE = b"$39\r\nSome real reply following the attribute\r\n"
SUBSCRIBED = Replies([Push([b"subscribe", b"a", 1]), Push([b"subscribe", b"b", 2])])


class TestReplies:
    @pytest.mark.parametrize(
        ("reply", "in_resp2", "in_resp3"),
        [
            (OK, b"+OK\r\n", b"+OK\r\n"),
            (PONG, b"+PONG\r\n", b"+PONG\r\n"),
            (b"Hello World", b"$11\r\nHello World\r\n", b"$11\r\nHello World\r\n"),
            (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
            (b"OK", b"$2\r\nOK\r\n", b"$2\r\nOK\r\n"),
            (12345, b":12345\r\n", b":12345\r\n"),
            (-1, b":-1\r\n", b":-1\r\n"),
            (-(2**63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
            (3.141, b"$5\r\n3.141\r\n", b",3.141\r\n"),
            (0.1, b"$19\r\n0.10000000000000001\r\n", b",0.10000000000000001\r\n"),
            (float("inf"), b"$3\r\ninf\r\n", b",inf\r\n"),
            (float("-inf"), b"$4\r\n-inf\r\n", b",-inf\r\n"),
            (float("nan"), b"$3\r\nnan\r\n", b",nan\r\n"),
            (None, b"$-1\r\n", b"_\r\n"),
            (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
            (True, b":1\r\n", b"#t\r\n"),
            (False, b":0\r\n", b"#f\r\n"),
            (
                BigNumber(1234567999999999999999999999999999999),
                b"$37\r\n1234567999999999999999999999999999999\r\n",
                b"(1234567999999999999999999999999999999\r\n",
            ),
            (
                Verbatim(b"This is a verbatim\nstring"),
                b"$25\r\nThis is a verbatim\nstring\r\n",
                b"=29\r\ntxt:This is a verbatim\nstring\r\n",
            ),
            ([], b"*0\r\n", b"*0\r\n"),
            ([0, 1, 2], b"*3\r\n:0\r\n:1\r\n:2\r\n", b"*3\r\n:0\r\n:1\r\n:2\r\n"),
            (ReplySet([0, 1, 2]), b"*3\r\n:0\r\n:1\r\n:2\r\n", b"~3\r\n:0\r\n:1\r\n:2\r\n"),
            (
                {0: False, 1: True, 2: False},
                b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
                b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n",
            ),
            ([[{b"a": 1}]], b"*1\r\n*1\r\n*2\r\n$1\r\na\r\n:1\r\n", b"*1\r\n*1\r\n%1\r\n$1\r\na\r\n:1\r\n"),
            (Pairs([([], 1), ([], 2)]), b"*4\r\n*0\r\n:1\r\n*0\r\n:2\r\n", b"%2\r\n*0\r\n:1\r\n*0\r\n:2\r\n"),
            (Push([b"server-cpu-usage", 42]), b"*2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n",
             b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"),
            (Error("ERR syntax error"), b"-ERR syntax error\r\n", b"-ERR syntax error\r\n"),
        ],
        ids=repr,
    )  # fmt: skip
    def test_take_the_frames_of_redis(self, reply: Any, in_resp2: bytes, in_resp3: bytes) -> None:
        assert resp2.encode(reply) == in_resp2
        assert resp3.encode(reply) == in_resp3
        assert resp2.encode([reply, reply]) == b"*2\r\n" + in_resp2 + in_resp2
        assert resp3.encode([reply, reply]) == b"*2\r\n" + in_resp3 + in_resp3

    def test_of_any_length_have_the_right_one_before_them(self) -> None:
        for length in (0, 1, 9, 10, 1023, 1024, 1025, 100_000):
            assert resp2.encode(b"x" * length) == b"$%d\r\n" % length + b"x" * length + b"\r\n"
            assert resp2.encode([b"x" * length]) == b"*1\r\n$%d\r\n" % length + b"x" * length + b"\r\n"

    def test_in_a_row_have_no_frame_of_their_own(self) -> None:
        assert resp2.encode(NO_REPLY) == b""
        assert resp2.encode(SUBSCRIBED) == (
            b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
        )

    def test_in_a_row_count_once_in_the_reply_of_exec(self) -> None:
        assert resp3.encode([SUBSCRIBED]) == (
            b"*1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
        )

    def test_with_an_attribute_come_without_it_in_resp2(self) -> None:
        reply = Replies([POPULARITY, b"Some real reply following the attribute"])
        popularity = b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
        assert resp2.encode([reply, PONG]) == b"*2\r\n" + AFTER_ATTRIBUTE + b"+PONG\r\n"
        assert resp3.encode([reply, PONG]) == b"*2\r\n" + popularity + AFTER_ATTRIBUTE + b"+PONG\r\n"

    @pytest.mark.parametrize("encoder", [resp2, resp3])
    def test_of_one_line_stay_on_one_line(self, encoder: Encoder) -> None:
        # EVAL "return {err='a\r\nb\n'}" and "return {ok='a\r\nb'}"
        assert encoder.encode(Error(b"a\r\nb\n")) == b"-a  b \r\n"
        assert encoder.encode(SimpleString(b"a\r\nb")) == b"+a  b\r\n"
        assert encoder.encode(Error("ERR unknown command 'a\r\nb', with args beginning with: ")) == (
            b"-ERR unknown command 'a  b', with args beginning with: \r\n"
        )

    def test_may_be_nested_deeper_than_python_can_recurse(self) -> None:
        reply: list[Any] = []
        for _ in range(100_000):
            reply = [reply]
        encoded = resp3.encode(reply)
        assert encoded == b"*1\r\n" * 100_000 + b"*0\r\n"
        while reply:  # taken apart by hand: freeing it at once would recurse in turn
            (reply,) = reply

    def test_of_a_subclass_take_the_frame_of_its_base(self) -> None:
        class WrongTypeError(Error):
            pass

        class Members(ReplySet):
            pass

        class Digits(float):
            pass

        for _ in range(2):
            assert resp3.encode(WrongTypeError("WRONGTYPE no")) == b"-WRONGTYPE no\r\n"
            assert resp3.encode([Members([Digits(1.5)])]) == b"*1\r\n~1\r\n,1.5\r\n"

    @pytest.mark.parametrize(
        "value", ["text", {1, 2}, object(), bytearray(b"x")], ids=["str", "set", "object", "bytearray"]
    )
    def test_are_nothing_but_the_known_types(self, value: Any) -> None:
        with pytest.raises(TypeError, match="is no reply"):
            resp3.encode(value)
        with pytest.raises(TypeError, match="is no reply"):
            resp3.encode([value])

    def test_write_doubles_in_the_digits_of_the_emulated_version(self) -> None:
        assert Encoder(2, format_double_shortest).encode(0.1) == b"$3\r\n0.1\r\n"
        assert Encoder(3, format_double_shortest).encode(0.1) == b",0.1\r\n"


class TestCommands:
    def test_are_arrays_of_bulk_strings(self) -> None:
        assert encode_command([b"SET", "clé", 12, 1.5, b"\x00\r\n"]) == (
            b"*5\r\n$3\r\nSET\r\n$4\r\ncl\xc3\xa9\r\n$2\r\n12\r\n$3\r\n1.5\r\n$3\r\n\x00\r\n\r\n"
        )

    @pytest.mark.parametrize(
        "argument", [None, True, [b"x"], bytearray(b"x")], ids=["None", "True", "list", "bytearray"]
    )
    def test_hold_only_what_redis_has_a_form_for(self, argument: Any) -> None:
        with pytest.raises(TypeError):
            encode_command([b"SET", argument])
