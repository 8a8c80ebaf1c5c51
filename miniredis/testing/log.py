"""The log: every request with its client, time, database, reply and duration.

::

    with server.log as log:
        application()
    assert [call.name for call in log] == ["get", "set"]
    print(log)

The rule of this file: it is off until asked for, and bounded. Between ``start()`` and ``stop()``, or within a ``with``
block, which begins with an empty log, requests are kept, the last :data:`LIMIT` of them; what was logged can be read as
well after the end. What EXEC and scripts run stands in their request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Final

from miniredis.testing import waits
from miniredis.testing.interception import Call, name_matches
from miniredis.testing.patterns import matcher, text_of
from miniredis.testing.transcript import quoted

if TYPE_CHECKING:
    from miniredis.testing.instruments import Instruments

LIMIT: Final = 10_000
"""Requests that are kept."""


class Log:
    """The requests of one server, the oldest first: iterate, index, ``len()``, ``str()``."""

    def __init__(self, server: Instruments) -> None:
        self._server = server
        self._calls: deque[Call] = deque(maxlen=LIMIT)
        self._is_on = False

    def start(self, limit: int = LIMIT) -> Log:
        """Begin, with what is there already; keep the last *limit* requests."""
        self._server.call(self._start, limit)
        return self

    def _start(self, limit: int) -> None:
        self._calls = deque(self._calls, maxlen=limit)
        if not self._is_on:
            self._is_on = True
            self._server.interception.add_observer(self._note)

    def stop(self) -> None:
        """Log no more. What was logged stays."""
        self._is_on = False
        self._server.call(self._server.interception.remove_observer, self._note)

    def clear(self) -> None:
        """Forget what was logged."""
        self._server.call(self._calls.clear)

    def __enter__(self) -> Log:
        self.clear()
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _note(self, call: Call) -> None:
        self._calls.append(call)

    def calls(
        self, command: str | None = None, *, key: str | bytes | None = None, client: str | None = None
    ) -> list[Call]:
        """Those of *command*, for a key that the glob *key* matches, by the client of that name."""
        return self._server.call(self._select, command, key, client)

    def _select(self, command: str | None, key: str | bytes | None, client: str | None) -> list[Call]:
        fits = matcher(key)
        return [
            call
            for call in self._calls
            if (command is None or name_matches(call.name, command))
            and (fits is None or any(map(fits, call.keys)))
            and (client is None or call.client == client)
        ]

    def wait_for(
        self,
        command: str,
        times: int = 1,
        *,
        key: str | bytes | None = None,
        client: str | None = None,
        timeout: float = waits.PATIENCE,
    ) -> None:
        """Return when so many of these requests have been logged; those that are already count, so nothing is missed.

        Raises ``TimeoutError`` after *timeout* real seconds.
        """
        self._wait(command, times, key, client).passed(timeout)

    async def async_wait_for(
        self,
        command: str,
        times: int = 1,
        *,
        key: str | bytes | None = None,
        client: str | None = None,
        timeout: float = waits.PATIENCE,
    ) -> None:
        """As :meth:`wait_for`; other tasks go on meanwhile."""
        await self._wait(command, times, key, client).passed_async(timeout)

    def _wait(self, command: str, times: int, key: str | bytes | None, client: str | None) -> waits.Wait:
        if not self._is_on:
            raise RuntimeError("this log is off: use it in a with block, or call start()")

        def complaint() -> str:
            where = "" if key is None else f" for a key like {quoted(text_of(key))}"
            by = "" if client is None else f" by {client}"
            there = len(self._select(command, key, client))
            return f"{command.upper()}{where} was logged {there} of {times} times{by}; the log:\n{self}\n"

        return waits.Wait(self._server, lambda: len(self._select(command, key, client)) >= times, complaint)

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls())

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, index: int) -> Call:
        return self._calls[index]

    def __str__(self) -> str:
        return "\n".join(map(str, self.calls())) or "(nothing)"
