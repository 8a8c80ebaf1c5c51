"""Single flight: of several callers that want the same thing at once, in one process, one fetches it for all.

**The problem.** A thousand tasks miss the same key; each asks for it. The usual mend, a shared future, cancels all of
them when one is cancelled.

**The guarantee.** At most one call per key runs at a time; whoever comes meanwhile gets its result or its error.
Cancelling a caller cancels no other, and not the call. If the call itself is cancelled, or exits, that is for the one
who made it: another one calls. **The price** is a dict and a lock: no round trip.

**Not for** several processes: there it is :class:`patterns.Cache` that lets one of them load.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from patterns.pattern import Blocking, Pattern, operation
from patterns.steps import Call, Shielded, Steps, Wait


class Flight:
    """One call that is under way, and those who wait for it."""

    # Most flights carry one caller, and nothing happens on them: so what they begin with is the class's.
    settled = False
    value: Any = None
    error: BaseException | None = None
    meanwhile: Any = None
    """What those can have who do not wait for the end; ``None`` if there is nothing."""
    left = False
    """Whether it ended without a result for others: what ended it is its leader's own affair (he was cancelled, or
    exits), or its value is out of date."""
    _event: Any = None  # made when somebody waits

    def __init__(self, mutex: threading.Lock) -> None:
        self._mutex = mutex  # that of all flights it is among

    def wait(self, new_event: Callable[[], Any], timeout: float | None = None) -> Steps[bool]:
        """Until it has ended, or for so many seconds: whether it has."""
        with self._mutex:
            if self._event is None and not self.settled:
                self._event = new_event()
        if not self.settled:
            yield Wait(self._event, timeout)
        return self.settled


class Flights:
    """The flights of one process, by key."""

    __slots__ = ("_flights", "_mutex")

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}
        self._mutex = threading.Lock()

    def join(self, key: Hashable) -> tuple[Flight, bool]:
        """The flight for *key*, and whether the caller leads it: then it has to land it."""
        mine = Flight(self._mutex)
        flight = self._flights.setdefault(key, mine)  # atomic
        return flight, flight is mine

    def land(
        self,
        key: Hashable,
        flight: Flight,
        value: Any = None,
        error: BaseException | None = None,
        *,
        left: bool = False,
    ) -> None:
        """End a flight: those who wait have its result, and the next caller begins one of its own."""
        with flight._mutex:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.value, flight.error = value, error
            flight.left = left or (error is not None and not isinstance(error, Exception))
            flight.settled = True
        if flight._event is not None:
            flight._event.set()

    def forget(self, key: Hashable) -> None:
        """Let nobody else join the flight for *key*: what it brings is out of date."""
        with self._mutex:
            self._flights.pop(key, None)

    def forget_all(self) -> None:
        """The same for every key."""
        with self._mutex:
            self._flights.clear()


class SingleFlightOperations(Pattern):
    """Calls of a function by key, of which one at a time runs for all who want it."""

    client = None

    def __init__(self) -> None:
        self._flights = Flights()

    @operation
    def call(self, key: Hashable, function: Callable[[], Any]) -> Steps[Any]:
        """What *function* returns, or raises, called by us or by somebody who asked for the same *key* before."""
        while True:
            flight, leads = self._flights.join(key)
            if leads:
                return (yield Shielded(self._lead(key, flight, function)))
            yield from flight.wait(self.new_event)
            if not flight.left:
                break
        if flight.error is not None:
            raise flight.error
        return flight.value

    def _lead(self, key: Hashable, flight: Flight, function: Callable[[], Any]) -> Steps[Any]:
        try:
            value = yield Call(function)
        except BaseException as error:
            self._flights.land(key, flight, error=error)
            raise
        self._flights.land(key, flight, value)
        return value

    def forget(self, key: Hashable) -> None:
        """Let the next caller for *key* call anew, even while a call runs."""
        self._flights.forget(key)


class SingleFlight(SingleFlightOperations, Blocking):
    __doc__ = SingleFlightOperations.__doc__
