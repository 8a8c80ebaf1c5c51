"""What goes wrong on purpose: errors, delays, lost connections, replies that come in pieces.

::

    with server.faults.fail("GET", "LOADING", times=2):
        assert client.get("key") == "value"        # the third attempt

A fault holds from the call that makes it until ``stop()``, or until the end of the ``with`` block if it stands in one.
Of the faults that fit a request, the one made first is the one that strikes.

The rule of this file: a fault is made of what a session can do anyway (an error, ``closing``, a reply that comes
later), so that it means the same to every client, whatever driver it came by. Cutting and dribbling are about bytes, so
a client in this very process loses its connection by the one, and notices nothing of the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict, Unpack

from miniredis.engine import errors
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import CommandState
from miniredis.resp.encoder import Encoder
from miniredis.resp.types import NO_REPLY, Error, Raw, Replies, Reply
from miniredis.testing.interception import keys_of, name_matches, name_of
from miniredis.testing.outages import Outages
from miniredis.testing.patterns import matcher

if TYPE_CHECKING:
    from miniredis.engine.session import Session
    from miniredis.testing.instruments import Instruments

NAME: Final = "{server}"
"""In a text, where a server says its own name."""

FULL_TEXTS: Final = {
    "BUSY": f"BUSY {NAME} is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "CLUSTERDOWN": "CLUSTERDOWN The cluster is down",
    "LOADING": f"LOADING {NAME} is loading the dataset in memory",
    "MASTERDOWN": errors.MASTERDOWN,
    "NOAUTH": errors.NOAUTH,
    "NOREPLICAS": errors.NOREPLICAS,
    "OOM": errors.OUT_OF_MEMORY,
    "READONLY": errors.READONLY,
    "TRYAGAIN": "TRYAGAIN Multiple keys request during rehashing of slot",
}
"""What Redis says with these codes."""

PIECES_APART: Final = 0.0005
"""Seconds between two pieces of a reply that dribbles: enough for each to be received alone, by who is not busy."""

Effect: TypeAlias = Callable[["Session", "CommandState | Error", list[bytes]], "Reply | Blocked"]
Sent: TypeAlias = Callable[[Reply], Reply]
"""Makes of a reply what is sent of it."""


class Which(TypedDict, total=False):
    """Which requests of those with the right command a fault strikes. Without any of these, all."""

    key: str | bytes
    """A glob that one of the keys matches."""
    client: str | bytes
    """A glob that the client's name matches (``CLIENT SETNAME``)."""
    nth: int
    """Only the nth of those that fit, from 1."""
    times: int
    """No more than so many."""
    probability: float
    """Each with this chance."""
    seed: int
    """Of that chance; without it, chance comes from the server's own seed."""


class Fault:
    """One fault in force. ``hits`` is how many requests it has struck.

    *command* is a name (``"GET"``, ``"CONFIG SET"``; ``"CONFIG"`` means all its subcommands), several of them, or
    ``"*"`` for every command.
    """

    def __init__(self, server: Instruments, effect: Effect, command: str | Sequence[str], which: Which) -> None:
        if not 0 <= which.get("probability", 1) <= 1:
            raise ValueError(f"a probability is between 0 and 1, not {which['probability']}")
        if which.get("nth", 1) < 1:
            raise ValueError(f"nth counts from 1, not from {which['nth']}")
        self.hits = 0
        self._server = server
        self._effect = effect
        names = [command] if isinstance(command, str) else command
        self._commands = None if "*" in names else tuple(names)
        self._key = matcher(which.get("key"))
        self._client = matcher(which.get("client"))
        self._which = which
        self._random = random.Random(which["seed"]) if "seed" in which else server.engine.random
        self._seen = 0
        self.start()

    def start(self) -> None:
        """Have it strike again after :meth:`stop`."""
        self._server.call(self._server.interception.add_rule, self)

    def stop(self) -> None:
        """Have it strike no more. Requests that were delayed still run when their time comes."""
        self._server.call(self._server.interception.remove_rule, self)

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def take(
        self, session: Session, state: CommandState | Error, argv: list[bytes]
    ) -> Callable[[], Reply | Blocked] | None:
        """What to do with the request in place of running it; None if it is not one to strike."""
        if not self._fits(session, state, argv):
            return None
        which = self._which
        self._seen += 1
        if which.get("nth", self._seen) != self._seen or self.hits >= which.get("times", self._seen):
            return None
        if self._random.random() >= which.get("probability", 1) and "probability" in which:
            return None
        self.hits += 1
        return partial(self._effect, session, state, argv)

    def _fits(self, session: Session, state: CommandState | Error, argv: list[bytes]) -> bool:
        if self._commands is not None:
            name = name_of(state, argv)
            if not any(name_matches(name, command) for command in self._commands):
                return False
        if self._client is not None and not self._client(session.name):
            return False
        return self._key is None or any(map(self._key, keys_of(state, argv)))


