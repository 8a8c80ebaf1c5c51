"""``getfenv`` and ``setfenv``: the globals that a function sees, which in Lua 5.1 are its own business.

Servers do not let scripts have these, so that only chunks of a state with ``has_environments`` are compiled for them:
there each function has a parameter that nobody passes, a list with its globals in it, which it has from its maker.
"""

from __future__ import annotations

import sys
from types import FrameType, FunctionType

from miniredis.lua.arguments import argument_error, check_int, check_table, library_error
from miniredis.lua.positions import CHUNK, levels, library_function
from miniredis.lua.runtime import State
from miniredis.lua.tail_calls import code_of
from miniredis.lua.values import MISSING, Table, Value


def open_environments(state: State) -> None:
    """Put both functions among the globals of *state*, whose chunks are compiled for them from now on."""
    state.has_environments = True

    @library_function
    def getfenv(function: Value = MISSING, *_: Value) -> Value:
        level = _level(function)
        if level == 0:
            return state.globals
        holder = _holder_of_function(function) if level is None else _holder_at(level)
        return state.globals if holder is None else holder[0]

    @library_function
    def setfenv(function: Value = MISSING, environment: Value = MISSING, *_: Value) -> Value:
        table = check_table(2, environment)
        level = _level(function)
        if level == 0:
            state.globals = table
            return ()
        holder = _holder_of_function(function) if level is None else _holder_at(level)
        if holder is None:
            raise library_error("'setfenv' cannot change environment of given object")
        holder[0] = table
        return function if level is None else _function_at(level)

    state.globals.hash[b"getfenv"] = getfenv
    state.globals.hash[b"setfenv"] = setfenv


def _level(function: Value) -> int | None:
    """The level of the stack that is meant; None if a function was given."""
    if function.__class__ is FunctionType:
        return None
    level = check_int(1, function, 1)
    if level < 0:
        raise argument_error(1, "level must be non-negative")
    return level


def _holder_of_function(function: Value) -> list[Table] | None:
    """What holds the globals of *function*; None for a function of a library."""
    defaults = code_of(function).__kwdefaults__
    return defaults.get("fenv") if defaults else None


def _frame_at(level: int) -> FrameType:
    for number, frame in enumerate(levels(sys._getframe(1))):
        if number == level:
            if frame is None:
                raise library_error(f"no function environment for tail call at level {level}")
            return frame
    raise argument_error(1, "invalid level")


def _holder_at(level: int) -> list[Table] | None:
    frame = _frame_at(level)
    return frame.f_locals.get("fenv") if CHUNK in frame.f_globals else None


def _function_at(level: int) -> Value:
    """The function that runs at that level, found as what its caller has called."""
    frame = _frame_at(level)
    holder = frame.f_locals.get("fenv")
    caller: FrameType | None = frame.f_back
    while caller is not None:
        for value in caller.f_locals.values():
            if value.__class__ is FunctionType and _holder_of_function(value) is holder:
                return value
        caller = caller.f_back
    return None
