"""Numbers decided by real servers: random texts and doubles, read and printed by both."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp import Error, Reply
from miniredis.structures.long_double import add, format_human, parse_long_double
from miniredis.structures.numbers import (
    format_double_17g,
    format_double_shortest,
    parse_double,
    parse_integer,
    parse_score_bound,
)

CASES = 2000
PIECES = [*b"0 1 9 . e E + - 0x x p f A inf inity nan 5 00 308 324 1074 ( _".split(), b" ", b"\t", b"\0"]


@pytest.fixture(scope="module", params=["redis_server", "valkey_server"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    server: Server = request.getfixturevalue(request.param)
    with server.connect() as connection:
        connection.call("FLUSHALL")
        yield connection


@pytest.fixture
def redis_wire(redis_server: Server) -> Iterator[Wire]:
    with redis_server.connect() as connection:
        connection.call("FLUSHALL")
        yield connection


@pytest.fixture
def source(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.node.name)


def digits(source: random.Random, most: int) -> bytes:
    return b"%d" % source.randrange(10 ** source.randrange(1, most))


def sign(source: random.Random) -> bytes:
    return source.choice([b"", b"-", b"+"])


def jumble(source: random.Random) -> bytes:
    return b"".join(source.choices(PIECES, k=source.randrange(7)))


def decimal(source: random.Random, most_exponent: int = 345) -> bytes:
    exponent = source.choice([b"", b"e%d" % source.randrange(-most_exponent, most_exponent)])
    return sign(source) + digits(source, 25) + source.choice([b"", b"." + digits(source, 25)]) + exponent


def hexadecimal(source: random.Random, most_exponent: int = 1100) -> bytes:
    exponent = source.choice([b"", b"p%d" % source.randrange(-most_exponent, most_exponent)])
    whole, fraction = (b"%x" % source.getrandbits(source.randrange(1, 80)) for _ in range(2))
    return sign(source) + b"0x" + whole + source.choice([b"", b"." + fraction]) + exponent


def double(source: random.Random) -> float:
    kind = source.randrange(4)
    if kind == 0:
        return round(source.uniform(-1e6, 1e6), source.randrange(10))
    if kind == 1:
        return float(source.getrandbits(source.randrange(1, 80)))
    if kind == 2:
        return source.choice([1, -1, 1 + 2**-52, 1 - 2**-53]) * 2.0 ** source.randrange(-1074, 1024)
    exponent = source.randrange(2047) << 52
    value: float = struct.unpack("<d", struct.pack("<Q", exponent | source.getrandbits(52)))[0]
    return value


def texts(source: random.Random, *kinds: Callable[[random.Random], bytes]) -> list[bytes]:
    return [source.choice(kinds)(source) for _ in range(CASES)]


def test_a_text_is_an_integer_where_incrby_takes_it(wire: Wire, source: random.Random) -> None:
    numbers = texts(source, jumble, lambda source: sign(source) + digits(source, 22))
    replies = wire.pipeline(each for text in numbers for each in (("SET", "k", "0"), ("INCRBY", "k", text)))[1::2]
    for text, reply in zip(numbers, replies, strict=True):
        value = parse_integer(text)
        assert isinstance(reply.value, Error) if value is None else reply.value == value, text


def test_a_text_is_a_score_where_zadd_takes_it(redis_wire: Wire, source: random.Random) -> None:
    scores = texts(source, jumble, decimal, hexadecimal)
    commands = [
        command
        for text in scores
        for command in (
            ("ZADD", "z", "1.5", "m"),
            ("ZCOUNT", "z", text, "+inf"),
            ("ZADD", "z", text, "m"),
            ("ZSCORE", "z", "m"),
        )
    ]
    replies: list[Reply] = [frame.value for frame in redis_wire.pipeline(commands)]
    for text, counted, added, score in zip(scores, replies[1::4], replies[2::4], replies[3::4], strict=True):
        value = parse_double(text)
        assert isinstance(added, Error) == (value is None), text
        if value:  # the small encoding loses the sign of zero
            assert score == format_double_17g(value), text
        bound = parse_score_bound(text.removeprefix(b"("))
        if bound is None:
            assert isinstance(counted, Error), text
        elif bound != 1.5:
            assert counted == int(bound < 1.5), text


def test_a_decimal_is_a_score_in_valkey_as_well(valkey_server: Server, source: random.Random) -> None:
    scores = texts(source, decimal)
    with valkey_server.connect() as wire:
        wire.call("FLUSHALL")
        replies = wire.pipeline(each for text in scores for each in (("ZADD", "z", text, "m"), ("ZSCORE", "z", "m")))
    for text, added, score in zip(scores, replies[::2], replies[1::2], strict=True):
        value = parse_double(text)
        assert isinstance(added.value, Error) == (value is None), text
        if value:
            assert score.value == format_double_shortest(value), text


@pytest.mark.parametrize(
    ("server", "format_double"),
    [("redis_server", format_double_17g), ("valkey_server", format_double_shortest)],
)
def test_a_score_prints_as_zscore_gives_it(
    server: str, format_double: Callable[[float], bytes], source: random.Random, request: pytest.FixtureRequest
) -> None:
    values = [double(source) for _ in range(CASES)]
    real: Server = request.getfixturevalue(server)
    with real.connect() as wire:
        wire.call("FLUSHALL")
        replies = wire.pipeline(each for value in values for each in (("ZADD", "z", value, "m"), ("ZSCORE", "z", "m")))
    for value, reply in zip(values, replies[1::2], strict=True):
        if value:
            assert reply.value == format_double(value), value.hex()


def test_a_sum_is_what_incrbyfloat_gives(wire: Wire, source: random.Random) -> None:
    kinds = (jumble, decimal, decimal, hexadecimal, lambda source: decimal(source, 4960))
    pairs = list(zip(texts(source, *kinds), texts(source, *kinds), strict=True))
    replies = wire.pipeline(
        each for old, increment in pairs for each in (("SET", "k", old), ("INCRBYFLOAT", "k", increment))
    )
    for (old, increment), reply in zip(pairs, replies[1::2], strict=True):
        expected = sum_or_error(old, increment)
        got = reply.value.message if isinstance(reply.value, Error) else reply.value
        assert got == expected, (old, increment)


def sum_or_error(old: bytes, increment: bytes) -> bytes:
    augend, addend = parse_long_double(old), parse_long_double(increment)
    if augend is None or addend is None:
        return b"ERR value is not a valid float"
    total = add(augend, addend)
    return format_human(total) if total.is_finite else b"ERR increment would produce NaN or Infinity"
