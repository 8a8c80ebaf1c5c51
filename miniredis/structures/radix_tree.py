"""How many nodes Redis's radix tree has for a set of ids, which ``XINFO STREAM`` and ``MEMORY USAGE`` tell.

The tree's keys are ids in 16 bytes, the most significant first. Where keys part, at one depth or another, there is a
node with several children; each key ends in an empty node; and what is in between, the bytes that do not branch, is
squeezed into one node. So the nodes can be counted from the depths at which neighbouring keys part.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

KEY_BYTES: Final = 16


def radix_tree_nodes(keys: Sequence[int]) -> int:
    """The nodes of the tree of *keys*: numbers of 128 bits, in ascending order and each but once."""
    if not keys:
        return 1  # the root
    depths = [KEY_BYTES - -(-(a ^ b).bit_length() // 8) for a, b in pairwise(keys)]
    total = len(keys)
    for before, after in zip([-1, *depths], [*depths, -1], strict=True):
        total += _squeezed(max(before, after), KEY_BYTES)
    branches: list[int] = []  # the depths of the branching nodes above the present key
    for depth in [*depths, -1]:
        while branches and branches[-1] > depth:
            end = branches.pop()
            total += 1 + _squeezed(max(branches[-1] if branches else -1, depth), end)
        if depth >= 0 and (not branches or branches[-1] < depth):
            branches.append(depth)
    return total


def _squeezed(branch: int, end: int) -> bool:
    """Whether bytes lie between a child of the branching node at depth *branch* (-1: the root) and depth *end*."""
    return end > branch + 1
