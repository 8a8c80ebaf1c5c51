"""``maxmemory``: keys go, or commands that need memory are refused, when the dataset is above its limit.

Before every command, and soon after the limit is set, keys are evicted until the dataset is within it. That takes a
bounded number of keys at a time; what is left goes in turns of the engine. Only when nothing can be evicted, or the
policy forbids it, commands are refused.

The best victim is not looked for, it would take too long: some keys are drawn at random, and of all that were drawn the
best candidates are remembered, as in Redis. Only the key that expires next is known here at no cost.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Final

from miniredis.engine import notifications
from miniredis.engine.access import AccessFrequencies

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.keyspace import Database
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command

POOL_SIZE: Final = 16
"""The candidates that are remembered from one eviction to the next."""

MICROSECONDS_PER_KEY: Final = 5
"""What evicting a key takes, about."""

ENDS_TRANSACTION: Final = frozenset({"discard", "quit", "reset"})
"""What a client in MULTI may send however little memory there is."""


class Eviction:
    """The guardian of one engine's limit. ``out_of_memory``: what it found before the present command."""

    __slots__ = ("_engine", "_is_waiting", "_last_database", "_pool", "out_of_memory")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: list[tuple[int, int, bytes]] = []
        self._last_database = 0
        self._is_waiting = False
        self.out_of_memory = False

    def configure(self) -> None:
        """Act on ``maxmemory`` and ``maxmemory-policy``."""
        engine = self._engine
        engine.memory.keep(engine.config.maxmemory > 0)
        self._pool.clear()
        self._count_accesses(engine.config.maxmemory_policy.endswith("-lfu"))
        if engine.config.maxmemory:
            self._go_on_at(engine.now)

    def _count_accesses(self, wanted: bool) -> None:
        """Count accesses, or remember when the last one was; neither can be had from the other."""
        for database in self._engine.databases:
            if wanted != isinstance(database.access, AccessFrequencies):
                if wanted:
                    database.access = AccessFrequencies(self._engine, database.data)
                else:
                    database.access = dict.fromkeys(database.data, self._engine.second)

    def refuses(self, session: Session, command: Command) -> bool:
        """Evict, and say whether *command* must be refused because that did not help."""
        self.out_of_memory = not self._make_room()
        if not self.out_of_memory:
            return False
        transaction = session.transaction
        if command.denyoom or transaction is None:
            return command.denyoom
        if command.name == "exec":
            return any(state.command.denyoom for state, _ in transaction.queue)
        # Up to Redis 7.2 nothing more is queued: the queue takes memory.
        version = self._engine.version
        return command.name not in ENDS_TRANSACTION and not (version.is_valkey or version.redis >= (7, 4))

    def _make_room(self) -> bool:
        """Evict as many keys as one turn may take. False if the limit is exceeded and nothing can be evicted."""
        engine = self._engine
        config = engine.config
        if not config.maxmemory or engine.pause.active:
            return True
        if engine.replication.master is not None and config.replica_ignore_maxmemory:
            return True
        excess = engine.memory.used() - config.maxmemory
        if excess > 0 and config.maxmemory_policy == "noeviction":
            return False
        keys_left = _keys_per_turn(config.maxmemory_eviction_tenacity)
        while excess > 0:
            if keys_left == 0:
                self._go_on_at(engine.now + 1)
                break
            victim = self._choose()
            if victim is None:
                return False
            excess -= engine.memory.size_of(*victim)
            self._evict(*victim)
            keys_left -= 1
        return True

    def _go_on_at(self, when: int) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._engine.timers.call_at(when, self._go_on)

    def _go_on(self) -> None:
        self._is_waiting = False
        self._make_room()

    def _evict(self, database: Database, key: bytes) -> None:
        engine = self._engine
        engine.latency.timed(b"eviction-del", database.delete, key, engine.config.lazyfree_lazy_eviction)
        engine.statistics.evicted_keys += 1
        database.changed(key, notifications.EVICTED, b"evicted", dirty=0)
        if engine.propagation.active:
            engine.propagation.deleted(database, key, lazily=engine.config.lazyfree_lazy_eviction)
            engine.propagation.flush()  # no part of the command that needs the memory

    def _choose(self) -> tuple[Database, bytes] | None:
        """The next key to go, by the policy; None if there is none that may."""
        scope, _, kind = self._engine.config.maxmemory_policy.partition("-")
        is_volatile = scope == "volatile"
        if kind == "ttl":
            return self._soonest_to_expire()
        if kind == "random":
            return self._any(is_volatile)
        return self._best_candidate(is_volatile)

    def _soonest_to_expire(self) -> tuple[Database, bytes] | None:
        found = None
        for database in self._engine.databases:
            key = database.soonest_to_expire() if database.expires else None
            if key is not None and (found is None or database.expires[key] < found[0]):
                found = database.expires[key], database, key
        return None if found is None else found[1:]

    def _any(self, is_volatile: bool) -> tuple[Database, bytes] | None:
        """A random key of the next database that has one, so that each database loses some."""
        databases = self._engine.databases
        for _ in databases:
            self._last_database = (self._last_database + 1) % len(databases)
            database = databases[self._last_database]
            if database.expires if is_volatile else database.data:
                return database, self._random_key(database, is_volatile)
        return None

    def _random_key(self, database: Database, is_volatile: bool) -> bytes:
        return database.random_volatile() if is_volatile else database.index().random(self._engine.random)

    def _best_candidate(self, is_volatile: bool) -> tuple[Database, bytes] | None:
        """The key that was used least, or longest ago, of those drawn now and those remembered."""
        databases = self._engine.databases
        while any(database.expires if is_volatile else database.data for database in databases):
            for database in databases:
                self._draw(database, is_volatile)
            while self._pool:
                _, number, key = self._pool.pop()
                database = databases[number]
                if key in (database.expires if is_volatile else database.data):
                    return database, key
        return None

    def _draw(self, database: Database, is_volatile: bool) -> None:
        """Draw some keys of *database*, and remember those that are better candidates than others in the pool."""
        keys = database.expires if is_volatile else database.data
        count = self._engine.config.maxmemory_samples
        drawn = list(keys) if len(keys) <= count else [self._random_key(database, is_volatile) for _ in range(count)]
        pool = self._pool
        remembered = {key for _, number, key in pool if number == database.number}
        for key in drawn:
            if key not in remembered:
                remembered.add(key)
                insort(pool, (self._idleness(database, key), database.number, key))
        del pool[:-POOL_SIZE]

    def _idleness(self, database: Database, key: bytes) -> int:
        """The higher, the better a candidate."""
        access = database.access
        if isinstance(access, AccessFrequencies):
            return -access.frequency(key)
        return self._engine.second - access[key]


def _keys_per_turn(tenacity: int) -> int:
    """How many keys go in a turn: as many as in the time that Redis takes by ``maxmemory-eviction-tenacity``."""
    microseconds = 50 * tenacity if tenacity <= 10 else 500 * 1.15 ** (tenacity - 10)
    return max(int(microseconds / MICROSECONDS_PER_KEY), 16) if tenacity < 100 else -1
