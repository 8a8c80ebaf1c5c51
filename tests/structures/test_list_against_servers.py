"""The layout of lists decided by real servers: after every change, the encoding, the nodes and their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.structures.list import List

INTEGERS = [edge + step for edge in (0, 127, 4095, 32767, 2**23 - 1, 2**31 - 1) for step in (0, 1)]
INTEGERS += [-1 - edge - step for edge in (4095, 32767, 2**23 - 1, 2**31 - 1) for step in (0, 1)]
LENGTHS = [0, 1, 63, 64, 126, 500, 1000, 2000, 3000, 4095, 4096, 8170, 8185, 8186, 8192, 8193, 16390]
ELEMENTS = st.one_of(
    st.sampled_from(INTEGERS).map(b"%d".__mod__),
    st.sampled_from(LENGTHS).map(lambda length: b"x" * length),
)
INDEXES = st.integers(0, 30)
CHANGES = st.one_of(
    st.tuples(st.sampled_from(["LPUSH", "RPUSH"]), st.lists(ELEMENTS, min_size=1, max_size=6)),
    st.tuples(st.sampled_from(["LPOP", "RPOP"]), st.integers(1, 5)),
    st.tuples(st.sampled_from(["BEFORE", "AFTER", "LSET"]), INDEXES, ELEMENTS),
    st.tuples(st.just("LREM"), INDEXES, st.integers(-2, 2)),
    st.tuples(st.just("LTRIM"), st.integers(0, 4), st.integers(1, 30)),
)
SIZES = st.sampled_from([-3, -2, -1, 0, 1, 2, 4, 8, 128])


@pytest.fixture(params=["redis_server", "valkey_server"])
def server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with server.connect() as connection:
        yield connection
        connection.call("CONFIG", "SET", "list-max-listpack-size", -2)


def change(target: List, size: int, operation: tuple, wire: Wire) -> None:
    """Make one change on both sides, with the conversions that the command brings with it."""
    match operation:
        case ("LPUSH" | "RPUSH" as command, elements):
            target.try_conversion_growing(elements, size)
            (target.push_left if command == "LPUSH" else target.push_right)(elements)
            wire.call(command, "k", *elements)
        case ("LPOP" | "RPOP" as command, count):
            (target.take_left if command == "LPOP" else target.take_right)(count)
            target.try_conversion_shrinking(size)
            wire.call(command, "k", count)
        case ("BEFORE" | "AFTER" as where, index, element) if target:
            pivot = target[index % len(target)]
            target.try_conversion_growing([element], size)
            target.insert(target.index(pivot), element, after=where == "AFTER")
            wire.call("LINSERT", "k", where, pivot, element)
        case ("LSET", index, element) if target:
            target.try_conversion_growing([element], size)
            target.replace(index % len(target), element)
            target.try_conversion_shrinking(size)
            wire.call("LSET", "k", index % len(target), element)
        case ("LREM", index, count) if target:
            element = target[index % len(target)]
            target.remove(element, count)
            target.try_conversion_shrinking(size)
            wire.call("LREM", "k", count, element)
        case ("LTRIM", start, stop):
            target.trim(start, stop + 1)
            target.try_conversion_shrinking(size)
            wire.call("LTRIM", "k", start, stop)


def layout_of(target: List) -> tuple[str, int, int]:
    """Encoding, number of nodes and their bytes."""
    layout = target._layout
    if layout.encoding == "listpack":
        return "listpack", 0, 0
    return "quicklist", len(layout.nodes), sum(node.size for node in layout.nodes)


def layout_on_server(wire: Wire) -> tuple[str, int, int]:
    description = wire.call("DEBUG", "OBJECT", "k").value
    match = re.search(rb"encoding:(\w+)(?:.* ql_nodes:(\d+) .*ql_uncompressed_size:(\d+))?", description)
    assert match
    return match[1].decode(), int(match[2] or 0), int(match[3] or 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=SIZES, operations=st.lists(CHANGES, min_size=5, max_size=40))
def test_a_list_is_laid_out_as_on_a_real_server(server: Server, wire: Wire, size: int, operations: list[tuple]) -> None:
    wire.call("FLUSHDB")
    wire.call("CONFIG", "SET", "list-max-listpack-size", size)

    def new_list() -> List:
        return List(plain_nodes=True) if server.name.startswith("valkey") else List.quicklist(size)

    target = new_list()
    for operation in operations:
        change(target, size, operation, wire)
        assert wire.call("LRANGE", "k", 0, -1).value == list(target)
        if target:
            assert layout_on_server(wire) == layout_of(target), operation
        else:
            target = new_list()
