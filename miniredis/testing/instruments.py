"""What a test has of a server besides being its client: one name for each idea, each in a module of its own.

The rule of this file: nothing is done here, only found. Each instrument comes into being, and its module is imported,
when it is first asked for; until then it costs nothing. All of them work on a server that serves on a thread, on the
caller's event loop or in-process clients only, and on one that was never started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from miniredis.testing import waits

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.testing.clock import ServerClock
    from miniredis.testing.expectations import Expect
    from miniredis.testing.faults import Faults
    from miniredis.testing.interception import Interception
    from miniredis.testing.lint import Lint, LintOptions
    from miniredis.testing.log import Log
    from miniredis.testing.snapshots import Snapshot
    from miniredis.testing.views import DatabaseView

P = ParamSpec("P")
T = TypeVar("T")


class Instruments:
    """The instruments of one server.

    - ``clock``: freeze, move and resume its time.
    - :meth:`snapshot`, :meth:`restore`, :meth:`diff`, :meth:`dump`, :meth:`load`, :meth:`db`, :meth:`seed`: its state.
    - :attr:`faults`: have things go wrong.
    - :attr:`log`, :attr:`expect`, :meth:`lint`: what clients send.
    - ``wait_for_…``, ``async_wait_for_…``: until they have come so far.
    """

    engine: Engine
    clock: ServerClock

    # What they need

    @property
    def is_running(self) -> bool:
        """Whether clients can connect."""
        raise NotImplementedError

    @property
    def is_served_here(self) -> bool:
        """Whether it is the calling thread whose event loop serves the clients."""
        raise NotImplementedError

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call *function* where it may use ``engine``, and return its result."""
        raise NotImplementedError

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call *function* after so many real seconds."""
        raise NotImplementedError

    def start(self) -> Instruments:
        """Serve on a background thread."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop serving."""
        raise NotImplementedError

    async def __aenter__(self) -> Instruments:
        """Serve on the caller's event loop."""
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving there."""
        raise NotImplementedError

    @cached_property
    def interception(self) -> Interception:
        """What stands between the clients and the commands, while any of the instruments needs it."""
        from miniredis.testing.interception import Interception

        return Interception(self.engine)

    # Watching

    @cached_property
    def log(self) -> Log:
        """Every request, from ``log.start()`` on or within a ``with server.log:`` block."""
        from miniredis.testing.log import Log

        return Log(self)

    @cached_property
    def expect(self) -> Expect:
        """Assertions about what is sent within a ``with`` block."""
        from miniredis.testing.expectations import Expect

        return Expect(self)

    def lint(self, **options: Unpack[LintOptions]) -> Lint:
        """Warn of what bites in production, within a ``with server.lint():`` block. Options: see
        :class:`~miniredis.testing.lint.LintOptions`."""
        from miniredis.testing.lint import Lint

        return Lint(self, options)

    # State

    def snapshot(self) -> Snapshot:
        """Remember all keys and functions as they are now, at next to no cost: for :meth:`restore` and :meth:`diff`.
        As a context manager it puts them back at the end of the block."""
        from miniredis.testing.snapshots import Snapshot

        return Snapshot(self)

    def restore(self, snapshot: Snapshot) -> None:
        """Have the keys and functions of *snapshot* again, in place of those that are there. It can be used again."""
        snapshot.restore()

    def diff(self, snapshot: Snapshot) -> list[str]:
        """What has changed since *snapshot*, a line for each change; empty if, and only if, nothing has."""
        from miniredis.testing.diff import differences

        return self.call(differences, self.engine, snapshot)

    def dump(self) -> str:
        """All keys with their values and times to live as plain text, in an order that depends on nothing else."""
        from miniredis.testing.dump import dump

        return self.call(dump, self.engine)

    def load(self, data: Mapping[Any, Any], *, db: int = 0) -> None:
        """Put Python values into a database: see :mod:`miniredis.testing.loading`."""
        from miniredis.testing.loading import load

        self.call(load, self.engine, data, db)

    def db(self, number: int = 0) -> DatabaseView:
        """A database as a mapping from keys to Python values: see :mod:`miniredis.testing.views`."""
        from miniredis.testing.views import DatabaseView

        return DatabaseView(self, number)

    def seed(self, seed: int) -> None:
        """Have all that is random (SPOP, RANDOMKEY, …) begin anew from *seed*."""
        self.call(self.engine.random.seed, seed)

    # Waiting

    def wait_for_blocked(
        self, key: str | bytes, clients: int = 1, *, db: int = 0, timeout: float = waits.PATIENCE
    ) -> None:
        """Return when so many clients are blocked on *key*, in BLPOP, XREAD and their like.

        Raises ``TimeoutError`` after *timeout* real seconds, which says who waits for what instead, as all waits do.
        ``async_wait_for_blocked`` is the same for a task.
        """
        waits.for_blocked(self, key, clients, db).passed(timeout)

    async def async_wait_for_blocked(
        self, key: str | bytes, clients: int = 1, *, db: int = 0, timeout: float = waits.PATIENCE
    ) -> None:
        """As :meth:`wait_for_blocked`; other tasks go on meanwhile."""
        await waits.for_blocked(self, key, clients, db).passed_async(timeout)

    def wait_for_subscriber(self, channel: str | bytes, clients: int = 1, *, timeout: float = waits.PATIENCE) -> None:
        """Return when so many clients have subscribed to *channel*, by SUBSCRIBE, PSUBSCRIBE or SSUBSCRIBE with that
        very name."""
        waits.for_subscriber(self, channel, clients).passed(timeout)

    async def async_wait_for_subscriber(
        self, channel: str | bytes, clients: int = 1, *, timeout: float = waits.PATIENCE
    ) -> None:
        """As :meth:`wait_for_subscriber`; other tasks go on meanwhile."""
        await waits.for_subscriber(self, channel, clients).passed_async(timeout)

    def wait_until(
        self, condition: Callable[[], bool], description: str = "", *, timeout: float = waits.PATIENCE
    ) -> None:
        """Return when *condition* holds: it is asked now and after each command, where it may look at ``engine``."""
        waits.until(self, condition, description).passed(timeout)

    async def async_wait_until(
        self, condition: Callable[[], bool], description: str = "", *, timeout: float = waits.PATIENCE
    ) -> None:
        """As :meth:`wait_until`; other tasks go on meanwhile."""
        await waits.until(self, condition, description).passed_async(timeout)

    # Faults

    @cached_property
    def faults(self) -> Faults:
        """Errors, delays, lost connections, outages."""
        from miniredis.testing.faults import Faults

        return Faults(self)
