"""What stands between the clients of one engine and its commands, while anything does.

The rule of this file: it is there only as long as somebody wants it. With the first rule or observer it takes its place
as the engine's interceptor, with the last it leaves it; in between every request of every client, whatever driver it
came by, goes this way: the rules in their order may take a request over, else it runs; then the observers are told.

Everything here happens on the engine's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol, TypeAlias

from miniredis.engine.blocking import Blocked
from miniredis.resp.types import QUEUED, Error, Reply

if TYPE_CHECKING:
    from miniredis.engine.engine import CommandState, Engine
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command


class Call:
    """One request of a client, or one command that EXEC or a script ran for it, and what became of it.

    ``name`` is the command's, in lower case, a subcommand's with its container's (``config|get``). ``nanoseconds`` are
    real time, whatever the engine's clock does. ``time`` is the engine's, in nanoseconds since the epoch. ``batch``
    tells requests apart that were not sent together. ``within`` is the name of the command that ran this one
    (``exec``, ``eval``), empty for a request; such a call has no duration of its own.
    """

    __slots__ = ("_reply", "argv", "batch", "client", "db", "nanoseconds", "session", "state", "time", "within")

    def __init__(self, session: Session, state: CommandState | Error, argv: list[bytes], within: str = "") -> None:
        engine = session.engine
        self.session = session
        self.client: str = session.name.decode(errors="backslashreplace") or f"client {session.id}"
        self.state = state
        self.argv = argv
        self.db = session.db.number
        self.time = engine.clock.ns()
        is_numbered = session.fd < 0 or engine.gathers_input
        self.batch: object = (session.batch if is_numbered else engine.statistics.reads_processed) or object()
        self.within = within
        self.nanoseconds = 0
        self._reply: Reply | Blocked = None

    @property
    def name(self) -> str:
        """The command's name; what the client sent if there is no such command."""
        return name_of(self.state, self.argv)

    @property
    def is_blocked(self) -> bool:
        """Whether the client still waits for the reply."""
        return isinstance(self._reply, Blocked) and not self._reply.done

    @property
    def was_given_up(self) -> bool:
        """Whether the client went away before there was a reply. (Not of what may be answered with null in the end.)"""
        reply, session = self._reply, self.session
        if not isinstance(reply, Blocked) or not reply.done or reply.timeout_reply is None:
            return False
        return reply.reply is None and session.id not in session.engine.sessions

    @property
    def is_queued(self) -> bool:
        """Whether it was only queued, for EXEC to run it."""
        return self._reply is QUEUED

    @property
    def reply(self) -> Reply:
        """The reply; None as long as the client waits for it."""
        reply = self._reply
        return reply.reply if isinstance(reply, Blocked) else reply

    @property
    def keys(self) -> list[bytes]:
        """The keys that it names."""
        return keys_of(self.state, self.argv)

    def ended(self, reply: Reply | Blocked) -> None:
        """Note what the request was answered."""
        self._reply = reply

    def __str__(self) -> str:
        """The line of a transcript: time, client, database, command, reply, duration."""
        from miniredis.testing.transcript import line

        return line(self)

    __repr__ = __str__


Observer: TypeAlias = Callable[[Call], None]


class Rule(Protocol):
    """Something that may take requests over."""

    def take(
        self, session: Session, state: CommandState | Error, argv: list[bytes]
    ) -> Callable[[], Reply | Blocked] | None:
        """What to do in place of running the request; None to leave it alone."""


class Interception:
    """The rules and the observers of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.rules: list[Rule] = []
        self.observers: list[Observer] = []
        self._inner_observers: list[Observer] = []
        self._running: list[Call] = []
        self._held: dict[Session, Call] = {}  # requests that a pause holds back, and that come once more

    def add_rule(self, rule: Rule) -> None:
        """Ask *rule* about every request from now on, after those that are there already."""
        self.rules = [*self.rules, rule]
        self._update()

    def remove_rule(self, rule: Rule) -> None:
        """Ask *rule* no more; nothing happens if it is not asked."""
        self.rules = [each for each in self.rules if each is not rule]
        self._update()

    def put_first(self, rule: Rule) -> None:
        """Ask *rule* about every request from now on, before all others."""
        self.rules = [rule, *self.rules]
        self._update()

    def remove_rules(self) -> None:
        """Ask no rule any more."""
        self.rules = []
        self._update()

    def add_observer(self, observer: Observer, *, inside: bool = False) -> None:
        """Tell *observer* of every request from now on, when it has run; if *inside*, of every command, too, that EXEC
        or a script has run."""
        self.observers = [*self.observers, observer]
        if inside:
            self._inner_observers = [*self._inner_observers, observer]
        self._update()

    def remove_observer(self, observer: Observer) -> None:
        """Tell *observer* no more; nothing happens if it is not told."""
        self.observers = [each for each in self.observers if each != observer]
        self._inner_observers = [each for each in self._inner_observers if each != observer]
        self._update()

    def _update(self) -> None:
        engine = self._engine
        engine.interceptor = self._intercept if self.rules or self.observers else None
        if engine.interceptor is None:
            self._held.clear()
        engine.observer = self._note_inner if self._inner_observers else None
        engine.update_gate()
        engine.update_observed()

    def _intercept(self, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
        held = self._held.pop(session, None)
        if not self.observers or (held is not None and held.argv is argv):
            return self._run(session, state, argv)
        call = Call(session, state, argv)
        self._running.append(call)
        started = perf_counter_ns()
        reply = self._run(session, state, argv)
        call.nanoseconds = perf_counter_ns() - started
        self._running.pop()
        call.ended(reply)
        if reply.__class__ is Blocked and reply in self._engine.pause:
            self._held[session] = call
        for observer in self.observers:
            observer(call)
        return reply

    def _note_inner(self, session: Session, command: Command, argv: list[bytes], reply: Reply) -> None:
        """Note what EXEC or a script has run. (What a client asked for directly is known already.)"""
        if not self._engine.propagation.nesting:
            return
        call = Call(session, self._engine.state_of(command), argv, within="script" if session.is_script else "exec")
        if self._running:  # it is not, where a fault has delayed the request
            call.within, call.client = self._running[-1].name, self._running[-1].client
        call.ended(reply)
        for observer in self._inner_observers:
            observer(call)

    def _run(self, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
        for rule in self.rules:
            instead = rule.take(session, state, argv)
            if instead is not None:
                return instead()
        return self._engine.proceed(session, state, argv)


def name_of(state: CommandState | Error, argv: list[bytes]) -> str:
    """The name of the command that *argv* names, in lower case, or whatever stands there."""
    if isinstance(state, Error):
        return argv[0].decode(errors="backslashreplace").lower()
    return state.command.name


def name_matches(name: str, wanted: str) -> bool:
    """Whether the command *name* is the *wanted* one, as a person writes it (``"CONFIG SET"``); a container's name
    stands for all its subcommands."""
    wanted = "|".join(wanted.lower().split())
    return name == wanted or name.partition("|")[0] == wanted


def keys_of(state: CommandState | Error, argv: list[bytes]) -> list[bytes]:
    """The keys in *argv*; none where it does not fit the command's syntax."""
    if isinstance(state, Error) or not state.minimum <= len(argv) <= state.maximum:
        return []
    return [argv[position] for position, _ in state.command.keys_of(argv)]
