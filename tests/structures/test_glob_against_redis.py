"""Patterns decided by real servers: KEYS for what is exact, COMMAND LIST for what ignores case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.structures.glob import compile_glob

SPECIAL = b"ab[]^-\\*?\x00\x80\xff"
PATTERNS = st.lists(st.sampled_from(SPECIAL), max_size=10).map(bytes)
STRINGS = st.lists(st.sampled_from(SPECIAL), max_size=6).map(bytes)
WITHOUT_FIXTURE_CHECK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=["redis_server", "valkey_server"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire]:
    server: Server = request.getfixturevalue(request.param)
    with server.connect() as connection:
        yield connection


@WITHOUT_FIXTURE_CHECK
@given(st.sets(STRINGS, min_size=1, max_size=60), st.lists(PATTERNS.filter(lambda p: p != b"*"), max_size=40))
def test_a_pattern_selects_the_keys_that_a_real_server_selects(
    wire: Wire, keys: set[bytes], patterns: list[bytes]
) -> None:
    wire.call("FLUSHDB")
    wire.call("MSET", *(argument for key in keys for argument in (key, b"")))
    replies = wire.pipeline(("KEYS", pattern) for pattern in patterns)
    for pattern, reply in zip(patterns, replies, strict=True):
        assert isinstance(reply.value, list)
        assert set(filter(compile_glob(pattern), keys)) == set(reply.value), pattern


@WITHOUT_FIXTURE_CHECK
@given(st.lists(st.lists(st.sampled_from(b"aegstEGSTZ[]^-\\*?"), max_size=8).map(bytes), max_size=40))
def test_nocase_selects_the_commands_that_a_real_server_selects(wire: Wire, patterns: list[bytes]) -> None:
    names = wire.call("COMMAND", "LIST").value
    assert isinstance(names, list)
    replies = wire.pipeline(("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern) for pattern in patterns)
    for pattern, reply in zip(patterns, replies, strict=True):
        assert isinstance(reply.value, list)
        assert set(filter(compile_glob(pattern, nocase=True), names)) == set(reply.value), pattern
