"""The world that scripts live in: the globals that Redis leaves them, none of which they can change.

One script's globals must not leak into the next. So every table that can be reached from the globals is read-only,
their metatables included; reading a global that is not there is an error, and so a misspelt ``local`` is one as well.
What a server does not have here it had once (``setfenv``), or has in Lua alone (``print``, ``os``, ``debug``).
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import TYPE_CHECKING, Any, Final

from miniredis.engine.scripting.conversions import error_table
from miniredis.engine.scripting.redis_library import RedisLibrary
from miniredis.lua.arguments import library_error
from miniredis.lua.base_library import open_base_library, plain_text, protected_call
from miniredis.lua.bit import open_bit_library
from miniredis.lua.cjson import open_cjson_library
from miniredis.lua.cmsgpack import open_cmsgpack_library
from miniredis.lua.math_library import open_math_library
from miniredis.lua.numbers import format_number
from miniredis.lua.positions import caller_of_library, library_function
from miniredis.lua.runtime import State
from miniredis.lua.string_library import open_string_library
from miniredis.lua.struct_library import open_struct_library
from miniredis.lua.table_library import open_table_library
from miniredis.lua.values import MISSING, LuaError, ReadOnlyTable, Table, Value

if TYPE_CHECKING:
    from miniredis.engine.scripting.running import Runner

GLOBALS: Final = frozenset(
    b"_G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable ipairs load loadstring "
    b"math next pairs pcall rawequal rawget rawset select setmetatable string struct table tonumber tostring type "
    b"unpack xpcall".split()
)
"""What of Lua and of Redis's own libraries scripts may use."""

REGISTERED: Final = (
    b"_G assert collectgarbage dofile error gcinfo getfenv getmetatable loadfile load loadstring next pcall print "
    b"rawequal rawget rawset select setfenv setmetatable tonumber tostring type unpack xpcall _VERSION ipairs pairs "
    b"newproxy coroutine table string math debug os cjson struct cmsgpack bit"
).split()
"""The order in which the libraries come upon their globals. Those that scripts may not use have a place as well, which
``pairs`` shows by the order of the others. (Valkey has another order.)"""


def new_state(runner: Runner) -> State:
    """A state with the libraries, nothing in it protected yet. ``redis`` is the caller's to add."""
    state = State()
    open_base_library(state)
    open_string_library(state)
    open_table_library(state)
    open_math_library(state, lambda: runner.random)
    for open_library in (open_cjson_library, open_struct_library, open_cmsgpack_library, open_bit_library):
        open_library(state)
    given = {name: value for name, value in state.globals.hash.items() if name in GLOBALS}
    given[b"pcall"] = _pcall(state)
    if runner.engine.version.redis >= (7, 4) or runner.engine.version.is_valkey:
        given[b"os"] = Table({b"clock": clock})
    _put_in_order(state.globals, given)
    state.interrupt = runner.interrupt
    state.has_fixed_globals = True
    return state


def _put_in_order(table: Table, given: dict[Any, Value]) -> None:
    """Let *table* hold what is *given*, as if it had come by it in the order of a real server."""
    table.refill({}, 0)
    table.sizes = (0, 2)
    for name in REGISTERED:
        if name in given or name == b"debug":
            table.hash[name] = given.get(name, False)
        elif name != b"os":  # an older server does not come upon that at all
            table.remove(name)


def script_state(runner: Runner) -> State:
    """The state of EVAL."""
    state = new_state(runner)
    library = RedisLibrary(runner)
    table = library.table()
    library.add_debugging(table)
    add_redis(state, runner, table)
    handler = state.globals.hash[b"__redis__err__handler"] = error_handler(state)
    if runner.engine.version.is_valkey:
        state.globals.hash[b"__server__err__handler"] = handler
    state.globals.meta = missing_is_error()
    protect(state.globals, state.string_metatable)
    return state


def add_redis(state: State, runner: Runner, table: Table) -> None:
    """Put ``redis`` among the globals, which Valkey calls ``server`` as well. Then they are complete."""
    state.globals.hash[b"redis"] = table
    if runner.engine.version.is_valkey:
        state.globals.hash[b"server"] = table
    state.globals.remove(b"debug")  # which Redis has used for its own error handler


def protect(*tables: Table | None) -> None:
    """Make *tables* read-only, with all that can be reached from them."""
    unprotected = [table for table in tables if table is not None]
    while unprotected:
        table = unprotected.pop()
        if table.__class__ is ReadOnlyTable:
            continue
        table.__class__ = ReadOnlyTable
        unprotected += [value for value in table.hash.values() if isinstance(value, Table)]
        if table.meta is not None:
            unprotected.append(table.meta)


def missing_is_error() -> Table:
    """A metatable by which reading what is not there is an error."""
    return Table({b"__index": _missing_global})


@library_function
def _missing_global(_: Value = MISSING, name: Value = MISSING, *rest: Value) -> Value:
    if name is MISSING or rest:
        raise library_error("Wrong number of arguments to luaProtectedTableError")
    if name.__class__ not in (bytes, float):
        raise library_error("Second argument to luaProtectedTableError must be a string or number")
    text = format_number(name) if isinstance(name, float) else bytes(name)
    raise library_error(b"Script attempted to access nonexistent global variable '%b'" % text.partition(b"\0")[0])


def _pcall(state: State) -> Callable[..., Value]:
    """``pcall`` as scripts knew it before errors were tables: it gives the text of one that has a text."""

    @library_function
    def pcall(*arguments: Value) -> Value:
        if not arguments:
            return (False, b"attempt to call a boolean value")  # what Redis has put on the stack for the result
        values = protected_call(state, *arguments)
        if values[0] is False and isinstance(values[1], Table):
            text = state.operations.index(values[1], b"err")
            return (False, text) if text.__class__ in (bytes, float) else (False, values[1], text)
        return values

    return pcall


def error_handler(state: State) -> Callable[..., Value]:
    """What Redis has every error go through: a table with the place in it. Scripts can call it as well."""

    @library_function
    def handler(error: Value = MISSING, *_: Value) -> Value:
        table = error if isinstance(error, Table) else error_table(b"ERR " + value_text(error))
        place = caller_of_library()
        if place is not None:
            write_place(state, table, place)
        return table

    return handler


def write_place(state: State, error: Table, place: tuple[bytes, float]) -> None:
    """Say in the table of an error where it comes from, as a function of Lua's does it in Redis."""
    if error.__class__ is ReadOnlyTable:
        raise LuaError(b"err_handler_def:10: Attempt to modify a readonly table")
    for field, value in zip((b"source", b"line"), place, strict=True):
        state.operations.set_index(error, field, value)


@library_function
def clock(*_: Value) -> Value:
    """``os.clock``."""
    return process_time()


def value_text(value: Value) -> bytes:
    """``tostring``, but for metatables."""
    if value is MISSING:
        return b"nil"
    return format_number(value) if value.__class__ is float else plain_text(value)


def described(table: Table, state: State, field: bytes) -> Value:
    """``table[field]`` if it is a text or a number, as text; else None, also where a metatable makes an error of it."""
    value: Any = table.hash.get(field)
    if value is None and table.meta is not None:
        try:
            value = state.run(state.operations.index, (table, field))
        except LuaError:
            return None
    if value.__class__ is float:
        return format_number(value)
    return value if value.__class__ is bytes else None
