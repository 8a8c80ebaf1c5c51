"""Running a script: what it may do, what its commands go through, how it ends, and what if it does not.

One script runs at a time, and nobody else is served meanwhile. Its commands run in a session of its own, in the
database of its caller, with the caller's rights; they go straight into their handlers, and their replies become values
of Lua without ever being bytes. What they change is propagated command by command, as a transaction.

A script that runs for longer than ``busy-reply-threshold`` does not end for that. From then on the driver is given a
turn now and then (``Engine.on_slow_script``) in which other clients are heard, and told ``BUSY``; one of them may say
``SCRIPT KILL``, which is obeyed as long as nothing has been written.
"""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from miniredis.engine import errors
from miniredis.engine.propagation import prevent
from miniredis.engine.scripting.conversions import ReplyConverter, error_reply, error_table, to_reply
from miniredis.engine.scripting.sandbox import described, value_text, write_place
from miniredis.engine.session import Session
from miniredis.lua.arguments import to_integer
from miniredis.lua.positions import raised_at
from miniredis.lua.random48 import Random48
from miniredis.lua.values import LuaError, ReadOnlyTable, Table, Value
from miniredis.resp.types import Error, Reply

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.scripting.flags import ScriptFlags
    from miniredis.lua.runtime import State

logger = logging.getLogger("miniredis")

TURN: Final = 0.001
"""Seconds that a slow script has for itself before others have their turn."""

UNKNOWN_ERROR: Final = b"ERR unknown error"
"""What an error is that has no text. (Redis 7.0 dies of those.)"""


