"""The short ways, for a single request and for several alike, give what the parser gives, or leave it to the parser."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.resp import ProtocolError, RequestParser, encode_command

arguments = st.lists(
    st.one_of(st.binary(max_size=8), st.sampled_from([b"\r\n", b"*1", b"$3", b"x" * 1500])), max_size=6
)


def parsed(data: bytes) -> list[list[bytes]]:
    parser = RequestParser()
    parser.feed(data)
    return list(parser)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6).filter(lambda argv: not any(b"\r\n" in a for a in argv)))
def test_a_single_request_of_short_arguments_goes_the_short_way(argv: list[bytes]) -> None:
    assert RequestParser().whole_request(encode_command(argv)) == argv


@given(st.lists(arguments, max_size=3), st.integers(0, 12), st.integers(0, 255))
def test_it_is_never_taken_wrongly(requests: list[list[bytes]], cut: int, byte: int) -> None:
    data = b"".join(map(encode_command, requests))
    for variant in (data, data[: max(len(data) - cut, 0)], data[:cut] + bytes([byte]) + data[cut + 1 :]):
        argv = RequestParser().whole_request(variant)
        if argv is not None:
            assert parsed(variant) == [argv]


def test_not_in_the_middle_of_a_request() -> None:
    ping = b"*1\r\n$4\r\nPING\r\n"
    for begun in (b"*", b"*2\r\n", b"*2\r\n$4\r\n", b"*2\r\n$4\r\nECHO\r\n", b"*2\r\n$4\r\nECHO\r\n$14\r\n", b"PI"):
        parser = RequestParser()
        parser.feed(begun)
        assert list(parser) == []
        assert parser.whole_request(ping) is None


def test_not_before_what_was_fed_is_taken() -> None:
    parser = RequestParser()
    parser.feed(b"*1\r\n$4\r\nPING\r\n" * 2)
    assert parser.whole_request(b"*1\r\n$4\r\nQUIT\r\n") is None
    assert parser.next_request() == [b"PING"]
    assert parser.whole_request(b"*1\r\n$4\r\nQUIT\r\n") is None
    assert list(parser) == [[b"PING"]]
    assert parser.whole_request(b"*1\r\n$4\r\nQUIT\r\n") == [b"QUIT"]


def test_not_for_a_client_that_has_to_authenticate() -> None:
    assert RequestParser(authenticated=False).whole_request(b"*1\r\n$4\r\nPING\r\n") is None


def test_not_after_the_end() -> None:
    parser = RequestParser()
    parser.close()
    assert parser.whole_request(b"*1\r\n$4\r\nPING\r\n") is None


# Several alike

pipelines = st.lists(
    st.one_of(
        arguments.filter(bool).map(lambda argv: [argv]),
        st.builds(
            lambda name, rows: [[name, *row] for row in rows],
            st.sampled_from([b"GET", b"get", b"SET"]),
            st.integers(0, 3).flatmap(
                lambda count: st.lists(
                    st.lists(st.sampled_from([b"", b"k", b"l", b"key", b"x" * 12]), min_size=count, max_size=count),
                    min_size=1,
                    max_size=70,
                )
            ),
        ),
    ),
    max_size=3,
).map(lambda parts: [argv for part in parts for argv in part])


def taken(portions: Iterable[bytes]) -> tuple[list[list[bytes]], bytes | None, int]:
    """Requests, by the short ways where there is one; the error that ends them; how many of them came by columns."""
    parser = RequestParser()
    requests: list[list[bytes]] = []
    by_columns = 0
    try:
        for portion in portions:
            argv = parser.whole_request(portion)
            if argv is not None:
                requests.append(argv)
                continue
            parser.feed(portion)
            waiting = parser.buffered
            columns = parser.take_columns()
            assert parser.buffered == waiting  # until they are done with
            requests += map(list, zip(*columns, strict=True))
            by_columns += len(columns[0]) if columns else 0
            while more := parser.take():
                requests += more
    except ProtocolError as error:
        return requests, error.message, by_columns
    return requests, None, by_columns


def fed(portions: Iterable[bytes]) -> tuple[list[list[bytes]], bytes | None]:
    parser = RequestParser()
    requests: list[list[bytes]] = []
    try:
        for portion in portions:
            parser.feed(portion)
            requests += parser
    except ProtocolError as error:
        return requests, error.message
    return requests, None


@given(pipelines, st.integers(0, 200), st.integers(0, 255))
def test_they_are_never_taken_wrongly(pipeline: list[list[bytes]], cut: int, byte: int) -> None:
    data = b"".join(map(encode_command, pipeline))
    changed = data[:cut] + bytes([byte]) + data[cut + 1 :]
    for portions in ([data], [data, data], [data[:cut], data[cut:]], [changed], [changed, data]):
        assert taken(portions)[:2] == fed(portions)


@given(st.integers(2, 64), st.integers(0, 4))
def test_those_of_one_command_come_by_columns(number: int, count: int) -> None:
    pipeline = [[b"GET", *(b"%d" % (row * column) for column in range(count))] for row in range(number)]
    assert taken([b"".join(map(encode_command, pipeline))] * 2) == (pipeline * 2, None, number * 2)


def test_those_of_two_commands_and_what_is_half_there_do_not() -> None:
    get, strlen = (encode_command([name, b"key"]) for name in (b"GET", b"STRLEN"))
    assert taken([get + strlen]) == ([[b"GET", b"key"], [b"STRLEN", b"key"]], None, 0)
    parser = RequestParser()
    assert parser.whole_request(get + strlen) is None
    parser.feed(get + strlen)
    assert parser.take_columns() == ()
    assert list(parser) == [[b"GET", b"key"], [b"STRLEN", b"key"]]
    assert parser.whole_request(get) == [b"GET", b"key"]  # the short way is free again
    assert taken([get + get + get[:-1]]) == ([[b"GET", b"key"]] * 2, None, 0)
    assert taken([get[:5], get[5:] + get])[2] == 0
    assert taken([get * 65])[2] == 0  # others shall have their turn


@pytest.mark.parametrize("wrong", [b"", b"k", b"long", b"lo\r\ng"])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_not_where_one_of_many_is_not_as_long_as_it_says(wrong: bytes, at: int) -> None:
    requests = [b"*2\r\n$3\r\nGET\r\n$3\r\n%b\r\n" % (wrong if row == at else b"key") for row in range(4)]
    assert taken([b"".join(requests)]) == (*fed([b"".join(requests)]), 0)


def test_they_wait_behind_what_was_put_back() -> None:
    parser = RequestParser()
    data = encode_command([b"GET", b"key"]) * 2
    assert parser.whole_request(data) is None
    parser.feed(data)
    parser.put_back([[b"SET", b"key", b"value"]])
    assert parser.take_columns() == ()
    assert parser.take() == [[b"SET", b"key", b"value"]]
    assert [*parser] == [[b"GET", b"key"]] * 2
