"""The nodes of a radix tree are counted as if the tree were built."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniredis.structures.radix_tree import radix_tree_nodes

NEAR = st.integers(0, 600) | st.integers(0, 2**128 - 1) | st.integers(0, 2**20).map(lambda number: number << 64)


def built(keys: list[bytes]) -> int:
    """The nodes of a tree of *keys*, all of one length, below a node where they part or one of its own begins."""
    if keys == [b""] or not keys:
        return 1
    common = 0
    while common < len(keys[0]) and len({key[common] for key in keys}) == 1:
        common += 1
    if common:
        return 1 + built([key[common:] for key in keys])  # the bytes that all have, in one node
    return 1 + sum(built([key[1:] for key in keys if key[0] == first]) for first in {key[0] for key in keys})


@given(st.sets(NEAR, max_size=40))
def test_as_many_nodes_are_counted_as_are_built(keys: set[int]) -> None:
    assert radix_tree_nodes(sorted(keys)) == built([key.to_bytes(16, "big") for key in sorted(keys)])


@pytest.mark.parametrize(
    ("ids", "nodes"),
    [
        # by XINFO STREAM of Redis 7.0.15, with stream-node-max-entries 1
        ([], 1),
        ([(1, 1)], 2),
        ([(1, 1), (1, 2)], 4),
        ([(1, 1), (1, 2), (1, 300)], 7),
    ],
)
def test_redis_has_as_many(ids: list[tuple[int, int]], nodes: int) -> None:
    assert radix_tree_nodes([milliseconds << 64 | sequence for milliseconds, sequence in ids]) == nodes
