"""The hash of HyperLogLogs, by the registers in which Redis 7.0.15 put these elements (PFDEBUG DECODE)."""

from __future__ import annotations

import pytest

from miniredis.structures.hyperloglog import register_of


@pytest.mark.parametrize(
    ("elements", "registers"),
    [
        ([b"a", b"b", b"c"], {(8436, 1), (12711, 2), (15780, 1)}),
        ([b"12345678", b"123456789", b"", b"1234567890123456789"], {(2866, 1), (5938, 2), (9293, 2), (10579, 3)}),
    ],
)
def test_an_element_belongs_to_the_register_that_redis_says(
    elements: list[bytes], registers: set[tuple[int, int]]
) -> None:
    assert {register_of(element) for element in elements} == registers
