"""Steps: what a pattern asks of the world, so that its logic is written once for threads and for asyncio.

The rule of this file: a pattern's operation is a generator. It yields a step and is sent its result, or is thrown its
exception; it never blocks and never awaits. :func:`run` carries steps out by blocking, :func:`run_async` by awaiting,
and nothing but a step knows the difference.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from redis.client import NEVER_DECODE

T = TypeVar("T")

Steps: TypeAlias = "Generator[Step, Any, T]"
"""An operation: yields steps, is sent their results, returns its own."""

log = logging.getLogger("patterns")

UNDECODED: Final = {NEVER_DECODE: True}
"""The option of redis-py that leaves a reply's strings bytes."""


class Step:
    """One thing to be done. What both drivers do alike is in :meth:`perform`."""

    __slots__ = ()

    def perform(self, client: Any) -> Any:
        """Do it, blocking."""
        raise NotImplementedError

    def start(self, client: Any) -> Any:
        """Do it for asyncio: the result, or something to await."""
        return self.perform(client)


class Command(Step):
    """One command to the server. The reply's strings are bytes, even if the client decodes them for its user."""

    __slots__ = ("args",)

    def __init__(self, *args: Any) -> None:
        self.args = args

    def perform(self, client: Any) -> Any:
        return client.execute_command(*self.args, **UNDECODED)

    start = perform

    def steps(self) -> Steps[Any]:
        """The operation that consists of this command."""
        return (yield self)


class Pipeline(Step):
    """Several commands in one round trip, in order, without a transaction; on a cluster, one round trip per node.

    The result is a list with one reply per command. A command that failed has its exception there; the others count.
    """

    __slots__ = ("commands",)

    def __init__(self, commands: Iterable[Command]) -> None:
        self.commands = tuple(commands)

    def perform(self, client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for command in self.commands:
            pipeline.execute_command(*command.args, **UNDECODED)
        return pipeline.execute(raise_on_error=False)


class Scan(Step):
    """The keys that match a pattern, on every node of a cluster. A list: for maintenance."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def perform(self, client: Any) -> Any:
        return list(dict.fromkeys(client.scan_iter(match=self.pattern, count=1000)))

    async def start(self, client: Any) -> Any:
        return list(dict.fromkeys([name async for name in client.scan_iter(match=self.pattern, count=1000)]))

    def steps(self) -> Steps[Any]:
        """The operation that consists of this step."""
        return (yield self)


class Call(Step):
    """A call of a function that is not ours: a loader, a writer. In asyncio it may be a coroutine function."""

    __slots__ = ("args", "function", "options")

    def __init__(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        self.function = function
        self.args = args
        self.options = options

    def perform(self, client: Any) -> Any:
        result = self.function(*self.args, **self.options)
        if asyncio.iscoroutine(result):
            result.close()
            raise TypeError(f"{self.function!r} is a coroutine function: use it with patterns.aio")
        return result

    def start(self, client: Any) -> Any:
        return self.function(*self.args, **self.options)


class Sleep(Step):
    """Let so many seconds pass on the client's own clock. For backing off; nothing true depends on it."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def perform(self, client: Any) -> Any:
        time.sleep(self.seconds)

    def start(self, client: Any) -> Any:
        return asyncio.sleep(self.seconds)


class Wait(Step):
    """Until an event of the pattern's flavour (``Pattern.new_event``) is set, or so many seconds: whether it is."""

    __slots__ = ("event", "timeout")

    def __init__(self, event: Any, timeout: float | None = None) -> None:
        self.event = event
        self.timeout = timeout

    def perform(self, client: Any) -> Any:
        return self.event.wait(self.timeout)

    async def start(self, client: Any) -> Any:
        if self.timeout is None:
            return await self.event.wait()
        try:
            async with asyncio.timeout(self.timeout):
                await self.event.wait()
        except TimeoutError:
            return False
        return True


class Shielded(Step):
    """Steps that come to their end even if the caller is cancelled meanwhile. A thread cannot be: it just runs them."""

    __slots__ = ("steps",)

    def __init__(self, steps: Steps[Any]) -> None:
        self.steps = steps

    def perform(self, client: Any) -> Any:
        return run(client, self.steps)

    def start(self, client: Any) -> Any:
        task = _keep(asyncio.ensure_future(run_async(client, self.steps)))
        # Nobody may be left to hear of the error: it is retrieved here, so that asyncio does not complain of it.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return asyncio.shield(task)


class Spawn(Step):
    """Steps that run beside the caller: in a daemon thread, or in a task. The result is a :class:`Background`."""

    __slots__ = ("steps",)

    def __init__(self, steps: Steps[Any]) -> None:
        self.steps = steps

    def perform(self, client: Any) -> Any:
        background = Background(threading.Event())
        threading.Thread(
            target=lambda: run(client, background.watch(self.steps)), name="patterns-background", daemon=True
        ).start()
        return background

    def start(self, client: Any) -> Any:
        background = Background(asyncio.Event())
        background.task = _keep(asyncio.ensure_future(run_async(client, background.watch(self.steps))))
        return background


class Background:
    """Steps that run beside their caller. An error of theirs is logged: they have nobody else to tell."""

    def __init__(self, ended: Any) -> None:
        self.ended = ended
        """An event that is set when they have come to an end; wait for it with :class:`Wait`."""
        self.task: asyncio.Future[Any] | None = None
        """The task that runs them; none in the blocking flavour, whose background has to be told to stop."""

    def watch(self, steps: Steps[Any]) -> Steps[None]:
        """The steps, with their end noted and their error logged."""
        try:
            yield from steps
        except Exception:
            log.exception("A background operation failed")
        finally:
            self.ended.set()


_tasks: set[asyncio.Future[Any]] = set()


def _keep(task: asyncio.Future[T]) -> asyncio.Future[T]:
    # The loop itself holds tasks only weakly.
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


def run(client: Any, steps: Steps[T]) -> T:
    """Carry an operation out, blocking."""
    try:
        step = next(steps)
        while True:
            try:
                result = step.perform(client)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        returned: T = end.value
        return returned


async def run_async(client: Any, steps: Steps[T]) -> T:
    """Carry an operation out, awaiting."""
    try:
        step = next(steps)
        while True:
            try:
                result = step.start(client)
                if hasattr(result, "__await__"):
                    result = await result
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        returned: T = end.value
        return returned


def raise_errors(replies: Sequence[Any]) -> Sequence[Any]:
    """The replies of a pipeline, or the first error among them as an exception."""
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
