"""The recorded cases, and random streams of bytes, put to real servers.

The server gets the raw bytes on one connection. What the parser makes of them goes to it on another, as clean
requests. The replies must be the same, followed by the protocol error that the parser foretells.
"""

from __future__ import annotations

import socket

import pytest
from hypothesis import HealthCheck, given, settings

from conformance.servers import Server
from miniredis.resp import encode_command
from tests.resp import request_cases as cases
from tests.resp.request_cases import Case
from tests.resp.test_request import parsed, streams


def replies(server: Server, data: bytes) -> bytes:
    """All that the server answers to ``data`` and the end of it."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed on us after a protocol error: its reply can still be read
        received = bytearray()
        try:
            while portion := connection.recv(65536):
                received += portion
        except ConnectionResetError:
            pass  # the server did not read what stands behind the error
        return bytes(received)


def foretold(server: Server, data: bytes, *, checks_crlf: bool = False) -> bytes:
    requests, error = parsed([data], checks_crlf=checks_crlf)
    answers = replies(server, b"".join(map(encode_command, requests)))
    return answers if error is None else answers + b"-ERR " + error + b"\r\n"


@pytest.mark.parametrize(
    "case",
    cases.MULTIBULK + cases.LAX_LINE_ENDS + cases.INLINE + cases.QUOTED + cases.LONG_LINES,
    ids=lambda case: repr(case[0][:40]),
)
def test_redis_answers_as_recorded(redis_server: Server, case: Case) -> None:
    assert replies(redis_server, case[0]) == foretold(redis_server, case[0])


@pytest.mark.parametrize("case", cases.MULTIBULK + cases.VALKEY_LINE_ENDS, ids=lambda case: repr(case[0][:40]))
def test_valkey_answers_as_recorded(valkey_server: Server, case: Case) -> None:
    assert replies(valkey_server, case[0]) == foretold(valkey_server, case[0], checks_crlf=True)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=streams)
def test_redis_understands_any_stream_as_the_parser_does(redis_server: Server, data: bytes) -> None:
    assert replies(redis_server, data) == foretold(redis_server, data)
