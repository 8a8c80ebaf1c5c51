"""Bits of strings, against the plainest model there is: the string written out as zeros and ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.structures import bits
from miniredis.structures.bits import CHUNK, COMBINATIONS, Field, Overflow, combine, count_set_bits, find_bit, invert

DATA = st.binary(max_size=40) | st.lists(st.sampled_from([b"\x00", b"\xff", b"\x01", b"\x80"])).map(b"".join)


@pytest.fixture(params=[3, CHUNK], ids=["many chunks", "one chunk"], autouse=True, scope="module")
def chunk(request: pytest.FixtureRequest) -> object:
    """Chunks of three bytes, so that short strings have several, and of the real size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits, "CHUNK", request.param)
        yield


def written_out(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@given(data=DATA.filter(bool), ends=st.data(), bit=st.integers(0, 1))
def test_counting_and_finding_look_at_a_range_of_bits(data: bytes, ends: st.DataObject, bit: int) -> None:
    first = ends.draw(st.integers(0, len(data) * 8 - 1))
    last = ends.draw(st.integers(0, len(data) * 8 - 1))
    part = written_out(data)[first : last + 1]
    assert count_set_bits(data, first, last) == part.count("1")
    position = part.find(str(bit))
    assert find_bit(bytearray(data), bit, first, last) == (None if position < 0 else first + position)


@given(sources=st.lists(DATA, min_size=1, max_size=4), name=st.sampled_from(sorted(COMBINATIONS)))
def test_shorter_strings_are_combined_as_if_zeros_followed(sources: list[bytes], name: bytes) -> None:
    length = max(map(len, sources))
    expected = []
    for column in zip(*(source.ljust(length, b"\x00") for source in sources), strict=True):
        byte = column[0]
        for other in column[1:]:
            byte = {b"and": byte & other, b"or": byte | other, b"xor": byte ^ other}[name]
        expected.append(byte)
    assert combine(COMBINATIONS[name], sources) == bytes(expected)


@given(data=DATA)
def test_inverting_turns_every_bit(data: bytes) -> None:
    assert written_out(invert(data)) == written_out(data).translate(str.maketrans("01", "10"))
    assert invert(invert(data)) == data


fields = st.builds(
    lambda width, signed, offset: Field(width, signed=signed, offset=offset),
    st.integers(1, 63),
    st.booleans(),
    st.integers(0, 100),
) | st.builds(lambda offset: Field(64, signed=True, offset=offset), st.integers(0, 100))


@given(data=DATA, field=fields)
def test_a_field_reads_zeros_behind_the_end(data: bytes, field: Field) -> None:
    digits = written_out(data).ljust(200, "0")[field.offset : field.last_bit + 1]
    value = int(digits, 2)
    if field.signed and digits[0] == "1":
        value -= 2**field.width
    assert field.read(data) == value


@given(data=st.binary(min_size=21, max_size=21), field=fields, value=st.integers(-(2**63), 2**63 - 1))
def test_a_field_is_written_without_touching_its_neighbours(data: bytes, field: Field, value: int) -> None:
    fitting = field.fit(value, Overflow.WRAP)
    assert fitting is not None
    changed = bytearray(data)
    field.write(changed, fitting)
    before, after = written_out(data), written_out(changed)
    assert after[: field.offset] == before[: field.offset]
    assert after[field.last_bit + 1 :] == before[field.last_bit + 1 :]
    assert field.read(changed) == fitting
    assert (fitting - value) % 2**field.width == 0


@pytest.mark.parametrize(
    ("signed", "value", "wrapped", "saturated"),
    [
        (True, 127, 127, 127),
        (True, 128, -128, 127),
        (True, -129, 127, -128),
        (True, 1000, -24, 127),
        (False, 255, 255, 255),
        (False, 256, 0, 255),
        (False, -1, 255, 0),
    ],
)
def test_what_does_not_fit_wraps_saturates_or_fails(signed: bool, value: int, wrapped: int, saturated: int) -> None:
    field = Field(8, signed=signed, offset=0)
    assert field.fit(value, Overflow.WRAP) == wrapped
    assert field.fit(value, Overflow.SAT) == saturated
    assert field.fit(value, Overflow.FAIL) == (value if wrapped == value else None)
