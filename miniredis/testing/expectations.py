"""Assertions about what is sent within a block, with messages that say what was sent instead.

::

    with server.expect.no("KEYS"), server.expect.round_trips(at_most=3):
        application()

    with server.expect.called("SET", key="lock:*", with_ttl=True):
        take_lock()

The rule of this file: a command counts when it runs, be it sent alone, queued for EXEC (then when that runs it) or
called by a script; and if the block itself fails, its error is the one that is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from miniredis.testing.interception import Call, name_matches
from miniredis.testing.patterns import matcher, text_of
from miniredis.testing.transcript import quoted

if TYPE_CHECKING:
    from miniredis.testing.instruments import Instruments

HANDSHAKE: Final = frozenset({"auth", "hello", "select", "client|setinfo", "client|setname", "readonly"})
"""What clients send when they connect: no round trip that anybody asked for."""

SHOWN: Final = 20
"""Calls that a message shows."""


class Expectation:
    """One assertion: *complaint* says, of the calls within the block, what is wrong with them; None if nothing is."""

    def __init__(self, server: Instruments, complaint: Callable[[list[Call]], str | None]) -> None:
        self._server = server
        self._complaint = complaint
        self._calls: list[Call] = []

    def __enter__(self) -> None:
        self._calls = []
        interception = self._server.interception
        self._server.call(interception.add_observer, self._note, inside=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.call(self._server.interception.remove_observer, self._note)
        if error is None and (complaint := self._complaint(self._calls)) is not None:
            raise AssertionError(complaint)

    def _note(self, call: Call) -> None:
        self._calls.append(call)


class RoundTrips(Expectation):
    """One that has to know which requests came together."""

    def __enter__(self) -> None:
        super().__enter__()
        self._server.call(self._gather, 1)

    def __exit__(self, *error: Any) -> None:
        self._server.call(self._gather, -1)
        super().__exit__(*error)

    def _gather(self, change: int) -> None:
        self._server.engine.gathers_input += change


class CalledWithTtl(Expectation):
    """One that asks as well, at the end of each call, whether its keys end: ``ends`` are the calls all of whose do."""

    ends: set[int]

    def __enter__(self) -> None:
        self.ends = set()
        super().__enter__()

    def _note(self, call: Call) -> None:
        super()._note(call)
        expires = call.session.db.expires
        keys = call.keys
        if keys and all(key in expires for key in keys):
            self.ends.add(id(call))


class Expect:
    """The assertions about one server's clients, each for a ``with`` block. Keys are globs."""

    def __init__(self, server: Instruments) -> None:
        self._server = server

    def no(self, *commands: str, key: str | bytes | None = None, client: str | None = None) -> Expectation:
        """None of *commands* runs (none at all, if none is named), for such a key, for that client."""
        fits = _Fits(commands, key, client)

        def complaint(calls: list[Call]) -> str | None:
            found = [call for call in calls if fits(call)]
            return f"expected no {fits}; there was:\n{_listed(found)}" if found else None

        return Expectation(self._server, complaint)

    def round_trips(
        self,
        at_most: int | None = None,
        *,
        at_least: int | None = None,
        exactly: int | None = None,
        client: str | None = None,
    ) -> Expectation:
        """So many times does somebody send requests and wait for the replies.

        What a client sends before it is answered is one, such as a pipeline. Of a large one the server cannot know
        whether its last piece has come: so it waits a few milliseconds for more before it answers any of it. What
        clients send by themselves when they connect does not count.
        """
        least, most = (exactly, exactly) if exactly is not None else (at_least, at_most)
        if least is None and most is None:
            raise ValueError("say how many round trips: at_most, at_least or exactly")

        def complaint(calls: list[Call]) -> str | None:
            sent = [call for call in calls if not call.within and call.name not in HANDSHAKE]
            if client is not None:
                sent = [call for call in sent if call.client == client]
            trips = len({(call.session.id, call.batch) for call in sent})
            if (least is None or trips >= least) and (most is None or trips <= most):
                return None
            return f"expected {_wanted(least, most)} round trips, there were {trips}:\n{_listed(sent)}"

        return RoundTrips(self._server, complaint)

    def called(
        self,
        command: str,
        *,
        key: str | bytes | None = None,
        client: str | None = None,
        with_ttl: bool | None = None,
        times: int | None = None,
    ) -> Expectation:
        """*command* runs, at least once or just so many *times*, for such a key, for that client.

        *with_ttl*: only those count after which all their keys have a time to live (False: not all of them have). It is
        looked at the moment the command has ended: a lock that gets its end in a second step may never get it.
        """
        fits = _Fits((command,), key, client)

        def counts(call: Call) -> bool:
            return fits(call) and (with_ttl is None or (id(call) in expectation.ends) is with_ttl)

        def complaint(calls: list[Call]) -> str | None:
            there = sum(map(counts, calls))
            if there == times or (times is None and there):
                return None
            ending = {None: "", True: " with a time to live", False: " without a time to live"}[with_ttl]
            wanted = "to be called" if times is None else f"to be called {_times(times)}"
            same = [call for call in calls if name_matches(call.name, command)]
            heard = f"{command.upper()} was called so" if same else "there was"
            return f"expected {fits}{ending} {wanted}; it was {_times(there)}. {heard}:\n{_listed(same or calls)}"

        expectation = CalledWithTtl(self._server, complaint)
        return expectation

    def no_errors(self, *, client: str | None = None) -> Expectation:
        """No request is answered with an error, and none within EXEC's answer. (A script may have dealt with its.)"""
        from miniredis.resp.types import Error

        def complaint(calls: list[Call]) -> str | None:
            found = [
                call
                for call in calls
                if isinstance(call.reply, Error)
                and call.within in ("", "exec")
                and (client is None or call.client == client)
            ]
            return f"expected no errors; there was:\n{_listed(found)}" if found else None

        return Expectation(self._server, complaint)


class _Fits:
    """Which calls are meant; as text, in words."""

    def __init__(self, commands: tuple[str, ...], key: str | bytes | None, client: str | None) -> None:
        self._commands = commands
        self._key = key
        self._matches = matcher(key)
        self._client = client

    def __call__(self, call: Call) -> bool:
        return (
            not call.is_queued
            and (not self._commands or any(name_matches(call.name, command) for command in self._commands))
            and (self._matches is None or any(map(self._matches, call.keys)))
            and (self._client is None or call.client == self._client)
        )

    def __str__(self) -> str:
        words = " or ".join(command.upper() for command in self._commands) or "command"
        if self._key is not None:
            words += f" for a key like {quoted(text_of(self._key))}"
        return words if self._client is None else f"{words} by {self._client}"


def _wanted(least: int | None, most: int | None) -> str:
    if least == most:
        return f"exactly {least}"
    return f"at most {most}" if least is None else f"at least {least}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _listed(calls: list[Call]) -> str:
    lines = [f"    {call}" for call in calls[:SHOWN]]
    if len(calls) > SHOWN:
        lines.append(f"    … {len(calls)} in all")
    return "\n".join(lines) or "    (nothing)"
