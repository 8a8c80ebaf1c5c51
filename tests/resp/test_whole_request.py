"""The short way for a single request gives what the parser gives, or leaves it to the parser."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from miniredis.resp import RequestParser, encode_command

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
