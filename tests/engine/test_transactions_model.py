"""EXEC passes exactly when nothing that a client watches has changed, whoever changed it and however.

The model knows nothing of removed or not yet removed keys: it counts, for each key of each database, how often its
content has changed for somebody who looks. Time passing a key's end is such a change; removing it then is none.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from miniredis.resp.types import NULL_ARRAY, OK, QUEUED
from tests.commands.peers import Peer, frozen_engine

DATABASES = st.integers(0, 1)
NAMES = st.sampled_from(["x", "x", "x", "y"])

Key = tuple[int, str]


class Transactions(RuleBasedStateMachine):
    """Clients that watch, queue, change and wait in any order."""

    @initialize(removes_actively=st.booleans())
    def start(self, removes_actively: bool) -> None:
        self.engine = frozen_engine()
        self.engine.active_expire = removes_actively
        self.peers = [Peer(self.engine) for _ in range(2)]
        self.changer = Peer(self.engine)
        self.selected = [0, 0]
        self.watched: list[dict[Key, int]] = [{}, {}]
        self.queued: list[list[Key] | None] = [None, None]
        self.changes: dict[Key, int] = {}
        self.ends: dict[Key, float] = {}  # of the keys that exist
        self.milliseconds = 0
        self.serial = 0

    def note_change(self, key: Key) -> None:
        self.serial += 1
        self.changes[key] = self.serial

    def write(self, key: Key) -> None:
        self.ends[key] = float("inf")
        self.note_change(key)

    # The clients

    @precondition(lambda self: None in self.queued)
    @rule(data=st.data(), database=DATABASES, name=NAMES)
    def watch(self, data: Any, database: int, name: str) -> None:
        number = self.choose(data, in_transaction=False)
        assert self.peers[number](f"SELECT {database}") == OK
        assert self.peers[number](f"WATCH {name}") == OK
        self.selected[number] = database
        self.watched[number].setdefault((database, name), self.changes.get((database, name), 0))

    @precondition(lambda self: None in self.queued)
    @rule(data=st.data())
    def unwatch(self, data: Any) -> None:
        number = self.choose(data, in_transaction=False)
        assert self.peers[number]("UNWATCH") == OK
        self.watched[number].clear()

    @precondition(lambda self: None in self.queued)
    @rule(data=st.data())
    def multi(self, data: Any) -> None:
        number = self.choose(data, in_transaction=False)
        assert self.peers[number]("MULTI") == OK
        self.queued[number] = []

    @precondition(lambda self: None in self.queued)
    @rule(data=st.data())
    def multi_and_exec(self, data: Any) -> None:
        number = self.choose(data, in_transaction=False)
        assert self.peers[number]("MULTI") == OK
        self.queued[number] = []
        self.run_exec(number)

    @precondition(lambda self: any(queue is not None for queue in self.queued))
    @rule(data=st.data(), name=NAMES)
    def queue(self, data: Any, name: str) -> None:
        number = self.choose(data, in_transaction=True)
        assert self.peers[number](f"SET {name} v") == QUEUED
        self.queue_of(number).append((self.selected[number], name))

    @precondition(lambda self: any(queue is not None for queue in self.queued))
    @rule(data=st.data())
    def discard(self, data: Any) -> None:
        number = self.choose(data, in_transaction=True)
        assert self.peers[number]("DISCARD") == OK
        self.forget(number)

    @precondition(lambda self: any(queue is not None for queue in self.queued))
    @rule(data=st.data())
    def exec(self, data: Any) -> None:
        self.run_exec(self.choose(data, in_transaction=True))

    def run_exec(self, number: int) -> None:
        watched, queue = self.watched[number], self.queue_of(number)
        passes = all(self.changes.get(key, 0) == then for key, then in watched.items())
        assert self.peers[number]("EXEC") == ([OK] * len(queue) if passes else NULL_ARRAY)
        self.forget(number)
        if passes:
            for key in queue:
                self.write(key)

    def choose(self, data: Any, *, in_transaction: bool) -> int:
        numbers = [number for number in range(2) if (self.queued[number] is not None) is in_transaction]
        return int(data.draw(st.sampled_from(numbers)))

    def queue_of(self, number: int) -> list[Key]:
        queue = self.queued[number]
        assert queue is not None
        return queue

    def forget(self, number: int) -> None:
        self.watched[number] = {}
        self.queued[number] = None

    # Somebody else

    @rule(database=DATABASES, name=NAMES, lifetime=st.sampled_from([None, 1, 1]))
    def set(self, database: int, name: str, lifetime: int | None) -> None:
        self.changer(f"SELECT {database}")
        assert self.changer(f"SET {name} v" if lifetime is None else f"SET {name} v PX {lifetime}") == OK
        self.write((database, name))
        if lifetime is not None:
            self.ends[database, name] = self.milliseconds + lifetime

    @rule(database=DATABASES, name=NAMES)
    def leave_a_key_past_its_time(self, database: int, name: str) -> None:
        self.set(database, name, 1)
        self.wait(2)

    @rule(database=DATABASES, name=NAMES)
    def look(self, database: int, name: str) -> None:
        self.changer(f"SELECT {database}")
        assert self.changer(f"EXISTS {name}") == ((database, name) in self.ends)

    @rule(database=DATABASES, name=NAMES)
    def delete(self, database: int, name: str) -> None:
        self.changer(f"SELECT {database}")
        existed = self.ends.pop((database, name), None) is not None
        assert self.changer(f"DEL {name}") == existed
        if existed:
            self.note_change((database, name))

    @rule(database=DATABASES, name=NAMES, lifetime=st.integers(1, 2))
    def expire(self, database: int, name: str, lifetime: int) -> None:
        key = (database, name)
        self.changer(f"SELECT {database}")
        assert self.changer(f"PEXPIRE {name} {lifetime}") == (key in self.ends)
        if key in self.ends:
            self.ends[key] = self.milliseconds + lifetime
            self.note_change(key)

    @rule(database=DATABASES)
    def flush(self, database: int) -> None:
        self.changer(f"SELECT {database}")
        assert self.changer("FLUSHDB") == OK
        for key in [key for key in self.ends if key[0] == database]:
            del self.ends[key]
            self.note_change(key)

    @rule()
    def swap(self) -> None:
        assert self.changer("SWAPDB 0 1") == OK
        for name in {name for _, name in self.ends}:
            for database in (0, 1):
                self.note_change((database, name))
        self.ends = {(1 - database, name): end for (database, name), end in self.ends.items()}

    @rule(milliseconds=st.integers(1, 2))
    def wait(self, milliseconds: int) -> None:
        self.engine.clock.advance(milliseconds / 1000)
        self.milliseconds += milliseconds
        for key in [key for key, end in self.ends.items() if self.milliseconds > end]:
            del self.ends[key]
            self.note_change(key)


TestTransactions = Transactions.TestCase
TestTransactions.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
