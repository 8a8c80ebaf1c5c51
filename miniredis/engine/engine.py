"""The engine: takes a request, decides whether it may run, runs it, and looks after what follows from it.

The order of the checks is that of Redis's ``processCommand``; ``execute`` is its fast way through for the ordinary
case, in which neither session nor engine has its *gate* set. Commands inside EXEC and scripts come in by ``call``.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Final

from miniredis.engine import errors, field_expiry, master, notifications, transactions
from miniredis.engine.acl import AccessControl
from miniredis.engine.blocking import Blocked, BlockedClients
from miniredis.engine.client_memory import ClientMemory
from miniredis.engine.clock import NANOSECONDS, Clock
from miniredis.engine.command import LONG
from miniredis.engine.config import Config, permits
from miniredis.engine.eviction import Eviction
from miniredis.engine.keyspace import Database
from miniredis.engine.latency import POWERS, LatencyMonitor
from miniredis.engine.memory import Memory
from miniredis.engine.pause import Pause
from miniredis.engine.persistence import Persistence
from miniredis.engine.pubsub import PubSub
from miniredis.engine.quoting import quote
from miniredis.engine.replication import Replication
from miniredis.engine.session import REPLY_ON, REPLY_SKIP, REPLY_SKIP_NEXT, Session
from miniredis.engine.slowlog import SlowLog
from miniredis.engine.statistics import Statistics
from miniredis.engine.table import Command, CommandTable
from miniredis.engine.timers import Timers
from miniredis.engine.tracking import InvalidationTable
from miniredis.engine.version import DEFAULT_VERSION, ServerVersion
from miniredis.resp.types import NO_REPLY, QUEUED, Error, Replies, Reply, SimpleString

if TYPE_CHECKING:
    from miniredis.engine.scripting.running import Run
    from miniredis.engine.scripting.scripting import Scripting

logger = logging.getLogger("miniredis")

NEVER_QUEUED: Final = frozenset({"exec", "discard", "multi", "watch", "quit", "reset"})
"""What runs at once inside MULTI."""

ALLOWED_WHEN_SUBSCRIBED: Final = frozenset(
    {
        "ping",
        "subscribe",
        "ssubscribe",
        "sunsubscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "quit",
        "reset",
    }
)
"""What a RESP2 client may send while it has subscriptions."""

HTTP_WORDS: Final = frozenset({b"post", b"host:"})
"""What no client of Redis sends, but a browser that a web page made talk to this port."""

EXPIRE_BATCH: Final = 500
"""Keys removed by one turn of the expire cycle: well below a millisecond of work."""

UNUSUAL: Final = frozenset({Error, Blocked})
"""Classes of replies after which there is more to do."""

SMALL: Final = frozenset({bytes, int, SimpleString, NoneType})
"""Classes of replies after which a run may go on, if they are not long."""

LARGE: Final = 12
"""Arguments of a request that may take its time even if its command is quick."""

QUICK: Final = 1_000_000
"""Nanoseconds: who wants to know of commands that take no longer wants to know of each one."""

DISPATCH_CACHE_LIMIT: Final = 4096
"""Spellings of command names that are remembered; a client cannot make the cache grow beyond it."""


class CommandState:
    """A command of this engine and what the engine counts about it (``INFO commandstats``)."""

    __slots__ = (
        "calls",
        "command",
        "durations",
        "failed_calls",
        "handler",
        "in_runs",
        "maximum",
        "minimum",
        "name",
        "nanoseconds",
        "rejected_calls",
        "several",
    )

    def __init__(self, command: Command) -> None:
        self.command = command
        self.name = command.name
        self.handler = command.handler
        self.minimum = command.minimum
        self.maximum = command.maximum
        self.in_runs = _is_quick(command)
        self.several = command.declaration.several
        self.reset()

    def reset(self) -> None:
        """Begin to count anew."""
        self.calls = 0
        self.nanoseconds = 0
        self.durations = [0] * POWERS
        self.rejected_calls = 0
        self.failed_calls = 0


class ProtectedCommandState(CommandState):
    """One that has to be permitted, and so never takes the fast way through."""

    __slots__ = ()


class Engine:
    """A Redis without a socket.

    - *version*: the server to be, see :data:`miniredis.engine.version.VERSIONS`.
    - *config*: the directives; the defaults of redis-server when not given. Raises ``ConfigError`` if it renames what
      does not exist, or its users cannot be had.
    - *seed*: of everything random; from the system when not given.

    A driver calls :meth:`connect`, :meth:`execute` and :meth:`disconnect`, and :meth:`run_due` when :meth:`next_due`
    says so; ``on_earlier`` tells it that this time is another one now, ``on_shutdown`` that a client wants an end;
    ``exchange`` is how a command can ask another server, with host, port, timeout in seconds and commands. One
    thread at a time may use an engine.

    ``interceptor``, if set, is given every request of a client in place of :meth:`proceed`, which it may call or not;
    ``observer`` is told of every command that was run, also by EXEC and by scripts, and of its reply. After setting
    them call :meth:`update_gate` and :meth:`update_observed`.

    ``dispatch`` has the commands by each spelling of their names that was used, but for those with subcommands; see
    :meth:`resolve`. ``used_scripting`` is :attr:`scripting` as soon as somebody has asked for it.
    """

    __slots__ = (
        "_next_second",
        "_next_session_id",
        "_ready",
        "_slow_from",
        "_states",
        "_tracks_latency",
        "acl",
        "active_expire",
        "blocked_clients",
        "busy",
        "client_memory",
        "clock",
        "config",
        "databases",
        "dirty",
        "dispatch",
        "event_classes",
        "eviction",
        "exchange",
        "gate",
        "gathers_input",
        "interceptor",
        "latency",
        "memory",
        "monitors",
        "now",
        "observed",
        "observer",
        "on_earlier",
        "on_shutdown",
        "on_slow_script",
        "pause",
        "persistence",
        "propagation",
        "pubsub",
        "random",
        "replication",
        "run_id",
        "second",
        "sessions",
        "slow_log",
        "started_at",
        "statistics",
        "table",
        "timers",
        "touches",
        "tracking",
        "tracks",
        "used_scripting",
        "version",
    )

    def __init__(
        self,
        version: ServerVersion = DEFAULT_VERSION,
        config: Config | None = None,
        seed: int | None = None,
    ) -> None:
        self.version = version
        self.config = config if config is not None else Config(version)
        self.random = random.Random(seed)
        self.run_id = self.random_id()
        self.clock = Clock()
        self.clock.on_move = self._clock_moved
        self.now = 0
        self.second = 0
        self._next_second = 0
        self._read_clock()
        self.started_at = self.now
        self.table = CommandTable.for_version(version)
        if self.config.renamed_commands:
            self.table = self.table.renamed(self.config.renamed_commands)
        self._states: dict[Command, CommandState] = {}
        self.dispatch: dict[bytes, CommandState] = {}
        self.statistics = Statistics()
        self.timers = Timers()
        self.timers.on_earlier = self.announce_due
        self.on_earlier: Callable[[int], None] | None = None
        self.active_expire = True
        self.tracks = False
        self.tracking = InvalidationTable(self)
        self.blocked_clients = BlockedClients(self)
        self._ready = self.blocked_clients.ready
        self.pause = Pause(self)
        self.slow_log = SlowLog(self)
        self.latency = LatencyMonitor(self)
        self.persistence = Persistence(self)
        self.pubsub = PubSub()
        self.touches = True
        self.dirty = 0
        self.databases = [Database(self, number) for number in range(self.config.databases)]
        self.memory = Memory(self)
        self.eviction = Eviction(self)
        self.client_memory = ClientMemory(self)
        self.sessions: dict[int, Session] = {}
        self.acl = AccessControl(self)
        self._next_session_id = version.first_client_id
        self.monitors: dict[Session, None] = {}
        self.gathers_input = 0  # how many want to know of requests which of them came together
        self.interceptor: Callable[[Session, CommandState | Error, list[bytes]], Reply | Blocked] | None = None
        self.observer: Callable[[Session, Command, list[bytes], Reply], None] | None = None
        self.observed = False
        self.replication = Replication(self)
        self.propagation = self.replication.propagation
        self.on_shutdown: Callable[[], object] | None = None
        self.on_slow_script: Callable[[Session], None] | None = None
        self.busy: Run | None = None
        self.used_scripting: Scripting | None = None
        self.exchange: Callable[[str, int, float, list[list[bytes]]], Iterator[Reply]] | None = None
        self.gate = False
        self._take_config_over()
        for name in ("maxmemory", "maxmemory-policy", "maxmemory-clients"):
            self.config.on_change(name, self._take_limit_over)
        self._take_limit_over()
        self.config.on_change("min-replicas-to-write", self.update_gate)
        self.update_gate()
        for name in (
            "notify-keyspace-events",
            "slowlog-log-slower-than",
            "slowlog-max-len",
            "latency-monitor-threshold",
            "latency-tracking",
        ):
            self.config.on_change(name, self._take_config_over)

    # Clients

    def connect(self, deliver: Callable[[Reply], None]) -> Session:
        """Begin a session; *deliver* takes what reaches the client unasked."""
        self._read_clock()
        session = Session(self, self._next_session_id, deliver)
        self._next_session_id += 1
        self.sessions[session.id] = session
        self.statistics.connections_received += 1
        return session

    def disconnect(self, session: Session) -> None:
        """End a session whose client has gone: it waits for nothing, watches nothing, listens to nothing any more."""
        if self.sessions.pop(session.id, None) is None:
            return
        session.closing = True
        if session.blocked is not None:
            self.blocked_clients.cancel(session.blocked)
        session.transaction = None
        transactions.unwatch(session)
        self.pubsub.forget(session)
        self.client_memory.forget(session)
        self.monitors.pop(session, None)
        self.update_observed()
        self.replication.detach(session)
        self.tracking.disable(session)
        self.update_gate()

    # Commands

    def execute(self, session: Session, argv: list[bytes]) -> Reply | Blocked:
        """Run one request of a client and everything that follows from it.

        Returns the reply, or a :class:`Blocked` whose reply comes later; until then the driver must not execute
        anything else for this session. Never raises for anything that a client sends.
        """
        ns = self.clock.ns
        self.now = session.last_interaction = (started := ns()) // 1_000_000
        if started >= self._next_second:
            self._read_clock()
        state = self.dispatch.get(argv[0]) or self._resolve(argv)
        if state.__class__ is not CommandState or self.gate or session.gate:
            if self.interceptor is not None:
                return self.interceptor(session, state, argv)
            return self.proceed(session, state, argv)
        if not state.minimum <= len(argv) <= state.maximum:
            return self.reject(session, state, argv, errors.wrong_arity(state.command.name))
        session.last_command = state.name
        # From here on what call() does, without a call.
        try:
            reply = state.handler(session, argv)
        except Exception as error:
            reply = _failed(state, error)
        taken = ns() - started
        state.calls += 1
        state.nanoseconds += taken
        if self._tracks_latency:
            state.durations[taken.bit_length()] += 1
        if taken >= self._slow_from or self.observed or reply.__class__ in UNUSUAL:
            reply = self._note_unusual(session, state, argv, reply, taken)
        if self._ready and self.blocked_clients.has_ready():
            self.blocked_clients.serve()
        return reply

    def execute_run(self, session: Session, requests: Sequence[list[bytes]]) -> list[Reply | Blocked]:
        """Run the first of *requests*, and those like it that follow, as :meth:`execute` would one by one.

        Returns the replies of those that were run, one at least. More than one is run if the command is quick, nobody
        has to look at every single one, and they have as many arguments; up to the first that fails, makes others
        ready, or has a reply that is long or no single value. What ``execute`` does before and after each is done once:
        they begin at the same time and, as far as is counted, take as long. What is not run by the command's own way
        for *several* is run one by one.
        """
        argv = requests[0]
        name, size = argv[0], len(argv)
        state = self._state_for_run(session, name, size)
        if state is None:
            return [self.execute(session, argv)]
        started = self._begin_run(session, state)
        handler = state.handler
        replies: list[Reply | Blocked] = []
        if state.several is not None and [*map(len, requests)].count(size) == len(requests):
            names, *arguments = zip(*requests, strict=True)
            if names.count(name) == len(requests):
                replies = state.several(session, *arguments)
        for argv in requests[len(replies) :]:
            if argv[0] != name or len(argv) != size:
                break
            try:
                reply = handler(session, argv)
            except Exception as error:
                reply = _failed(state, error)
            replies.append(reply)
            if (len(reply) > LONG if reply.__class__ is bytes else reply.__class__ not in SMALL) or self._ready:
                break
        self._end_run(session, state, argv, replies, started)
        return replies

    def execute_columns(self, session: Session, columns: Sequence[Sequence[bytes]]) -> list[Reply]:
        """As :meth:`execute_run`, of requests of one command, with as many arguments, that are there by columns: their
        names, first arguments, … But only what is run by the command's own way for several is run: maybe nothing."""
        state = self._state_for_run(session, columns[0][0], len(columns))
        if state is None or state.several is None:
            return []
        started = self._begin_run(session, state)
        replies = state.several(session, *columns[1:])
        if replies:
            self._end_run(session, state, [column[len(replies) - 1] for column in columns], replies, started)
        return replies

    def _state_for_run(self, session: Session, name: bytes, size: int) -> CommandState | None:
        """What is known of a command, if requests of so many words may run together at the moment."""
        state = self.dispatch.get(name)
        if (
            state is None
            or not state.in_runs
            or not state.minimum <= size <= state.maximum
            or size > LARGE
            or self.gate
            or session.gate
            or self.observed
            or self._slow_from < QUICK
        ):
            return None
        return state

    def _begin_run(self, session: Session, state: CommandState) -> int:
        """Note that requests of a command are run. Returns the time, in nanoseconds."""
        started = self.clock.ns()
        self.now = session.last_interaction = started // 1_000_000
        if started >= self._next_second:
            self._read_clock()
        session.last_command = state.name
        return started

    def _end_run(
        self, session: Session, state: CommandState, argv: list[bytes], replies: Sequence[Reply | Blocked], started: int
    ) -> None:
        """Count the requests of a command, the last of which is *argv*, and see to what follows from them."""
        count = len(replies)
        reply = replies[-1]
        taken = (self.clock.ns() - started) // count
        state.calls += count
        state.nanoseconds += taken * count
        if self._tracks_latency:
            state.durations[taken.bit_length()] += count
        if taken >= self._slow_from or reply.__class__ in UNUSUAL:
            self._note_unusual(session, state, argv, reply, taken)
        if self._ready and self.blocked_clients.has_ready():
            self.blocked_clients.serve()

    def call(self, session: Session, state: CommandState, argv: list[bytes]) -> Reply:
        """Run a command that may run, and count it: no checks of the session, nobody else is served in between.

        Inside EXEC or a script whoever calls this has raised ``propagation.nesting`` by one.
        """
        ns = self.clock.ns
        started = ns()
        try:
            reply = state.handler(session, argv)
        except Exception as error:
            reply = _failed(state, error)
        taken = ns() - started
        state.calls += 1
        state.nanoseconds += taken
        if self._tracks_latency:
            state.durations[taken.bit_length()] += 1
        if taken >= self._slow_from or self.observed or reply.__class__ in UNUSUAL:
            return self._note_unusual(session, state, argv, reply, taken)
        return reply

    @property
    def scripting(self) -> Scripting:
        """The scripts and functions. They come into being, and Lua is imported, when somebody asks for them."""
        if self.used_scripting is None:
            from miniredis.engine.scripting.scripting import Scripting

            self.used_scripting = Scripting(self)
        return self.used_scripting

    def stop_script(self) -> None:
        """End the script that is running, if there is one: its caller, who lets others have a turn, has no time."""
        if self.used_scripting is not None:
            self.used_scripting.runner.stop()

    def function_codes(self) -> list[bytes]:
        """The code of each library of functions."""
        if self.used_scripting is None:
            return []
        return [library.code for library in self.used_scripting.functions.libraries.values()]

    def load_functions(self, codes: list[bytes], *, flush: bool, replace: bool = False) -> None:
        """Take over libraries of functions that were saved, in place of those that are there if *flush* is set, and of
        those with the same names if *replace* is.

        Raises :class:`~miniredis.resp.types.Error` if one of them cannot be loaded.
        """
        if codes or self.used_scripting is not None:
            self.scripting.functions.restore(codes, replace=replace, flush=flush)

    def resolve(self, argv: list[bytes]) -> CommandState | Error:
        """The command, or subcommand, that *argv* names; the error that Redis gives if there is none."""
        return self.dispatch.get(argv[0]) or self._resolve(argv)

    def state_of(self, command: Command) -> CommandState:
        """What this engine counts about *command*."""
        state = self._states.get(command)
        if state is None:
            kind = ProtectedCommandState if command.is_protected else CommandState
            state = self._states[command] = kind(command)
        return state

    def count_failure(self, argv: list[bytes]) -> None:
        """Count *argv*, which is being run, as failed: another client, not its own, got an error by its doing."""
        state = self.resolve(argv)
        if isinstance(state, CommandState):
            state.failed_calls += 1

    def command_states(self) -> list[CommandState]:
        """Every command that was named so far."""
        return list(self._states.values())

    def _resolve(self, argv: list[bytes]) -> CommandState | Error:
        command = self.table.lookup(argv[0])
        if command is None:
            return _unknown_command(argv)
        if command.subcommands and len(argv) > 1:
            subcommand = command.subcommands.get(argv[1].lower())
            if subcommand is None:
                return errors.unknown_subcommand(command.name.upper(), argv[1])
            return self.state_of(subcommand)
        state = self.state_of(command)
        if not command.subcommands and len(self.dispatch) < DISPATCH_CACHE_LIMIT:
            self.dispatch[argv[0]] = state
        return state

    def _note_unusual(
        self, session: Session, state: CommandState, argv: list[bytes], reply: Reply, taken: int
    ) -> Reply:
        """What is to be done where a command failed, has to wait, was slow or is observed. Returns the reply."""
        if reply.__class__ is Error:
            state.failed_calls += 1
            self.statistics.count_error(reply.code)
        elif reply.__class__ is Blocked:
            reply.command_state, reply.argv, reply.nanoseconds = state, argv, taken
            if self.version.redis >= (7, 2):
                state.calls -= 1  # it counts when its reply comes
            if self._tracks_latency:
                state.durations[taken.bit_length()] -= 1  # likewise
        if taken >= self._slow_from and reply.__class__ is not Blocked:
            self.note_slow(session, state.command, argv, taken)
        if self.observed:
            return self._observe(session, state.command, argv, reply)
        return reply

    def _observe(self, session: Session, command: Command, argv: list[bytes], reply: Reply) -> Reply:
        """Feed the monitors and the replicas with what *session* has run. Returns the reply, see :meth:`_show`."""
        if self.observer is not None:
            self.observer(session, command, argv, reply)
        if self.monitors and not command.skip_monitor and not command.admin:
            reply = self._show(session, argv, reply)
        if self.tracks:
            self.tracking.remember(session, command, argv)
        propagation = self.propagation
        if propagation.active:
            propagation.command_ended(session, command, argv)
            if not propagation.nesting:
                session.write_offset = self.replication.offset
                self.replication.command_ended()
        return reply

    def _show(self, session: Session, argv: list[bytes], reply: Reply) -> Reply:
        """Feed the monitors. Returns *reply*, with the line behind it if the client is one of them."""
        line = self.feed_monitors(session, argv)
        if session.monitoring and reply.__class__ is not Blocked and not session.is_silent:
            return Replies([reply, line])
        return reply

    def note_slow(self, session: Session, command: Command, argv: list[bytes], taken: int) -> None:
        """Tell the slow log and the latency monitor, as far as it concerns them, what took *taken* nanoseconds."""
        if taken >= self.slow_log.threshold:
            self.slow_log.add(session, command, argv, taken)
        self.latency.add(b"fast-command" if command.is_fast else b"command", taken)

    def note_end(self, session: Session, state: CommandState, argv: list[bytes], before: int, taken: int) -> None:
        """Count a command that had to wait, now that it has ended: *before* and *taken*, nanoseconds before and after
        the wait."""
        total = before + taken
        state.nanoseconds += taken
        if self._tracks_latency:
            state.durations[total.bit_length()] += 1
        if total >= self.slow_log.threshold:
            self.slow_log.add(session, state.command, argv, total)

    def proceed(self, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
        """The way through when something stands in the way of the fast one: what an interceptor calls to go on.

        *state* is what *argv* names, or the error that there is no such command.
        """
        was_replica = session.is_replica
        if session.reply_mode is REPLY_SKIP_NEXT:
            session.reply_mode = REPLY_SKIP
        tracks = self.tracks
        if tracks:
            self.tracking.command_begins(session)
        pushes: list[Reply] = []
        session.pushes = pushes
        reply = self._execute_checked(session, state, argv)
        before: list[Reply] = []
        if self.version.redis < (7, 2):
            before, pushes = pushes, []
            session.pushes = pushes
        if tracks:
            self.tracking.command_ended()
        if self.blocked_clients.has_ready():
            self.blocked_clients.serve()
        if tracks:
            self.tracking.settle()
        session.pushes = None
        if self.client_memory.limit and not session.closing:
            self.client_memory.changed(session)
        if reply.__class__ is Blocked:
            reply.silent = session.is_silent
        else:
            reply = session.heard(reply)
        if was_replica and reply.__class__ is not Replies:
            session.closing = True  # what it is sent is the stream, in which an answer has no place
            return NO_REPLY
        if session.reply_mode is REPLY_SKIP:
            session.reply_mode = REPLY_ON
            session.update_gate()
        if not before and not pushes:
            return reply
        if reply.__class__ is not Blocked:
            return Replies([*before, reply, *pushes])
        for message in chain(before, pushes):
            session.deliver(message)
        return reply

    def _execute_checked(self, session: Session, state: CommandState | Error, argv: list[bytes]) -> Reply | Blocked:
        is_shut_out = not session.authenticated and not self.acl.lets_in_anybody
        tells_strangers = not self.version.is_valkey  # which commands there are, and with how many arguments
        if isinstance(state, Error):
            if argv[0].lower() in HTTP_WORDS:
                return _abort_http_client(session)
            is_told = tells_strangers or not is_shut_out
            return self.reject(session, None, argv, state if is_told else Error(errors.NOAUTH))
        command = state.command
        session.last_command = command.name
        is_shut_out = is_shut_out and not command.no_auth
        if not state.minimum <= len(argv) <= state.maximum and (tells_strangers or not is_shut_out):
            return self.reject(session, state, argv, errors.wrong_arity(command.name))
        if command.is_protected and (tells_strangers or not is_shut_out) and not self._permits(session, command):
            return self.reject(session, state, argv, errors.protected(command.name.partition("|")[0]))
        if is_shut_out:
            return self.reject(session, state, argv, Error(errors.NOAUTH))
        transaction = session.transaction
        if transaction is not None and command.no_multi:
            return self.reject(session, state, argv, self._not_in_transaction(command))
        if session.user.is_restricted and (denied := self.acl.refuse(session, command, argv)) is not None:
            return self.reject(session, state, argv, denied)
        if command.runs_script:
            command = self.scripting.as_declared(command, argv)
        if (elsewhere := master.redirection(self, session, command)) is not None:
            return self.reject(session, state, argv, elsewhere)
        if self.client_memory.limit:
            self.client_memory.evict()
            if session.closing:
                return NO_REPLY
        if self.config.maxmemory and self.busy is None and self._lacks_memory(session, command):
            return self.reject(session, state, argv, Error(errors.OUT_OF_MEMORY))
        if self.replication.lacks_replicas and self._writes(session, command):
            return self.reject(session, state, argv, Error(errors.NOREPLICAS))
        if session.in_restricted_mode and command.name not in ALLOWED_WHEN_SUBSCRIBED:
            return self.reject(session, state, argv, _restricted(command))
        if self.persistence.forbids_writing and (command.name == "ping" or self._writes(session, command)):
            return self.reject(session, state, argv, errors.cannot_save(self.version))
        if (refusal := master.refusal(self, session, command)) is not None:
            return self.reject(session, state, argv, refusal)
        if self.busy is not None and not command.allow_busy:
            return self.reject(session, state, argv, self.busy.error())
        is_fed = session.monitoring or session.is_replica
        if is_fed and (command.is_write or command.is_readonly or command.may_replicate):
            return self.reject(session, state, argv, Error("ERR Replica can't interact with the keyspace"))
        if self.pause.holds(session, command):
            return self.pause.postpone(session, argv)
        if transaction is not None and command.name not in NEVER_QUEUED:
            transactions.enqueue(session, state, argv, command)
            return QUEUED
        if session.no_touch and command.name != "touch":
            self.touches = False
            try:
                return self.call(session, state, argv)
            finally:
                self.touches = True
        return self.call(session, state, argv)

    def _permits(self, session: Session, command: Command) -> bool:
        """Whether *session* may use *command*, which is protected."""
        config = self.config
        protection = config.enable_debug_command if command.name == "debug" else config.enable_module_command
        return permits(protection, session.is_local)

    def _lacks_memory(self, session: Session, command: Command) -> bool:
        """Whether *command* is refused for lack of memory. What is told of evicted keys comes before any reply."""
        pushes, session.pushes = session.pushes, None
        refuses = self.eviction.refuses(session, command)
        self.tracking.tell_own()
        session.pushes = pushes
        return refuses

    def _writes(self, session: Session, command: Command) -> bool:
        """Whether *command* may write: EXEC does what is queued."""
        transaction = session.transaction
        return command.is_write or (command.name == "exec" and transaction is not None and transaction.writes)

    def _not_in_transaction(self, command: Command) -> Error:
        if self.version.is_valkey:
            return Error(f"ERR Command '{command.name}' not allowed inside a transaction")
        return Error("ERR Command not allowed inside a transaction")

    def reject(self, session: Session, state: CommandState | None, argv: list[bytes], error: Error) -> Reply:
        """Refuse a command before it runs: a transaction that it was meant for will not be executed."""
        session.last_command = "NULL" if state is None else state.command.name
        if state is not None:
            state.rejected_calls += 1
            if state.command.name == "exec":
                transactions.discard(session)
                if error.code != b"REDIRECT":
                    error = Error(b"EXECABORT Transaction discarded because of: " + error.message.removeprefix(b"ERR "))
        if session.transaction is not None:
            transactions.refuse(session)
        self.statistics.count_error(error.code)
        if self.monitors and error.message.startswith(b"EXECABORT"):
            return self._show(session, argv, error)  # they have seen the MULTI
        return error

    # Everybody else

    def notify(self, event_class: int, event: bytes, key: bytes, database: Database) -> None:
        """Publish a keyspace notification, if its class is switched on."""
        classes = self.event_classes
        if not classes & event_class:
            return
        if classes & notifications.KEYSPACE:
            self.pubsub.publish(b"__keyspace@%d__:%b" % (database.number, key), event)
        if classes & notifications.KEYEVENT:
            self.pubsub.publish(b"__keyevent@%d__:%b" % (database.number, event), key)

    def feed_monitors(self, session: Session, argv: list[bytes]) -> SimpleString:
        """Show *argv* to those who monitor, in the database that is now selected; *session* itself is left out.

        Returns the line: a client that monitors gets that of its own command behind the reply, even in an EXEC's array.

        Commands are shown as they end. What is flagged ``skip_monitor`` (EVAL) calls this itself, before what it runs.
        """
        microseconds = self.clock.ns() // 1000
        address = f"unix:{session.address.removesuffix(':0')}" if session.unix_socket else session.address
        text = b"%d.%06d [%d %b] %b" % (
            *divmod(microseconds, 1_000_000),
            session.db.number,
            os.fsencode(address),
            b" ".join(map(quote, argv)),
        )
        line = SimpleString(text)
        for monitor in self.monitors:
            if monitor is not session and monitor.reply_mode is REPLY_ON:
                monitor.deliver(line)
        return line

    def random_id(self) -> str:
        """40 random hexadecimal digits, such as a run or a replication has for a name."""
        return f"{self.random.getrandbits(160):040x}"

    def block(self, blocked: Blocked, timeout: int) -> Reply | Blocked:
        """Let a client wait: *timeout* in milliseconds from now, 0 for ever. What the command has to return.

        Where nobody may block (EXEC, scripts) that is the reply of a timeout at once.
        """
        if blocked.session.deny_blocking:
            return blocked.timeout_reply
        return self.blocked_clients.block(blocked, self.now + timeout if timeout else 0)

    def update_gate(self) -> None:
        """Set ``gate`` when commands of every session need more than a look-up and a call."""
        self.gate = (
            self.pause.active
            or self.busy is not None
            or self.tracking.clients > 0
            or self.config.maxmemory > 0
            or self.client_memory.limit > 0
            or self.config.min_replicas_to_write > 0
            or self.replication.master is not None
            or not self.persistence.last_background_save_ok
            or self.interceptor is not None
        )

    def update_observed(self) -> None:
        """Set ``observed`` when somebody is told what commands were run."""
        self.observed = (
            bool(self.monitors) or self.propagation.active or self.observer is not None or self.tracking.clients > 0
        )

    def _take_limit_over(self) -> None:
        """Act on the directives about memory."""
        self.eviction.configure()
        self.client_memory.configure()
        self.update_gate()

    def _take_config_over(self) -> None:
        """Act on the directives that the path of every command depends on."""
        config = self.config
        classes = config.notify_keyspace_events
        self.event_classes = classes if classes & (notifications.KEYSPACE | notifications.KEYEVENT) else 0
        self.slow_log.configure()
        self.latency.configure()
        self._slow_from = min(self.slow_log.threshold, self.latency.threshold)
        self._tracks_latency = config.latency_tracking

    # Time

    @property
    def keeps_expired(self) -> bool:
        """Whether keys whose time has passed are only hidden: in a pause, and in a replica."""
        return self.pause.active or (self.replication.master is not None and self.config.replica_read_only)

    @property
    def _expires_actively(self) -> bool:
        """Whether keys go when their time comes."""
        return self.active_expire and not self.pause.active and self.replication.master is None

    def next_due(self) -> int | None:
        """When :meth:`run_due` has something to do, in milliseconds since the epoch; None for never."""
        if self.busy is not None:
            return None
        due = self.timers.next_due()
        if self._expires_actively:
            for database in self.databases:
                if (
                    database.expires
                    and (expiry := database.next_expiry()) is not None
                    and (due is None or expiry < due)
                ):
                    due = expiry
                if (
                    database.field_expiries is not None
                    and (expiry := field_expiry.next_expiry(database)) is not None
                    and (due is None or expiry < due)
                ):
                    due = expiry
        return due

    def run_due(self) -> None:
        """Fire one batch of what has fallen due: timers, and keys whose time has passed, in order of their times.

        While a script takes too long nothing is due: it goes on in the time at which it began.
        """
        if self.busy is not None:
            return
        self._read_clock()
        self._fire_due()

    def _fire_due(self) -> None:
        while (callback := self.timers.pop_due(self.now)) is not None:
            callback()
        if self._expires_actively:
            self.latency.timed(b"expire-cycle", self._expire_due)
            self.propagation.flush(wrap=False)
            self._expire_fields_due()
        if self.blocked_clients.has_ready():
            self.blocked_clients.serve()
        if self.tracks:
            self.tracking.settle()

    def _expire_due(self) -> None:
        for database in self.databases:
            if database.expires:
                database.expire_due(EXPIRE_BATCH)

    def _expire_fields_due(self) -> None:
        for database in self.databases:
            if database.field_expiries is not None:
                field_expiry.expire_due(database, EXPIRE_BATCH)

    def announce_due(self) -> None:
        """Tell the driver when the first of everything is due, because that may have changed."""
        if self.on_earlier is not None and (due := self.next_due()) is not None:
            self.on_earlier(due)

    def _read_clock(self) -> None:
        nanoseconds = self.clock.ns()
        self.now = nanoseconds // 1_000_000
        self.second = nanoseconds // NANOSECONDS
        self._next_second = (self.second + 1) * NANOSECONDS

    def _clock_moved(self) -> None:
        """Fire, in order and each at its own time, everything that a move of the clock by hand made due."""
        target = self.clock.ns() // 1_000_000
        while (due := self.next_due()) is not None and due <= target:
            with self.clock.at(due * 1_000_000):
                self._read_clock()
                self._fire_due()
        self._read_clock()
        self.announce_due()  # what is due at the same time as before is now sooner, or later, by another clock


def _abort_http_client(session: Session) -> Reply:
    logger.warning(
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is "
        "likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. "
        "Connection from %s aborted.",
        session.address,
    )
    session.closing = True
    session.on_close()
    return NO_REPLY


def _is_quick(command: Command) -> bool:
    """Whether *command* takes next to no time, however large its keys are, and has to do with nothing else."""
    is_quick = command.is_fast or command.declaration.complexity == "O(1)"
    is_special = command.blocking or command.noscript or command.admin or command.is_pubsub
    return is_quick and not is_special and bool(command.keys) and "movablekeys" not in command.flags


def _failed(state: CommandState, error: Exception) -> Error:
    """The reply of a command whose handler raised *error*. To be called while that is handled."""
    if isinstance(error, Error):
        return error.as_reply()
    logger.exception("a bug in the command %s", state.name)
    return Error("ERR internal error")


def _unknown_command(argv: list[bytes]) -> Error:
    """Redis shows 128 bytes of the name and, up to the same length in all, of the arguments."""
    preview = b""
    for argument in argv[1:]:
        if len(preview) >= 128:
            break
        preview += b"'%b' " % errors.until_nul(argument)[: 128 - len(preview)]
    return Error(b"ERR unknown command '%b', with args beginning with: %b" % (errors.until_nul(argv[0])[:128], preview))


def _restricted(command: Command) -> Error:
    return Error(
        f"ERR Can't execute '{command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed"
        " in this context"
    )