class ScriptStopped(Exception):  # noqa: N818 - it is no error, and nothing in Lua can catch it
    """Ends the running script. *message*: what its client is told."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message)
        self.message = message


class Run:
    """One run of a script or function, until it is begun anew for the next one.

    - ``caller``: whose command it is, ``argv`` that command, ``name`` the script's SHA1 or the function's name.
    - ``is_eval``: whether it is a script, not a function.
    - ``reads_only``: its commands must not write. ``allow_oom``: they may, also where memory is short.
    - ``started``: when it began, in nanoseconds of the engine's clock.
    - ``replicates``: whether its commands are propagated at present.
    - ``has_written``: whether it has called a command that writes. Then it cannot be killed, nor are its commands
      refused for the state that the server is in.
    - ``is_slow``: whether it runs for so long that others are told.
    """

    __slots__ = (
        "allow_oom",
        "argv",
        "caller",
        "has_written",
        "is_eval",
        "is_killed",
        "is_slow",
        "name",
        "reads_only",
        "replicates",
        "started",
    )

    caller: Session
    argv: list[bytes]
    name: bytes
    reads_only: bool
    allow_oom: bool
    started: int
    replicates: bool
    has_written: bool
    is_slow: bool
    is_killed: bool

    def __init__(self, *, is_eval: bool) -> None:
        self.is_eval = is_eval

    def begin(
        self, caller: Session, argv: list[bytes], name: bytes, flags: ScriptFlags, reads_only: bool, started: int
    ) -> None:
        """Begin, with nothing left of the run before."""
        self.caller = caller
        self.argv = argv
        self.name = name
        self.reads_only = reads_only or flags.no_writes
        self.allow_oom = flags.allow_oom
        self.started = started
        self.replicates = True
        self.has_written = False
        self.is_slow = False
        self.is_killed = False

    def error(self) -> Error:
        """What everybody is told while this takes too long."""
        name = self.caller.engine.version.family.capitalize()
        return Error(f"BUSY {name} is busy running a script. You can only call {self.killer} or SHUTDOWN NOSAVE.")

    @property
    def killer(self) -> str:
        """The command that can end it."""
        return "SCRIPT KILL" if self.is_eval else "FUNCTION KILL"

    def words_of_its_end(self) -> str:
        """What it ends with when it was killed. Redis names SCRIPT KILL, whichever it was."""
        if self.caller.engine.version.is_valkey:
            return f"ERR Script killed by user with {self.killer}."
        return "ERR Script killed by user with SCRIPT KILL..."


class Runner:
    """What runs scripts and functions for one engine. ``current`` is the run that is under way, ``state`` its world.

    ``deadline`` is when a library that is being loaded has taken too long, in nanoseconds; None while there is none.
    ``allows_noscript`` lets scripts call what they must not (DEBUG SET-DISABLE-DENY-SCRIPTS).
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.random = Random48()
        self.current: Run | None = None
        self.state: State | None = None
        self.deadline: int | None = None
        self.allows_noscript = False
        self.session = Session(engine, 0, lambda message: None)
        self.session.address = "lua"
        self.session.deny_blocking = True
        self.session.is_script = True
        digits = engine.version.format_double
        self.converters = {2: ReplyConverter(2, digits), 3: ReplyConverter(3, digits)}
        self._is_valkey = engine.version.is_valkey
        self._next_turn = 0.0

    # The run as a whole

    def check(self, flags: ScriptFlags, *, reads_only: bool) -> None:
        """Refuse to run a script with *flags* if the state of the server forbids it. Raises :class:`Error`.

        Without flags it may run as long as the engine's ``gate`` is not set.
        """
        engine = self.engine
        master = engine.replication.master
        is_stale = master is not None and master.state != "connected" and not engine.config.replica_serve_stale_data
        if flags.is_compatible:
            if is_stale:
                raise Error(errors.MASTERDOWN)
            return
        if is_stale and not flags.allow_stale:
            raise Error(
                "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is"
                " not set on the script."
            )
        if not flags.no_writes:
            if master is not None and engine.config.replica_read_only:
                raise Error("READONLY Can not run script with write flag on readonly replica")
            if engine.persistence.forbids_writing:
                name = engine.version.family.capitalize()
                raise Error(
                    f"MISCONF {name} is configured to save RDB snapshots, but it's currently unable to persist to disk."
                    " Writable scripts are blocked. Use 'no-writes' flag for read only scripts."
                )
            if reads_only:
                raise Error("ERR Can not execute a script with write flag using *_ro command.")
            if engine.replication.lacks_replicas:
                raise Error(errors.NOREPLICAS)
            if engine.config.maxmemory and engine.eviction.out_of_memory and not flags.allow_oom:
                raise Error(
                    "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
                )

    def run(self, run: Run, state: State, function: Value, arguments: tuple[Value, ...] = ()) -> Reply:
        """Run *function* of *state* with *arguments*: the reply of the command that wants it."""
        session, caller = self.session, run.caller
        session.db = caller.db
        session.user = caller.user
        session.protocol = 2
        self.current = run
        self.state = state
        propagation = self.engine.propagation
        propagation.nesting += 1
        try:
            value = state.run(function, arguments)
            kind = value.__class__
            if kind is bytes:
                reply = value
            elif kind is float:
                reply = to_integer(value)
            else:
                reply = to_reply(value, session.protocol)
        except LuaError as failure:
            reply = self._failed(run, state, failure.value, raised_at(failure.__traceback__))
        except ScriptStopped as stopped:
            reply = self._failed(run, state, error_table(stopped.message), raised_at(stopped.__traceback__))
        finally:
            propagation.nesting -= 1
            self.current = None
            if run.is_slow:
                self._recover()
            if propagation.active:
                propagation.prevent()
        if reply.__class__ is errors.CountedError:
            self.engine.resolve(run.argv).failed_calls += 1  # type: ignore[union-attr]
        return reply

    def _failed(self, run: Run, state: State, value: Value, place: tuple[bytes, float] | None) -> Error:
        """The reply of a script that an error with *value* has ended, at that *place*."""
        if value.__class__ is ReadOnlyTable:  # Redis has the place written into it, by a function of Lua's
            value = Table({b"err": b"ERR err_handler_def:10: Attempt to modify a readonly table"})
            place = (b"@err_handler_def", 10.0)
        if not isinstance(value, Table):
            value = error_table(b"ERR " + value_text(value))
        if place is not None:
            try:
                state.run(write_place, (state, value, place))
            except LuaError as failure:  # by a metatable of its own
                return self._failed(run, state, failure.value, raised_at(failure.__traceback__))
            except ScriptStopped as stopped:
                return self._failed(run, state, error_table(stopped.message), None)
        message = described(value, state, b"err")
        line, source = described(value, state, b"line"), described(value, state, b"source")
        text: bytes = UNKNOWN_ERROR if message is None else errors.until_nul(message)
        if line is not None and source is not None:
            name = b"" if self._is_valkey else b" %b," % run.name
            text += b" script:%b on %b:%b." % (name, errors.until_nul(source), line)
        return error_reply(text, is_counted=value.hash.get(b"ignore_error_stats_update") is True)

    # Commands

    def call(self, run: Run, argv: list[bytes], raises: bool) -> Value:
        """Run a command for a script, whatever stands in its way: its reply as a value of Lua."""
        engine, session = self.engine, self.session
        state = engine.resolve(argv)
        if state.__class__ is Error:
            return self._refused(self._unknown(argv), None, raises)
        command = state.command  # type: ignore[union-attr]
        if not state.minimum <= len(argv) <= state.maximum:  # type: ignore[union-attr]
            called = b"command" if self._is_valkey else b"Redis command"
            return self._refused(b"ERR Wrong number of args calling %b from script" % called, state, raises)
        if command.noscript and not self.allows_noscript:
            server = b"Valkey" if self._is_valkey else b"Redis"
            return self._refused(b"ERR This %b command is not allowed from script" % server, state, raises)
        if run.caller.user.is_restricted:
            denied = engine.acl.refuse_in_script(session, run.caller, command, argv)
            if denied is not None:
                return self._refused(denied.message, state, raises)
        if command.is_write or run.reads_only or engine.gate:
            refusal = self._refusal(run, state)
            if refusal is not None:
                return self._refused(refusal, state, raises)
            if command.is_write:
                run.has_written = True
        if not run.replicates:
            prevent(session)
        reply = self.state.with_room(engine.call, session, state, argv)  # type: ignore[union-attr]
        if raises and reply.__class__ is Error:
            raise LuaError(error_table(reply.message, is_counted=True))
        return self.converters[session.protocol].convert(reply)

    def _unknown(self, argv: list[bytes]) -> bytes:
        if not self._is_valkey:
            return b"ERR Unknown Redis command called from script"
        container = self.engine.table.lookup(argv[0])
        if container is None:
            return b"ERR Unknown command called from script"
        return errors.unknown_subcommand(container.name.upper(), argv[1]).message

    def _refusal(self, run: Run, state: Any) -> bytes | None:
        """Why a command must not run at this moment: the line of its error; None if it may."""
        engine, command = self.engine, state.command
        master = engine.replication.master
        if (
            master is not None
            and master.state != "connected"
            and not engine.config.replica_serve_stale_data
            and "stale" not in command.flags
        ):
            return b"ERR Can not execute the command on a stale replica"
        if run.reads_only and (command.is_write or command.may_replicate):
            return b"ERR Write commands are not allowed from read-only scripts."
        if not command.is_write or run.has_written:
            return None
        if master is not None and engine.config.replica_read_only:
            return errors.READONLY.encode()
        if engine.persistence.forbids_writing:
            return errors.cannot_save(engine.version).message
        if engine.replication.lacks_replicas:
            return errors.NOREPLICAS.encode()
        if command.denyoom and not run.allow_oom and engine.config.maxmemory and engine.eviction.out_of_memory:
            return errors.OUT_OF_MEMORY.encode()
        return None

    def _refused(self, message: bytes, state: Any, raises: bool) -> Table:
        """Count a command that was refused; its error, raised or returned."""
        if state is not None:
            state.rejected_calls += 1
        self.engine.statistics.count_error(message.partition(b" ")[0])
        table = error_table(message, is_counted=True)
        if raises:
            raise LuaError(table)
        return table

    def may_call(self, run: Run, argv: list[bytes]) -> bool | None:
        """Whether the caller of the script may run *argv*; None if there is no such command."""
        state = self.engine.resolve(argv)
        if state.__class__ is Error:
            return None
        return self.engine.acl.check(run.caller.user, state.command, argv, self.session.db.number) is None  # type: ignore[union-attr]

    # Scripts that do not end

    def interrupt(self) -> None:
        """What Lua calls now and then."""
        run = self.current
        if run is None:
            if self.deadline is not None and self.engine.clock.ns() > self.deadline:
                raise ScriptStopped(b"ERR FUNCTION LOAD timeout")
            return
        if not run.is_slow:
            threshold = self.engine.config.busy_reply_threshold
            if not threshold or self.engine.clock.ns() - run.started < threshold * 1_000_000:
                return
            self._become_slow(run)
        elif monotonic() < self._next_turn:
            return
        self._give_others_a_turn(run)
        if run.is_killed:
            logger.warning("Lua script killed by user with SCRIPT KILL.")
            raise ScriptStopped(run.words_of_its_end().encode())

    def _become_slow(self, run: Run) -> None:
        logger.warning(
            "Slow script detected: still in execution after %d milliseconds. You can try killing the script using the"
            " %s command. Script name is: %s.",
            self.duration(run),
            run.killer,
            run.name.decode(errors="replace"),
        )
        run.is_slow = True
        self.engine.busy = run
        self.engine.update_gate()

    def _give_others_a_turn(self, run: Run) -> None:
        engine = self.engine
        if engine.on_slow_script is None:
            return
        now, second, pushes = engine.now, engine.second, run.caller.pushes
        run.caller.pushes = None
        try:
            self.state.with_room(engine.on_slow_script, run.caller)  # type: ignore[union-attr]
        finally:
            run.caller.pushes = pushes
            engine.now, engine.second = now, second  # in a script time stands still
            self._next_turn = monotonic() + TURN

    def _recover(self) -> None:
        engine = self.engine
        engine.busy = None
        engine.update_gate()
        engine.announce_due()  # what fell due meanwhile has waited
        engine.tracking.announce()

    def duration(self, run: Run) -> int:
        """For how many milliseconds *run* has been running."""
        return (self.engine.clock.ns() - run.started) // 1_000_000

    def stop(self) -> None:
        """End the script that is running, whatever it has done: the server stops."""
        if self.current is not None:
            self.current.is_killed = True

    def kill(self, *, is_eval: bool) -> None:
        """What SCRIPT KILL, or FUNCTION KILL, does. Raises :class:`Error` if there is nothing that it may kill."""
        run = self.current
        if run is None:
            raise Error("NOTBUSY No scripts in execution right now.")
        if run.has_written:
            raise Error(
                "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait"
                " the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
            )
        if run.is_eval != is_eval:
            raise run.error()
        run.is_killed = True
