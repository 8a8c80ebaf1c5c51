"""Bytes that are no requests, or hardly: the server answers as Redis does, closes that connection and lives on."""

from __future__ import annotations

import random
import re
import socket

import pytest

from miniredis.resp import encode_command
from tests.server.conftest import Host

STREAMS = 5_000
WORDS = (  # noqa: SIM905
    "GET SET k v MULTI EXEC SUBSCRIBE PSUBSCRIBE MONITOR BLPOP 0 0.01 LPUSH HELLO 3 2 CLIENT REPLY OFF SKIP ON PING "
    "QUIT RESET WATCH UNSUBSCRIBE KILL ID LIST CONFIG * INFO POST Host: PUBLISH SELECT 1 AUTH ZADD m OBJECT DEBUG"
).split()
NUMBERS = [b"-1", b"0", b"1048577", b"2147483648", b"536870913", b"9" * 20, b"", b"a", b"+1", b" 1", b"\0"]
PYTHON = re.compile(rb"internal error|Traceback|None|<class|object at 0x|[A-Z][a-z]+Error|Exception|line \d+, in")
PROTOCOL_ERROR = re.compile(
    rb"-ERR Protocol error: (unbalanced quotes in request|invalid bulk length|invalid multibulk length"
    rb"|expected '\$', got '.'|too big (inline request|mbulk count string|bulk count string))\r\n$",
    re.DOTALL,
)


def request(rng: random.Random) -> bytes:
    words = rng.choices(WORDS, k=rng.randrange(1, 5))
    return encode_command(words) if rng.random() < 0.7 else " ".join(words).encode() + rng.choice([b"\r\n", b"\n"])


def spoilt(rng: random.Random, data: bytes) -> bytes:
    """*data* with a few bytes changed, missing or too many."""
    spoilt = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(len(spoilt))
        length = rng.randrange(2)
        insertion = [b"", rng.randbytes(1), rng.choice(NUMBERS), b"\r\n", b"*", b"$", b'"', b"'", b"\0"]
        spoilt[place : place + length] = rng.choice(insertion)
        spoilt = spoilt or bytearray(b"*")
    return bytes(spoilt)


def stream(rng: random.Random) -> bytes:
    match rng.randrange(5):
        case 0:
            return rng.randbytes(rng.randrange(1, 200))
        case 1:
            return bytes(rng.choices(b"*$\r\n-+:0123456789\"' \\x", k=200))
        case 2:
            return b"*%b\r\n$%b\r\n%b\r\n" % (rng.choice(NUMBERS), rng.choice(NUMBERS), rng.randbytes(20))
        case 3:
            return rng.choice([b"a", b"*", b'"', b"*1\r\n$"]) * 70_000
        case _:
            return spoilt(rng, b"".join(request(rng) for _ in range(rng.randrange(1, 9))))


def test_garbage_is_answered_with_an_error_of_redis_and_nothing_else(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(1)
    refused = 0
    for _ in range(STREAMS):
        peer = host.connect()
        try:
            peer.socket.sendall(stream(rng))
            peer.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has closed already
        received = peer.read_to_the_end()
        peer.socket.close()
        host.peers.remove(peer)
        assert not PYTHON.search(received), received
        if b"Protocol error" in received.rpartition(b"\r\n-")[2]:
            refused += 1
            assert PROTOCOL_ERROR.search(received), received
    assert refused > STREAMS // 10
    host.wait_for_clients(0)
    assert not [record for record in caplog.records if record.exc_info]
