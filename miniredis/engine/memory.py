"""What the dataset takes: the figure that ``maxmemory`` limits and INFO calls ``used_memory``.

It is what the keys would take in Redis (:mod:`miniredis.engine.memory_usage`), above what Redis takes when it is empty:
a limit means here what it means there, and the same commands reach it in every run. What this process takes for them is
several times as much, and shared with whatever it is embedded in; neither are clients' buffers counted.

While there is a limit, the size of every key is kept: databases note which keys change, and before the sum is needed
these are measured anew. Without a limit nothing is kept, and the sum is projected from a sample when somebody asks.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from miniredis.engine.memory_usage import DICT_ENTRY, DICT_SLOT, memory_usage

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.keyspace import Database

STARTUP: Final = 876_000
"""The bytes of an empty Redis 7.0."""

TIME_TO_LIVE: Final = DICT_ENTRY + DICT_SLOT
"""The bytes of a key's time to live."""

SAMPLED_ELEMENTS: Final = 5
"""By so many of its elements a large collection is judged; of a list, nodes."""

SAMPLED_KEYS: Final = 1000
"""By so many of its keys a database is judged of which no sizes are kept."""


class Memory:
    """The account of one engine; ``peak`` is the highest figure that anybody was told."""

    __slots__ = ("_engine", "_sizes", "_total", "peak")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sizes: dict[Database, dict[bytes, int]] = {}
        self._total = 0
        self.peak = STARTUP

    @property
    def is_kept(self) -> bool:
        """Whether the size of every key is known."""
        return bool(self._sizes)

    def keep(self, wanted: bool) -> None:
        """Know the size of every key from now on, or forget them all."""
        if wanted == self.is_kept:
            return
        self._total = 0
        self._sizes = {database: {} for database in self._engine.databases} if wanted else {}
        for database in self._engine.databases:
            database.unmeasured = set(database.data) if wanted else None

    def used(self) -> int:
        """The bytes that Redis would take for all of this engine's keys, and for itself."""
        databases = self._engine.databases
        if self.is_kept:
            for database in databases:
                if database.unmeasured:
                    self._measure(database)
            dataset = self._total
        else:
            dataset = sum(map(_projected, databases))
        used = STARTUP + dataset + sum(len(database.expires) for database in databases) * TIME_TO_LIVE
        self.peak = max(self.peak, used)
        return used

    def size_of(self, database: Database, key: bytes) -> int:
        """What is gained when *key* goes, with its time to live. It must have been measured."""
        return self._sizes[database].get(key, 0) + (TIME_TO_LIVE if key in database.expires else 0)

    def _measure(self, database: Database) -> None:
        """Bring the sizes of keys that have changed up to date."""
        unmeasured, database.unmeasured = database.unmeasured or set(), set()
        sizes, data = self._sizes[database], database.data
        for key in unmeasured:
            value = data.get(key)
            self._total -= sizes.pop(key, 0)
            if value is not None:
                sizes[key] = size = memory_usage(key, value, SAMPLED_ELEMENTS)
                self._total += size


def _projected(database: Database) -> int:
    sample = [memory_usage(key, value, SAMPLED_ELEMENTS) for key, value in islice(database.data.items(), SAMPLED_KEYS)]
    return sum(sample) * len(database.data) // len(sample) if sample else 0
