"""The replies that the tests of strings and keys expect are those of real servers, not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.resp.types import Reply
from tests.commands import test_keys, test_strings

CASES = [
    case
    for test in (test_strings.test_a_string_command_answers_as_redis, test_keys.test_a_key_command_answers_as_redis)
    for mark in test.pytestmark
    for case in mark.args[1]
]


@pytest.fixture(params=["redis_server", "valkey_server"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    server: Server = request.getfixturevalue(request.param)
    with server.connect() as connected:
        connected.call("HELLO", "3")
        yield connected


def test_each_expectation_holds_on_a_real_server(wire: Wire) -> None:
    different = []
    for lines, expected in CASES:
        wire.call("FLUSHALL")
        reply: Reply = None
        for line in lines:
            reply = wire.call(*("" if word == "''" else word for word in line.split(" "))).value
        if reply != expected and not (
            isinstance(expected, list) and sorted(map(str, reply)) == sorted(map(str, expected))
        ):
            different.append((lines, expected, reply))
    assert not different
