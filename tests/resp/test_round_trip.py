"""What one side encodes, the other decodes: any reply, in both protocols, cut anywhere."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from miniredis.resp import (
    NEED_MORE,
    NULL_ARRAY,
    Attribute,
    BigNumber,
    Encoder,
    Error,
    Pairs,
    Push,
    Replies,
    ReplyDecoder,
    ReplySet,
    SimpleString,
    Verbatim,
)
from miniredis.structures.numbers import format_double_shortest
from tests.resp.test_decoder import typed

resp2 = Encoder(2, format_double_shortest)
resp3 = Encoder(3, format_double_shortest)

lines = st.binary(max_size=12).map(lambda text: text.translate(None, b"\r\n"))
scalars = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"\r\n", b"x" * 1024, None, NULL_ARRAY, True, False]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    lines.map(SimpleString),
    lines.map(Error),
    st.binary(max_size=12).map(Verbatim),
    st.integers(-(2**200), 2**200).map(BigNumber),
)
keys = st.binary(max_size=4) | st.integers(-(2**63), 2**63 - 1) | lines.map(SimpleString)


def containers(replies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = st.lists(replies, max_size=4)
    return st.one_of(
        items,
        items.map(ReplySet),
        items.map(Push),
        st.dictionaries(keys, replies, max_size=3),
        st.lists(st.tuples(st.lists(replies, max_size=2), replies), min_size=1, max_size=3).map(Pairs),
        st.tuples(st.dictionaries(lines.map(SimpleString), replies, min_size=1, max_size=2), replies).map(
            lambda parts: Replies([Attribute(parts[0]), parts[1]])
        ),
    )


replies = st.recursive(scalars, containers, max_leaves=12)


def as_seen_in_resp3(reply: Any) -> Any:
    """``typed``, but for the two nulls, which RESP3 has only one of."""
    if reply is NULL_ARRAY:
        return typed(None)
    if isinstance(reply, dict):
        return type(reply).__name__, [(as_seen_in_resp3(key), as_seen_in_resp3(each)) for key, each in reply.items()]
    if isinstance(reply, list | tuple):
        return type(reply).__name__, [as_seen_in_resp3(item) for item in reply]
    if isinstance(reply, float):
        return "Double", getattr(reply, "text", None) or format_double_shortest(reply)
    return typed(reply)


def as_seen_in_resp2(reply: Any) -> Any:
    """What is left of ``reply`` in RESP2: bulk strings, integers, lines, nulls, arrays. A list, for attributes go."""
    match reply:
        case Attribute():
            return []
        case Replies():
            return [seen for each in reply for seen in as_seen_in_resp2(each)]
        case dict():
            return [("array", [seen for pair in reply.items() for each in pair for seen in as_seen_in_resp2(each)])]
        case Pairs():
            return [("array", [seen for pair in reply for each in pair for seen in as_seen_in_resp2(each)])]
        case list():
            return [("array", [seen for each in reply for seen in as_seen_in_resp2(each)])]
        case bool():
            return [typed(int(reply))]
        case float():
            return [typed(format_double_shortest(reply))]
        case BigNumber():
            return [typed(b"%d" % reply)]
        case Verbatim():
            return [typed(bytes(reply))]
        case _:
            return [typed(reply)]


def all_decoded(data: bytes, cut: int) -> list[Any]:
    decoder = ReplyDecoder()
    decoder.feed(data[:cut])
    found = []
    raw = b""
    for rest in (data[cut:], b""):
        while (reply := decoder.next()) is not NEED_MORE:
            found.append(reply)
            raw += decoder.raw
        decoder.feed(rest)
    assert raw == data
    return found


@given(replies)
def test_resp3_keeps_everything_but_the_kind_of_null(reply: Any) -> None:
    data = resp3.encode(reply)
    for cut in range(len(data) + 1):
        assert [as_seen_in_resp3(each) for each in all_decoded(data, cut)] == [as_seen_in_resp3(reply)]


@given(replies)
def test_resp2_keeps_what_it_has_words_for(reply: Any) -> None:
    data = resp2.encode(reply)
    for cut in range(len(data) + 1):
        assert [seen for each in all_decoded(data, cut) for seen in as_seen_in_resp2(each)] == as_seen_in_resp2(reply)


@given(st.lists(replies, max_size=4), st.integers(0, 1000))
def test_replies_come_one_by_one(several: list[Any], cut: int) -> None:
    data = b"".join(map(resp3.encode, several))
    assert [as_seen_in_resp3(each) for each in all_decoded(data, min(cut, len(data)))] == [
        as_seen_in_resp3(each) for each in several
    ]
