"""Pipelines: many commands in one round trip, each with its own reply or its own error.

**The problem.** A pipeline raises the first error and hides what became of the others, or hides errors among its
replies.

**The guarantee.** One :class:`Reply` per command, in their order. An error is the command's own: the others were
executed. On a cluster the commands are grouped by node; the replies are in the order of the commands all the same.
Where a connection breaks after a batch was answered, its error is that of each command of the batch that was not, of
which nobody knows whether they were executed, and of all after those, which were not sent.

**The price.** One round trip, per node of a cluster. Nothing is atomic: others' commands come between. A batch whose
replies were lost is sent again by redis-py, unless the client was told not to: an INCR in it may count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisClusterException, RedisError

from patterns.pattern import Blocking, Pattern, operation
from patterns.steps import Command, Pipeline, Steps


@dataclass(frozen=True)
class Reply:
    """What a command answered."""

    command: tuple[Any, ...]
    value: Any = None
    error: Exception | None = None

    def unwrap(self) -> Any:
        """The value. Raises the error if it is one."""
        if self.error is not None:
            raise self.error
        return self.value


class BatchesOperations(Pattern):
    """Sends commands in batches, *size* of them per round trip at most."""

    def __init__(self, client: Any, *, size: int = 1000) -> None:
        if size < 1:
            raise ValueError("a batch has one command at least")
        self.client = client
        self._size = size

    @operation
    def send(self, commands: Iterable[Sequence[Any]]) -> Steps[list[Reply]]:
        """Send commands, each a sequence such as ``("SET", key, value)``; replies' strings are bytes.

        A connection's error is raised only if no batch was answered before it.
        """
        waiting = [tuple(command) for command in commands]
        replies: list[Reply] = []
        for place in range(0, len(waiting), self._size):
            batch = waiting[place : place + self._size]
            try:
                answers = yield Pipeline([Command(*command) for command in batch])
            except (RedisError, RedisClusterException) as error:  # the latter if no node can be reached
                if not replies:
                    raise
                return replies + [Reply(command, error=error) for command in waiting[place:]]
            for command, answer in zip(batch, answers, strict=True):
                failed = isinstance(answer, Exception)
                replies.append(Reply(command, error=answer) if failed else Reply(command, value=answer))
        return replies


class Batches(BatchesOperations, Blocking):
    __doc__ = BatchesOperations.__doc__
