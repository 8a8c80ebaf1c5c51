"""Consumer groups of a stream: what was delivered to whom, and is not yet acknowledged.

A group has one list of pending entries, in the order of their ids, and each of its consumers has one of its own. They
share their items, so that an entry changes hands by going from one consumer's list to another's.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from typing import Final

from miniredis.structures.ordered_ids import OrderedIds

NEVER: Final = -1
"""The *active_time* of a consumer that was never given an entry."""


class Consumer:
    """Somebody who reads on behalf of a group.

    *seen_time* is when it last tried to get entries, *active_time* when it last got some.
    """

    __slots__ = ("active_time", "name", "pending", "seen_time")

    def __init__(self, name: bytes, now: int) -> None:
        self.name = name
        self.seen_time = now
        self.active_time = NEVER
        self.pending: OrderedIds[PendingEntry] = OrderedIds()


class PendingEntry:
    """An entry that was delivered to *consumer* and not acknowledged."""

    __slots__ = ("consumer", "delivery_count", "delivery_time")

    def __init__(self, consumer: Consumer, delivery_time: int, delivery_count: int = 1) -> None:
        self.consumer = consumer
        self.delivery_time = delivery_time
        self.delivery_count = delivery_count


class Group:
    """A consumer group.

    *last_id* is the greatest id it was given, *entries_read* how many entries of the stream had been added up to that
    one (None: not known). *consumers* are in no order.
    """

    __slots__ = ("consumers", "entries_read", "last_id", "pending")

    def __init__(self, last_id: int, entries_read: int | None = None) -> None:
        self.last_id = last_id
        self.entries_read = entries_read
        self.pending: OrderedIds[PendingEntry] = OrderedIds()
        self.consumers: dict[bytes, Consumer] = {}

    def copy(self) -> Group:
        """One like it that shares nothing that can change."""
        twin = Group(self.last_id, self.entries_read)
        for name, consumer in self.consumers.items():
            other = twin.consumers[name] = Consumer(name, consumer.seen_time)
            other.active_time = consumer.active_time
        for entry_id, pending in self.pending.walk():
            consumer = twin.consumers[pending.consumer.name]
            item = PendingEntry(consumer, pending.delivery_time, pending.delivery_count)
            twin.pending[entry_id] = consumer.pending[entry_id] = item
        return twin

    def sorted_consumers(self) -> list[Consumer]:
        """The consumers by name, as Redis lists them."""
        return [self.consumers[name] for name in sorted(self.consumers)]

    def deliver(self, entry_id: int, consumer: Consumer, now: int) -> None:
        """*consumer* gets an entry as a new one, even if it was pending before (XGROUP SETID can bring that about)."""
        pending = self.pending.get(entry_id)
        if pending is None:
            self.pending[entry_id] = consumer.pending[entry_id] = PendingEntry(consumer, now)
            return
        self.hand_over(entry_id, pending, consumer)
        pending.delivery_time = now
        pending.delivery_count = 1

    def hand_over(self, entry_id: int, pending: PendingEntry, consumer: Consumer) -> None:
        """The pending entry with that id is *consumer*'s from now on."""
        if pending.consumer is not consumer:
            pending.consumer.pending.pop(entry_id)
            pending.consumer = consumer
            consumer.pending[entry_id] = pending

    def acknowledge(self, entry_id: int) -> bool:
        """The entry with that id is pending no more. Whether it was."""
        pending = self.pending.get(entry_id)
        if pending is None:
            return False
        self.pending.pop(entry_id)
        pending.consumer.pending.pop(entry_id)
        return True

    def delete_consumer(self, consumer: Consumer) -> int:
        """Remove *consumer* and its pending entries; returns how many those were."""
        for entry_id in consumer.pending:
            self.pending.pop(entry_id)
        del self.consumers[consumer.name]
        return len(consumer.pending)
