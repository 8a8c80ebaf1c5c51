"""Transactions: read, decide, write; all of it, or none, and as if nobody else had been there.

**The problem.** WATCH on a connection that others share watches for them too; an EXEC that answers null (somebody was
quicker) is taken for success, or retried for ever.

**The guarantee.** Each run has a connection of its own. The function reads while the keys are watched, and queues
what it wants to write: it is executed as a whole if no watched key has changed, else the function runs again, up to
``attempts`` times, after a pause that grows and is random. Runs are linearizable as far as they read watched keys
only. If the connection breaks once EXEC was sent, nobody knows whether it was executed: the connection's error is
raised, and nothing runs again. (Where no key is watched, redis-py itself may send it twice.)

**The price.** Four round trips and more with contention. **Not for** hot keys: a script is one round trip, and never
tried again. On a cluster all keys are in one slot.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import WatchError

from patterns.pattern import Blocking, Pattern, operation
from patterns.steps import Call, Sleep, Steps

FIRST_PAUSE: Final = 0.001
LONGEST_PAUSE: Final = 0.25

REFUSED: Final = ("Watched variable changed.", "Slot rebalancing occurred while watching keys")
"""What redis-py says when EXEC was not executed. It makes a ``WatchError`` of a lost connection too."""


class ContentionError(Exception):
    """Others changed the watched keys at each attempt; nothing was written."""


@dataclass(frozen=True)
class Committed:
    """A transaction that was executed."""

    value: Any
    """What the function returned."""
    replies: list[Any]
    """What its commands answered."""
    attempts: int


class TransactionOperations(Pattern):
    """Runs functions as transactions, each at most *attempts* times."""

    def __init__(self, client: Any, *, attempts: int = 10, random: Callable[[], float] = random.random) -> None:
        if attempts < 1:
            raise ValueError("a transaction is attempted once at least")
        self.client = client
        self._attempts = attempts
        self._random = random

    @operation
    def run(self, function: Callable[[Any], Any], *keys: str) -> Steps[Committed]:
        """Run *function*, with a pipeline of redis-py's that watches *keys*.

        It reads by calling the pipeline, then calls ``multi()`` and queues what is to be written; it may run several
        times. What it raises ends the transaction without writing anything. A connection's error that comes once EXEC
        was sent leaves open whether it was executed.
        """
        for attempt in range(1, self._attempts + 1):
            pipeline = self.client.pipeline(transaction=True)
            sent = False
            try:
                if keys:
                    yield Call(pipeline.watch, *keys)
                    _stay_on_its_connection(pipeline)
                value = yield Call(function, pipeline)
                sent = True
                replies = yield Call(pipeline.execute)
                return Committed(value, replies, attempt)
            except WatchError as error:
                if sent and str(error) not in REFUSED:
                    raise error.__context__ or error from None  # the connection's own
                if attempt == self._attempts:
                    break
            except GeneratorExit:
                raise  # nobody is left to carry out steps
            finally:
                yield Call(pipeline.reset)
            yield Sleep(min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * self._random())
        raise ContentionError(f"others changed {', '.join(keys)} at each of {self._attempts} attempts")


def _stay_on_its_connection(pipeline: Any) -> None:
    """Keep a cluster's pipeline from going on after an error on a new connection, where it would watch nothing."""
    strategy = getattr(pipeline, "_execution_strategy", None)
    if strategy is not None:
        strategy._retry.update_retries(0)


class Transaction(TransactionOperations, Blocking):
    __doc__ = TransactionOperations.__doc__
