"""HyperLogLogs: against plain arrays of registers, and against what real servers keep and count."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.servers import Server
from conformance.wire import Wire
from miniredis.structures import hyperloglog, hyperloglog_dense
from miniredis.structures.hyperloglog_dense import REGISTERS, histogram, maximum, pack, unpack
from miniredis.structures.hyperloglog_sparse import EMPTY, CorruptedError, NoRoomError, SparseRegisters

REGISTER = st.tuples(
    st.integers(0, 12) | st.integers(0, REGISTERS - 1) | st.integers(REGISTERS - 12, REGISTERS - 1), st.integers(1, 32)
)
ALL_REGISTERS = (
    st.binary(min_size=12, max_size=12)
    .map(lambda part: bytes(byte & 63 for byte in part) * 1366)
    .map(lambda registers: registers[:REGISTERS])
)
ROOM = 10_000


@given(registers=ALL_REGISTERS)
def test_packed_registers_lie_from_the_lowest_bit_up(registers: bytes) -> None:
    packed = pack(registers)
    whole = int.from_bytes(packed, "little")
    assert all(whole >> 6 * index & 63 == registers[index] for index in range(24))
    assert unpack(packed) == registers


@given(left=ALL_REGISTERS, right=ALL_REGISTERS)
def test_of_two_registers_the_greater_counts(left: bytes, right: bytes) -> None:
    assert maximum(left, right) == bytes(map(max, left, right))


@given(registers=ALL_REGISTERS)
def test_the_histogram_counts_every_register(registers: bytes) -> None:
    counts = histogram(registers)
    assert counts == [registers.count(value) for value in range(64)]
    assert sum(counts) == REGISTERS


@given(registers=ALL_REGISTERS, index=st.integers(0, REGISTERS - 1), value=st.integers(1, 51))
def test_raising_a_packed_register_leaves_its_neighbours_alone(registers: bytes, index: int, value: int) -> None:
    packed = pack(registers)
    assert hyperloglog_dense.raise_register(packed, 0, index, value) == (registers[index] < value)
    assert unpack(packed) == registers[:index] + bytes([max(registers[index], value)]) + registers[index + 1 :]


@given(raised=st.lists(REGISTER, max_size=60))
def test_runs_stand_for_the_registers_that_were_raised(raised: list[tuple[int, int]]) -> None:
    runs, model, size = SparseRegisters(EMPTY), bytearray(REGISTERS), len(EMPTY)
    for index, value in raised:
        growth = runs.raise_register(index, value, ROOM)
        assert (growth is not None) == (model[index] < value)
        size += growth or 0
        model[index] = max(model[index], value)
        written = runs.to_bytes()
        assert len(written) == size
        assert SparseRegisters(written).expanded() == runs.expanded() == model


def test_no_run_has_a_register_above_32() -> None:
    with pytest.raises(NoRoomError):
        SparseRegisters(EMPTY).raise_register(0, 33, ROOM)


def test_runs_grow_by_what_there_is_room_for() -> None:
    runs = SparseRegisters(EMPTY)
    with pytest.raises(NoRoomError):
        runs.raise_register(100, 1, 2)
    assert runs.to_bytes() == EMPTY
    assert runs.raise_register(100, 1, 3) == 3


@pytest.mark.parametrize("body", [b"", b"\x40\x63", EMPTY + b"\x00", EMPTY + b"\x80", EMPTY * 2])
def test_runs_that_cover_too_few_registers_or_too_many_are_corrupted(body: bytes) -> None:
    with pytest.raises(CorruptedError):
        SparseRegisters(body).expanded()


@given(elements=st.lists(st.binary(max_size=30), max_size=200))
def test_sparse_and_dense_count_alike(elements: list[bytes]) -> None:
    sparse, dense = hyperloglog.empty(), hyperloglog.empty()
    hyperloglog.to_dense(dense)
    changes = hyperloglog.add(sparse, elements, ROOM)
    assert hyperloglog.add(dense, elements, ROOM) == changes
    registers = hyperloglog.registers_of(sparse)
    assert registers == hyperloglog.registers_of(dense)
    assert hyperloglog.add(sparse, elements, ROOM) == 0
    assert abs(hyperloglog.estimate(registers) - len(set(elements))) <= 3
    hyperloglog.to_dense(sparse)
    assert sparse == dense


def test_counts_are_within_a_few_standard_errors() -> None:
    data, added = hyperloglog.empty(), 0
    for size in (10, 1000, 20_000):
        hyperloglog.add(data, (b"element:%d" % number for number in range(added, size)), 3000)
        added = size
        count = hyperloglog.estimate(hyperloglog.registers_of(data))
        assert abs(count - size) <= max(6 * 1.04 / 128 * size, 1)


@pytest.fixture(params=["redis_server", "valkey_server"])
def server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


def string_of(wire: Wire, key: str) -> bytes:
    frame = wire.call("GET", key).value
    assert isinstance(frame, bytes)
    return frame


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(st.binary(max_size=20), max_size=80), max_size=6),
    limit=st.sampled_from([0, 25, 60, 200, 3000]),
    count_between=st.booleans(),
)
def test_real_servers_keep_the_same_string(
    server: Server, batches: list[list[bytes]], limit: int, count_between: bool
) -> None:
    with server.connect() as wire:
        wire.call("FLUSHALL")
        wire.call("CONFIG", "SET", "hll-sparse-max-bytes", limit)
        data = hyperloglog.empty()
        hyperloglog.forget_count(data)
        wire.call("PFADD", "k")
        for batch in batches:
            wire.call("PFADD", "k", *batch)
            hyperloglog.add(data, batch, limit)
            assert string_of(wire, "k") == data
            if count_between:
                count = hyperloglog.estimate(hyperloglog.registers_of(data))
                hyperloglog.cache_count(data, count)
                assert wire.call("PFCOUNT", "k").value == count
                assert string_of(wire, "k") == data
        wire.call("CONFIG", "SET", "hll-sparse-max-bytes", 3000)


@pytest.mark.parametrize("size", [3000, 12_345, 70_000])
def test_real_servers_count_the_same_in_large_sets(server: Server, size: int) -> None:
    with server.connect() as wire:
        wire.call("FLUSHALL")
        data = hyperloglog.empty()
        hyperloglog.forget_count(data)
        for start in range(0, size, 5000):
            elements = [b"%d:%d" % (size, number) for number in range(start, min(start + 5000, size))]
            wire.call("PFADD", "k", *elements)
            hyperloglog.add(data, elements, 3000)
        assert string_of(wire, "k") == data
        assert wire.call("PFCOUNT", "k").value == hyperloglog.estimate(hyperloglog.registers_of(data))
