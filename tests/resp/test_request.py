"""The server's side of the wire: from received bytes to requests."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.resp import ProtocolError, QueryBufferLimitError, RequestParser, encode_command
from tests.resp import request_cases as cases
from tests.resp.request_cases import ONE_PING, PING, Case

Parsed = tuple[list[list[bytes]], bytes | None]


def parsed(portions: Iterable[bytes], **options: Any) -> Parsed:
    """The requests in what is fed portion by portion, and the protocol error that ends them."""
    parser = RequestParser(**options)
    requests: list[list[bytes]] = []
    try:
        for portion in portions:
            parser.feed(portion)
            requests.extend(parser)
    except ProtocolError as error:
        return requests, error.message
    return requests, None


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[position : position + 1] for position in range(len(data))]


def cut_at(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


class TestRequestsAndProtocolErrors:
    @pytest.mark.parametrize(
        ("data", "requests", "error"),
        cases.MULTIBULK + cases.LAX_LINE_ENDS + cases.INLINE + cases.QUOTED + cases.LONG_LINES,
        ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else "",
    )
    def test_are_those_of_redis_however_the_bytes_arrive(
        self, data: bytes, requests: list[list[bytes]], error: bytes | None
    ) -> None:
        assert parsed([data]) == (requests, error)
        if len(data) < 1000:
            assert parsed(byte_by_byte(data)) == (requests, error)
            for cut in range(1, len(data)):
                assert parsed([data[:cut], data[cut:]]) == (requests, error)

    @pytest.mark.parametrize("case", cases.MULTIBULK + cases.VALKEY_LINE_ENDS, ids=lambda case: repr(case[0][:40]))
    def test_are_those_of_valkey_when_line_ends_are_checked(self, case: Case) -> None:
        data, requests, error = case
        assert parsed([data], checks_crlf=True) == (requests, error)
        assert parsed(byte_by_byte(data), checks_crlf=True) == (requests, error)

    def test_more_than_a_million_arguments_were_too_many_for_redis_6(self) -> None:
        too_many = b"Protocol error: invalid multibulk length"
        assert parsed([b"*1048576\r\n"], max_arguments=1024 * 1024) == ([], None)
        assert parsed([b"*1048577\r\n"], max_arguments=1024 * 1024) == ([], too_many)

    def test_a_line_may_be_64_kilobytes_long(self) -> None:
        assert parsed([b"a" * 65536 + b"\n"]) == ([[b"a" * 65536]], None)
        assert parsed([b"a" * 65537 + b"\n"]) == ([], b"Protocol error: too big inline request")


class TestTheTurnOfThings:
    def test_a_request_is_handed_out_only_when_asked_for(self) -> None:
        parser = RequestParser()
        parser.feed(PING * 3)
        assert parser.next_request() == ONE_PING
        assert parser.next_request() == ONE_PING
        assert parser.next_request() == ONE_PING
        assert parser.next_request() is None

    def test_a_loop_that_was_left_goes_on_where_it_was(self) -> None:
        parser = RequestParser()
        parser.feed(encode_command(["BLPOP", "k", 0]) + PING + b"*1\r\n$4\r\nPI")
        for argv in parser:
            assert argv[0] == b"BLPOP"
            break
        parser.feed(b"NG\r\nECHO 1\r\n")
        assert list(parser) == [ONE_PING, ONE_PING, [b"ECHO", b"1"]]

    def test_an_error_waits_for_the_requests_before_it(self) -> None:
        parser = RequestParser()
        parser.feed(PING * 2 + b"*x\r\n" + PING)
        assert parser.next_request() == ONE_PING
        assert parser.next_request() == ONE_PING
        with pytest.raises(ProtocolError, match=r"^Protocol error: invalid multibulk length$"):
            parser.next_request()

    def test_after_an_error_nothing_is_listened_to(self) -> None:
        parser = RequestParser()
        parser.feed(b"*x\r\n" + PING)
        with pytest.raises(ProtocolError):
            parser.next_request()
        parser.feed(PING)
        assert parser.next_request() is None
        assert list(parser) == []
        assert parser.buffered == 0

    def test_after_close_nothing_is_listened_to(self) -> None:
        parser = RequestParser()
        parser.feed(PING * 2)
        parser.next_request()
        parser.close()
        parser.feed(PING)
        assert parser.next_request() is None
        assert parser.buffered == 0


class TestLimits:
    AUTH = encode_command(["AUTH", "password"])

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"*10\r\n:", None),
            (b"*11\r\n:", b"Protocol error: unauthenticated multibulk length"),
            (b"*2147483648\r\n", b"Protocol error: invalid multibulk length"),
            (b"*1\r\n$16384\r\n", None),
            (b"*1\r\n$16385\r\n", b"Protocol error: unauthenticated bulk length"),
            (b"*1\r\n$536870913\r\n", b"Protocol error: invalid bulk length"),
        ],
    )
    def test_hold_back_a_client_that_has_not_authenticated(self, data: bytes, error: bytes | None) -> None:
        assert parsed([data], authenticated=False) == ([], error)

    def test_of_the_unauthenticated_do_not_hold_for_lines(self) -> None:
        line = b"PING" + b" a" * 20
        assert parsed([line + b"\r\n"], authenticated=False) == ([line.split()], None)

    def test_follow_authentication_within_one_pipeline(self) -> None:
        many = encode_command(["a"] * 11)
        parser = RequestParser(authenticated=False)
        parser.feed(self.AUTH + many + many + encode_command(["RESET"]) + many)
        assert parser.next_request() == [b"AUTH", b"password"]
        parser.authenticated = True
        assert parser.next_request() == [b"a"] * 11
        assert parser.next_request() == [b"a"] * 11
        assert parser.next_request() == [b"RESET"]
        parser.authenticated = False
        with pytest.raises(ProtocolError, match="unauthenticated multibulk length"):
            parser.next_request()

    def test_on_argument_length_can_change_within_one_pipeline(self) -> None:
        long = encode_command([b"x" * 1_500_000])
        parser = RequestParser()
        parser.feed(long + long)
        assert parser.next_request() == [b"x" * 1_500_000]
        parser.proto_max_bulk_len = 1_000_000
        with pytest.raises(ProtocolError, match="invalid bulk length"):
            parser.next_request()

    def test_on_the_query_buffer_count_what_is_not_processed_yet(self) -> None:
        parser = RequestParser(client_query_buffer_limit=1000)
        for _ in range(100):  # far more than the limit, but it never waits
            parser.feed(PING * 10)
            assert len(list(parser)) == 10
        parser.feed(b"*1\r\n$2000\r\n" + b"x" * 900)
        assert parser.next_request() is None
        with pytest.raises(QueryBufferLimitError):
            parser.feed(b"x" * 101)
        assert parser.next_request() is None

    def test_on_the_query_buffer_count_what_waits_behind_a_blocked_request(self) -> None:
        parser = RequestParser(client_query_buffer_limit=1000)
        parser.feed(PING * 50)
        assert parser.next_request() == ONE_PING
        with pytest.raises(QueryBufferLimitError):
            parser.feed(PING * 50)


class TestSizeOfTheWork:
    """Each would take minutes if the work grew with the square of the bytes."""

    @staticmethod
    def seconds(portions: Iterable[bytes]) -> float:
        start = time.perf_counter()
        parsed(portions)
        return time.perf_counter() - start

    def test_a_large_argument_in_many_portions_is_looked_at_once(self) -> None:
        payload = b"\r\n" * 5_000_000
        data = encode_command([b"ECHO", payload])
        portions = [data[start : start + 1000] for start in range(0, len(data), 1000)]
        assert parsed(portions) == ([[b"ECHO", payload]], None)
        assert self.seconds(portions) < 5

    def test_a_request_of_many_arguments_in_many_portions_is_looked_at_once(self) -> None:
        data = encode_command([b"x"] * 100_000)
        assert self.seconds(data[start : start + 100] for start in range(0, len(data), 100)) < 5

    def test_requests_with_strange_line_ends_do_not_split_the_rest_again_and_again(self) -> None:
        assert self.seconds([b"*1\r\n$4\r\nPINGxx" * 50_000]) < 5
        assert self.seconds([(b"PING\r\n" + PING) * 50_000]) < 5

    def test_what_waits_behind_a_blocked_request_is_not_copied_by_every_portion(self) -> None:
        parser = RequestParser()
        parser.feed(PING * 2)
        assert parser.next_request() == ONE_PING
        start = time.perf_counter()
        for _ in range(20_000):
            parser.feed(b"x" * 1000)
        assert time.perf_counter() - start < 5


well_formed = st.lists(st.binary(max_size=30) | st.sampled_from([b"\r\n", b"\r\n\r\n$3\r\n", b"x" * 1500]), min_size=1)
pieces = st.sampled_from(
    [
        *(data for data, _, _ in cases.MULTIBULK + cases.LAX_LINE_ENDS + cases.INLINE + cases.QUOTED),
        *(b"*", b"$", b"\r\n", b"\r", b"\n", b"*2\r\n", b"$4\r\n", b"$4\r\nPING\r\n", b"\x00", b"*3\r\n$1\r\na\r\n"),
    ]
)
streams = st.lists(pieces | well_formed.map(encode_command), max_size=8).map(b"".join)


@st.composite
def portioned(draw: st.DrawFn, data: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """Bytes, whole and cut anywhere."""
    whole = draw(data)
    cuts = sorted(draw(st.sets(st.integers(0, len(whole)), max_size=6)) | {0, len(whole)})
    return whole, [whole[start:end] for start, end in pairwise(cuts)]


class TestProperties:
    @given(st.lists(well_formed, max_size=6), st.data())
    def test_what_a_client_encodes_is_what_the_server_gets(
        self, requests: list[list[bytes]], data: st.DataObject
    ) -> None:
        whole, portions = data.draw(portioned(st.just(b"".join(map(encode_command, requests)))))
        assert parsed([whole]) == (requests, None)
        assert parsed(portions) == (requests, None)

    @given(portioned(streams), st.booleans(), st.booleans())
    def test_any_bytes_mean_the_same_however_they_arrive(
        self, stream: tuple[bytes, list[bytes]], authenticated: bool, checks_crlf: bool
    ) -> None:
        whole, portions = stream
        options = {"authenticated": authenticated, "checks_crlf": checks_crlf}
        # Byte by byte, there is never a whole request to split: this is the careful way through and through.
        careful = parsed(byte_by_byte(whole), **options)
        assert parsed([whole], **options) == careful
        assert parsed(portions, **options) == careful

    @given(st.lists(st.binary(max_size=40), max_size=10))
    def test_noise_is_either_understood_or_a_protocol_error(self, portions: list[bytes]) -> None:
        requests, _ = parsed(portions)
        assert all(argv and all(type(argument) is bytes for argument in argv) for argv in requests)
        assert len(list(chain.from_iterable(requests))) <= sum(map(len, portions))


LONG = 1 << 15


class TestLongArguments:
    """Such as are put together with nothing else, when a part of them is still to come."""

    @given(
        st.lists(st.sampled_from([0, 3, LONG - 1, LONG, LONG + 1, 3 * LONG]), min_size=1, max_size=4),
        st.lists(st.integers(0, 10 * LONG), max_size=12),
        st.lists(st.sampled_from([b"", encode_command([b"PING"]), b"PING\r\n", b"*1\r\n$4\r\nPI"]), max_size=3),
    )
    def test_are_whole_however_they_arrive(self, sizes: list[int], cuts: list[int], after: list[bytes]) -> None:
        argv = [b"SET", *(bytes([number + 97]) * size for number, size in enumerate(sizes))]
        data = encode_command(argv) + b"".join(after)
        assert parsed(cut_at(data, cuts)) == parsed([data])
        assert parsed([data])[0][0] == argv

    @pytest.mark.parametrize("checks_crlf", [False, True])
    @pytest.mark.parametrize("line_end", [b"\r\n", b"xy"])
    def test_end_as_short_ones_do(self, line_end: bytes, checks_crlf: bool) -> None:
        value = b"v" * LONG
        data = b"*2\r\n$4\r\nECHO\r\n$%d\r\n%b%b" % (len(value), value, line_end)
        ends = (len(data) - 3, len(data) - 2, len(data) - 1)
        wanted = parsed([data], checks_crlf=checks_crlf)
        assert wanted[0] == ([] if checks_crlf and line_end == b"xy" else [[b"ECHO", value]])
        for end in ends:
            assert parsed([data[:100], data[100:end], data[end:]], checks_crlf=checks_crlf) == wanted
            assert parsed([data[:100], *byte_by_byte(data[100:200]), data[200:]], checks_crlf=checks_crlf) == wanted

    def test_count_as_they_arrive(self) -> None:
        parser = RequestParser()
        data = encode_command([b"SET", b"k", b"v" * LONG])
        for portion in (data[:1000], data[1000:-1]):
            parser.feed(portion)
            assert not list(parser)
            assert parser.awaited == LONG
        assert parser.buffered == len(data) - 1 - data.index(b"v")
        parser.feed(data[-1:])
        assert list(parser) == [[b"SET", b"k", b"v" * LONG]]
        assert (parser.awaited, parser.buffered) == (0, 0)
