"""Lazy freeing, as far as it shows: INFO counts what Redis leaves to its background thread (``lazyfreed_objects``).

Here nothing is freed later, since dropping a value is one reference less. What counts is what takes Redis more than
``LAZYFREE_THRESHOLD`` steps, each of them the freeing of about one allocation.
"""

from __future__ import annotations

from typing import Final

from miniredis.engine.values import Value, encoding
from miniredis.structures.list import List
from miniredis.structures.radix_tree import radix_tree_nodes
from miniredis.structures.stream import Stream

LAZYFREE_THRESHOLD: Final = 64

_OF_MANY_ALLOCATIONS: Final = frozenset({"hashtable", "skiplist"})


def free_effort(value: Value) -> int:
    """How many allocations Redis reckons *value* to consist of."""
    if isinstance(value, List):
        return value.node_count if value.encoding == "quicklist" else 1
    if isinstance(value, Stream):
        return _effort_of_stream(value)
    return len(value) if encoding(value) in _OF_MANY_ALLOCATIONS else 1


def _effort_of_stream(stream: Stream) -> int:
    effort = radix_tree_nodes([node.master_id for node in stream.nodes])
    for group in stream.groups.values():  # the first one stands for all
        return effort + len(stream.groups) * (1 + len(group.pending))
    return effort
