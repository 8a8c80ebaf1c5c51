"""The table ``redis``: what scripts call the engine by.

Errors are tables ``{err=…}``. ``redis.call`` raises them, ``redis.pcall`` returns them; and what a function of this
library finds wrong with its arguments is such a table too, not a text, so that it ends a script with its code alone
before the message.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from miniredis.engine.scripting.conversions import error_table, number_as_argument
from miniredis.lua.arguments import to_integer
from miniredis.lua.numbers import format_number
from miniredis.lua.operations import to_number
from miniredis.lua.positions import library_function
from miniredis.lua.values import LuaError, Table, Value
from miniredis.resp.types import OK, Error

if TYPE_CHECKING:
    from miniredis.engine.scripting.running import Run, Runner
    from miniredis.lua.runtime import State

logger = logging.getLogger("miniredis")

VERBOSE: Final = 15
LEVELS: Final = (logging.DEBUG, VERBOSE, logging.INFO, logging.WARNING)
"""Python's levels for Redis's, which are numbers from 0."""

PROPAGATE_AOF: Final = 1
PROPAGATE_REPL: Final = 2


def failure(message: str) -> LuaError:
    """What a function of the library raises."""
    return LuaError(error_table(b"ERR " + message.encode()))


class RedisLibrary:
    """The functions, as closures that *runner* has whose script runs now."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._engine = runner.engine
        self._is_valkey = runner.engine.version.is_valkey
        self._name = "server" if self._is_valkey else "redis"
        self._number_as_argument = number_as_argument(runner.engine.version)

    def table(self) -> Table:
        """All that functions and scripts have in common."""
        content: dict[Any, Value] = {
            b"call": self._caller(raises=True),
            b"pcall": self._caller(raises=False),
            **self.log_and_versions(),
            b"setresp": self._setresp(),
            b"sha1hex": sha1hex,
            b"error_reply": error_reply,
            b"status_reply": status_reply,
            b"set_repl": self._set_repl(),
            b"REPL_NONE": 0.0,
            b"REPL_AOF": float(PROPAGATE_AOF),
            b"REPL_SLAVE": float(PROPAGATE_REPL),
            b"REPL_REPLICA": float(PROPAGATE_REPL),
            b"REPL_ALL": float(PROPAGATE_AOF | PROPAGATE_REPL),
            b"acl_check_cmd": self._acl_check_cmd(),
        }
        return Table(content)

    @staticmethod
    def add_debugging(table: Table) -> None:
        """Add what only scripts have."""
        table.hash[b"breakpoint"] = breakpoint_
        table.hash[b"debug"] = debug
        table.hash[b"replicate_commands"] = replicate_commands

    def log_and_versions(self) -> dict[Any, Value]:
        """What the code of a function library has while it is loaded, too."""
        version = self._engine.version
        content: dict[Any, Value] = {
            b"log": self._log(),
            b"LOG_DEBUG": 0.0,
            b"LOG_VERBOSE": 1.0,
            b"LOG_NOTICE": 2.0,
            b"LOG_WARNING": 3.0,
            b"REDIS_VERSION_NUM": _version_number(version.redis),
            b"REDIS_VERSION": _version_text(version.redis),
        }
        if version.is_valkey:
            content[b"SERVER_NAME"] = b"valkey"
            content[b"VALKEY_VERSION_NUM"] = _version_number(version.number)
            content[b"VALKEY_VERSION"] = _version_text(version.number)
        return content

    def _current(self, function: str) -> Run:
        run = self._runner.current
        if run is None:
            raise failure(f"{self._name}.{function} can only be called inside a script invocation")
        return run

    # Commands

    def _caller(self, *, raises: bool) -> Callable[..., Value]:
        """``redis.call``, or ``redis.pcall``: with what an ordinary command needs at hand, and no more done for it.

        Everything else goes through :meth:`Runner.call`.
        """
        runner, engine = self._runner, self._engine
        session, converters = runner.session, runner.converters
        find, execute = engine.dispatch.get, engine.call

        @library_function
        def redis_call(*arguments: Value) -> Value:
            run = runner.current
            if run is None:
                raise failure(f"{self._name}.call/pcall can only be called inside a script invocation")
            argv: Any = [*arguments]
            for argument in argv:
                if argument.__class__ is not bytes:
                    argv = None
                    break
            if not argv:
                argv = self._arguments(arguments)
                if argv.__class__ is Table:
                    if raises:
                        raise LuaError(argv)
                    return argv
            state = find(argv[0])
            if state is None or engine.gate or session.user.is_restricted or run.reads_only or not run.replicates:
                return runner.call(run, argv, raises)
            command = state.command
            if command.noscript or not state.minimum <= len(argv) <= state.maximum:
                return runner.call(run, argv, raises)
            if command.is_write:
                run.has_written = True
            lua: State = runner.state  # type: ignore[assignment]
            # A stack that overflows in the middle of a command would leave half of it done.
            reply = lua.with_room(execute, session, state, argv) if lua.can_recurse else execute(session, state, argv)
            kind = reply.__class__
            if kind is bytes:
                return reply
            if kind is int:
                return float(reply)
            if reply is OK:
                return Table({b"ok": b"OK"})
            if raises and kind is Error:
                raise LuaError(error_table(reply.message, is_counted=True))
            return converters[session.protocol].convert(reply)

        return redis_call

    def _arguments(self, arguments: tuple[Value, ...]) -> list[bytes] | Table:
        """The words of a command; the table of an error if they cannot be those of any."""
        if not arguments:
            called = "call" if self._is_valkey else "redis lib call"
            return error_table(b"ERR Please specify at least one argument for this %b" % called.encode())
        convert = self._number_as_argument
        argv: list[bytes] = []
        for argument in arguments:
            if argument.__class__ is bytes:
                argv.append(argument)
            elif argument.__class__ is float:
                argv.append(convert(argument))
            else:
                begin = b"Command" if self._is_valkey else b"Lua redis lib command"
                return error_table(b"ERR %b arguments must be strings or integers" % begin)
        return argv

    def _acl_check_cmd(self) -> Callable[..., Value]:
        @library_function
        def acl_check_cmd(*arguments: Value) -> Value:
            run = self._current("acl_check_cmd")
            argv = self._arguments(arguments)
            if argv.__class__ is Table:
                raise LuaError(argv)
            allowed = self._runner.may_call(run, argv)  # type: ignore[arg-type]
            if allowed is None:
                raise failure(f"Invalid command passed to {self._name}.acl_check_cmd()")
            return allowed

        return acl_check_cmd

    # The run

    def _setresp(self) -> Callable[..., Value]:
        @library_function
        def setresp(*arguments: Value) -> Value:
            self._current("setresp")
            if len(arguments) != 1:
                raise failure(f"{self._name}.setresp() requires one argument.")
            protocol = to_integer(to_number(arguments[0]) or 0.0)
            if protocol not in (2, 3):
                raise failure("RESP version must be 2 or 3.")
            self._runner.session.protocol = protocol
            return ()

        return setresp

    def _set_repl(self) -> Callable[..., Value]:
        @library_function
        def set_repl(*arguments: Value) -> Value:
            run = self._current("set_repl")
            if len(arguments) != 1:
                wanted = "one argument" if self._is_valkey else "two arguments"
                raise failure(f"{self._name}.set_repl() requires {wanted}.")
            flags = to_integer(to_number(arguments[0]) or 0.0)
            if flags & ~(PROPAGATE_AOF | PROPAGATE_REPL):
                raise failure("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
            run.replicates = bool(flags & PROPAGATE_REPL)
            return ()

        return set_repl

    def _log(self) -> Callable[..., Value]:
        @library_function
        def log(*arguments: Value) -> Value:
            if len(arguments) < 2:
                raise failure(f"{self._name}.log() requires two arguments or more.")
            number = to_number(arguments[0])
            if number is None:
                raise failure("First argument must be a number (log level).")
            level = to_integer(number)
            if not 0 <= level < len(LEVELS):
                raise failure(f"Invalid {'log' if self._is_valkey else 'debug'} level.")
            words = [_text(argument) for argument in arguments[1:] if argument.__class__ in (bytes, float)]
            logger.log(LEVELS[level], "%s", b" ".join(words).decode(errors="replace"))
            return ()

        return log


@library_function
def sha1hex(*arguments: Value) -> Value:
    """``redis.sha1hex``."""
    if len(arguments) != 1:
        raise failure("wrong number of arguments")
    text = _text(arguments[0]) if arguments[0].__class__ in (bytes, float) else b""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


@library_function
def error_reply(*arguments: Value) -> Value:
    """``redis.error_reply``."""
    if len(arguments) != 1 or arguments[0].__class__ is not bytes:
        return error_table(b"ERR wrong number or type of arguments")
    return error_table(arguments[0].removeprefix(b"-"))


@library_function
def status_reply(*arguments: Value) -> Value:
    """``redis.status_reply``."""
    if len(arguments) != 1 or arguments[0].__class__ is not bytes:
        return error_table(b"ERR wrong number or type of arguments")
    return Table({b"ok": arguments[0]})


@library_function
def breakpoint_(*_: Value) -> Value:
    """``redis.breakpoint``: whether there is a debugger."""
    return False


@library_function
def debug(*_: Value) -> Value:
    """``redis.debug``: a line for the debugger, if there is one."""
    return ()


@library_function
def replicate_commands(*_: Value) -> Value:
    """``redis.replicate_commands``: what it asks for has been so since Redis 7."""
    return True


def _text(value: Value) -> bytes:
    return value if value.__class__ is bytes else format_number(value)


def _version_number(version: tuple[int, int, int]) -> float:
    major, minor, patch = version
    return float(major << 16 | minor << 8 | patch)


def _version_text(version: tuple[int, int, int]) -> bytes:
    return b"%d.%d.%d" % version