class Faults(Outages):
    """The ways in which requests to one server can go wrong, each a :class:`Fault`, and the server itself."""

    def __init__(self, server: Instruments) -> None:
        super().__init__(server)
        digits = server.engine.version.format_double
        self._encoders = {2: Encoder(2, digits), 3: Encoder(3, digits)}

    def fail(
        self, command: str | Sequence[str] = "*", error: str | bytes = "ERR injected fault", **which: Unpack[Which]
    ) -> Fault:
        """Answer with *error* in place of running the command.

        A code alone (``LOADING``, ``READONLY``, ``OOM``, ``BUSY``, …) stands for what Redis says with it; a redirection
        is given in full: ``"MOVED 3999 127.0.0.1:7001"``. In a transaction it breaks that, as in Redis.
        """
        if isinstance(error, str):
            if error in FULL_TEXTS:
                error = FULL_TEXTS[error].replace(NAME, self._server.engine.version.family.capitalize())
            error = error.encode()
        return Fault(self._server, partial(_refuse, error), command, which)

    def delay(
        self,
        command: str | Sequence[str],
        seconds: float | timedelta,
        *,
        executed: bool = False,
        **which: Unpack[Which],
    ) -> Fault:
        """Answer later by so much of the server's clock: if that is frozen, when it has been moved.

        The command runs at the end of the delay, and not at all for a client that is gone by then. If *executed*, it
        runs at once, and only its reply is late.
        """
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        effect = partial(_answer_late if executed else _run_late, round(seconds * 1000))
        return Fault(self._server, effect, command, which)

    def drop(self, command: str | Sequence[str] = "*", *, executed: bool = False, **which: Unpack[Which]) -> Fault:
        """Close the connection in place of an answer: before the command runs or, if *executed*, after it.

        What was answered before, earlier in a pipeline, still reaches the client.
        """
        return Fault(self._server, _run_and_drop if executed else _drop, command, which)

    def cut(self, command: str | Sequence[str] = "*", size: int = 1, **which: Unpack[Which]) -> Fault:
        """Run the command, send the first *size* bytes of its reply, and close the connection."""
        return Fault(self._server, partial(self._cut, size), command, which)

    def dribble(self, command: str | Sequence[str] = "*", size: int = 1, **which: Unpack[Which]) -> Fault:
        """Run the command, and send its reply in pieces of *size* bytes that arrive one by one."""
        if size < 1:
            raise ValueError(f"a piece has at least one byte, not {size}")
        return Fault(self._server, partial(self._dribble, size), command, which)

    def clear(self) -> None:
        """End every fault."""
        self._server.call(self._server.interception.remove_rules)

    def _cut(self, size: int, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
        def beginning(reply: Reply) -> Reply:
            frame = self._encoders[session.protocol].encode(reply)
            session.closing = True
            return Raw(frame[:size]) if session.fd >= 0 else NO_REPLY

        return _then(session, _run(session, state, argv), beginning)

    def _dribble(self, size: int, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
        reply = _run(session, state, argv)
        if session.fd < 0:
            return reply
        dribbling = Blocked(session, "postponed")
        deliver, held = session.deliver, Replies()

        def begin(reply: Reply) -> None:
            frame = self._encoders[session.protocol].encode(reply)
            session.deliver = held.append  # what comes unasked has to wait for the end of the reply
            deliver_next([frame[at : at + size] for at in range(0, len(frame), size)], reply)

        def deliver_next(pieces: list[bytes], reply: Reply) -> None:
            if session.closing:
                return
            if len(pieces) > 1:
                deliver(Raw(pieces[0]))
                self._server.call_later(PIECES_APART, partial(deliver_next, pieces[1:], reply))
                return
            session.deliver = deliver
            _answer(dribbling, Replies([Raw(b"".join(pieces)), *held]))
            dribbling.reply = reply  # for the log

        _when_there(reply, lambda late: self._server.call_later(0, partial(begin, late)))
        return dribbling


# The effects


def _run(session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
    return session.engine.proceed(session, state, argv)


def _refuse(error: bytes, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply:
    known = None if isinstance(state, Error) else state
    return session.heard(session.engine.reject(session, known, argv, Error(error)))


def _run_late(milliseconds: int, session: Session, state: CommandState | Error, argv: list[bytes]) -> Blocked:
    clients = session.engine.blocked_clients
    delayed = clients.block(Blocked(session, "postponed"), 0)

    def run() -> None:
        if delayed.done:
            return
        clients.detach(delayed)
        delayed.done = False  # it has no answer yet
        _when_there(_run(session, state, argv), partial(_answer, delayed))

    session.engine.timers.call_at(session.engine.now + milliseconds, run)
    return delayed


def _answer_late(milliseconds: int, session: Session, state: CommandState | Error, argv: list[bytes]) -> Blocked:
    clients, engine = session.engine.blocked_clients, session.engine
    delayed = Blocked(session, "postponed")

    def wait(reply: Reply) -> None:
        def answer() -> None:
            if not delayed.done:
                clients.detach(delayed)
                _answer(delayed, reply)

        clients.block(delayed, 0)
        engine.timers.call_at(engine.now + milliseconds, answer)

    _when_there(_run(session, state, argv), wait)
    return delayed


def _drop(session: Session, *_: object) -> Reply:
    session.closing = True
    return NO_REPLY


def _run_and_drop(session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
    return _then(session, _run(session, state, argv), lambda _: _drop(session))


def _then(session: Session, reply: Reply | Blocked, sent: Sent) -> Reply | Blocked:
    """What is *sent* of *reply*, now or when it comes."""
    if not isinstance(reply, Blocked) or reply.done:
        return sent(reply.reply if isinstance(reply, Blocked) else reply)
    waiting = Blocked(session, "postponed")
    reply.on_done = lambda late: _answer(waiting, sent(late))
    return waiting


def _when_there(reply: Reply | Blocked, then: Callable[[Reply], None]) -> None:
    """Call *then* with *reply*, now or when it comes."""
    if isinstance(reply, Blocked) and not reply.done:
        reply.on_done = then
    else:
        then(reply.reply if isinstance(reply, Blocked) else reply)


def _answer(blocked: Blocked, reply: Reply) -> None:
    blocked.done = True
    blocked.session.engine.blocked_clients.hand_over(blocked, reply)
