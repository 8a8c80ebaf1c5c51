"""Replies as redis-cli shows them: what is shown is read back as the same value, and as the same bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.freedoms import identical
from conformance.transcript import encode, parse, parse_frame, show, show_any, show_frame, show_moment
from conformance.wire import Frame
from miniredis.resp import (
    NULL_ARRAY,
    Attribute,
    BigNumber,
    Double,
    Error,
    Pairs,
    Push,
    Replies,
    ReplyDecoder,
    ReplySet,
    SimpleString,
    Verbatim,
)

LINES = st.one_of(
    st.binary(max_size=12),
    st.text("(\"12)#~>|= \\-\x00éx'", max_size=8).map(str.encode),
    st.sampled_from([b"", b" ", b"1) x", b" 1) x", b"(nil)", b"---", b"=> a", b"a => b", b"ERR a ", b'"a"', b"\\x41"]),
).filter(lambda text: b"\r" not in text and b"\n" not in text)
DIGITS = st.floats().map(lambda number: repr(number).encode()) | st.sampled_from([b"-nan", b"1", b"1.", b"+3e5"])
SCALARS = st.one_of(
    st.none(),
    st.just(NULL_ARRAY),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.integers().map(BigNumber),
    DIGITS.map(Double),
    st.binary(max_size=12),
    LINES.map(bytes),
    LINES.map(SimpleString),
    LINES.map(Error),
    st.builds(Verbatim, st.binary(max_size=5), st.sampled_from([b"txt", b"mkd", b"(a)"])),
)


def collections(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(items, max_size=4) | st.lists(st.just(b"x"), min_size=10, max_size=11)
    scalar_keys = st.dictionaries(st.binary(max_size=3) | LINES.map(SimpleString), items, max_size=3)
    return st.one_of(
        lists,
        lists.map(ReplySet),
        lists.map(Push),
        scalar_keys,
        st.lists(st.tuples(items, items), max_size=3).map(Pairs),
        st.builds(lambda details, reply: Replies([Attribute(details), reply]), scalar_keys, items),
    )


REPLIES = st.recursive(SCALARS, collections, max_leaves=12)


def decode(raw: bytes) -> Frame:
    decoder = ReplyDecoder()
    decoder.feed(raw)
    value = decoder.next()
    assert decoder.raw == raw
    return Frame(value, raw)


@given(REPLIES, st.sampled_from([2, 3]))
def test_what_is_shown_is_read_back(reply: Any, protocol: int) -> None:
    frame = decode(encode(reply, protocol))
    shown = show_frame(frame, protocol)
    read = parse_frame(shown, protocol)
    assert read.raw == frame.raw
    assert identical(read.value, frame.value)


@given(REPLIES, st.sampled_from([2, 3]))
def test_the_notation_needs_no_bytes_beside_it(reply: Any, protocol: int) -> None:
    frame = decode(encode(reply, protocol))
    if not has_reply_as_key(frame.value):
        assert "\n(bytes) " not in show_frame(frame, protocol)
        assert encode(parse(show(frame.value)), protocol) == frame.raw


def has_reply_as_key(reply: Any) -> bool:
    """A key with an attribute, and one with such inside: no server sends it, and it is shown with its bytes."""
    if isinstance(reply, Pairs | dict):
        pairs = reply if isinstance(reply, Pairs) else reply.items()
        return any(isinstance(key, list | dict) or has_reply_as_key(value) for key, value in pairs)
    return isinstance(reply, list) and any(map(has_reply_as_key, reply))


@pytest.mark.parametrize(
    ("raw", "protocol", "shown"),
    [
        (b"+OK\r\n", 2, "OK"),
        (b"$2\r\nOK\r\n", 2, '"OK"'),
        (b"-ERR unknown command 'a', with args beginning with: \r\n", 2,
         "(error) ERR unknown command 'a', with args beginning with:\\x20"),
        (b"$-1\r\n", 2, "(nil)"),
        (b"_\r\n", 3, "(nil)"),
        (b"*-1\r\n", 2, "(nil array)"),
        (b",1e+17\r\n", 3, "(double) 1e+17"),
        (b"*2\r\n:1\r\n*1\r\n$1\r\n\xff\r\n", 2, '1) (integer) 1\n2) 1) "\\xff"'),
        (b"%1\r\n$1\r\nf\r\n*2\r\n#t\r\n#f\r\n", 3, '1# "f" => 1) (true)\n      2) (false)'),
        (b"|1\r\n+a\r\n:1\r\n~0\r\n", 3, "1| a => (integer) 1\n=> (empty set)"),
    ],
)  # fmt: skip
def test_each_type_has_its_own_form(raw: bytes, protocol: int, shown: str) -> None:
    assert show_frame(decode(raw), protocol) == shown
    assert parse_frame(shown, protocol).raw == raw


@pytest.mark.parametrize(
    ("raw", "protocol", "shown"),
    [
        (b"$-1\r\n", 3, "(nil)\n(in resp2)"),
        (b"_\r\n", 2, "(nil)\n(in resp3)"),
        (b"*2\r\n_\r\n$-1\r\n", 3, '1) (nil)\n2) (nil)\n(bytes) "*2\\r\\n_\\r\\n$-1\\r\\n"'),
        (b":+1\r\n", 2, '(integer) 1\n(bytes) ":+1\\r\\n"'),
        (b"!5\r\nERR a\r\n", 3, '(error) ERR a\n(bytes) "!5\\r\\nERR a\\r\\n"'),
    ],
)
def test_another_spelling_of_the_same_value_is_shown_with_its_bytes(raw: bytes, protocol: int, shown: str) -> None:
    assert show_frame(decode(raw), protocol) == shown
    assert parse_frame(shown, protocol).raw == raw


def test_what_is_nested_too_deeply_for_a_page_is_shown_by_its_bytes() -> None:
    raw = b"*1\r\n" * 5000 + b":1\r\n"
    shown = show_frame(decode(raw), 2)
    assert "(more, nested more deeply)" in shown
    assert parse_frame(shown, 2).raw == raw


@pytest.mark.parametrize("text", ["(nul)", '"a', '1) "a"\n3) "b"', '1# "a"', "(integer) x", "(any thing)", "a\nb", "é"])
def test_what_shows_no_reply_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whichever part of the notation it was)
        parse_frame(text, 2)


@pytest.mark.parametrize("reply", [b"text", Verbatim(b"text"), SimpleString(b"OK"), 5, [1, 2], {b"a": 1}])
def test_a_type_alone_stands_for_a_reply_of_it(reply: Any) -> None:
    assert type(parse(show_any(reply))) is type(reply)


def test_there_is_no_word_for_any_error() -> None:
    assert show_any(Error(b"ERR")) == show_any(None) == ""


@pytest.mark.parametrize(
    ("moment", "unit", "shown"),
    [(1100, "s", "(now + 100 s)"), (990, "s", "(now - 10 s)"), (1_100_013, "ms", "(now + 99600 ms)")],
)
def test_a_moment_is_shown_by_its_distance_from_now(moment: int, unit: str, shown: str) -> None:
    assert show_moment(moment, 1000.4, unit) == shown
    assert abs(parse(shown, 1000.4) - moment) <= 50
