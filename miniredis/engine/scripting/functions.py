"""Functions: libraries of them, loaded once, kept and replicated with the dataset, called by name.

A library is code that registers functions when it is loaded; all it sees meanwhile is ``redis.register_function`` and
the log. Loading is all or nothing. Names of functions are unique among all libraries, and their case does not matter
where they are called; that of libraries' names does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from miniredis.engine.scripting.conversions import array_content
from miniredis.engine.scripting.flags import ENGINE_NAME, FLAGS, ScriptFlags, line_end
from miniredis.engine.scripting.redis_library import RedisLibrary, failure
from miniredis.engine.scripting.running import Run, Runner, ScriptStopped
from miniredis.engine.scripting.sandbox import add_redis, described, missing_is_error, new_state, protect, value_text
from miniredis.lua.numbers import format_number
from miniredis.lua.positions import library_function
from miniredis.lua.runtime import namespace_of, set_environment
from miniredis.lua.traversal import pairs_of
from miniredis.lua.values import LuaError, Table, Value
from miniredis.resp.inline import split_arguments
from miniredis.resp.types import Error, Reply

if TYPE_CHECKING:
    from miniredis.engine.session import Session

LOAD_TIMEOUT: Final = 500_000_000
"""Nanoseconds that the code of a library may take to register its functions."""

_NAME: Final = re.compile(rb"[a-zA-Z0-9_]+")
_BAD_NAME: Final = "names can only contain letters, numbers, or underscores(_) and must be at least one character long"


@dataclass(frozen=True, slots=True)
class Function:
    """One function. *flag_names* are those of ``flags`` as they were given."""

    name: bytes
    callback: Value
    description: bytes | None
    flag_names: frozenset[bytes]
    flags: ScriptFlags


@dataclass(slots=True)
class Library:
    """A library, with its *code* as it was loaded, its first line included."""

    name: bytes
    code: bytes
    functions: dict[bytes, Function] = field(default_factory=dict)


class FunctionLibraries:
    """The libraries of one engine, and the state that their functions run in."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._is_valkey = runner.engine.version.is_valkey
        self.libraries: dict[bytes, Library] = {}
        self._functions: dict[bytes, Function] = {}
        self._loading: Library | None = None
        self._run = Run(is_eval=False)
        self._new_state()

    def _new_state(self) -> None:
        library = RedisLibrary(self._runner)
        self.state = new_state(self._runner)
        add_redis(self.state, self._runner, library.table())
        self.state.globals.meta = missing_is_error()
        api = Table({**library.log_and_versions(), b"register_function": self._register_function()})
        api.meta = missing_is_error()
        self._globals_while_loading = Table({b"redis": api})
        if self._is_valkey:
            self._globals_while_loading.hash[b"server"] = api
        self._globals_while_loading.meta = missing_is_error()
        protect(self.state.globals, self.state.string_metatable, self._globals_while_loading)

    @property
    def function_count(self) -> int:
        """How many functions there are in all libraries, those included whose names differ by case alone."""
        return sum(len(library.functions) for library in self.libraries.values())

    def find(self, name: bytes) -> Function | None:
        """The function called *name*, in whatever case."""
        return self._functions.get(name.lower())

    def run(self, caller: Session, argv: list[bytes], function: Function, keys: int, *, reads_only: bool) -> Reply:
        """Run *function* for *caller*, whose command is *argv*, with so many *keys*. Raises :class:`Error`."""
        runner = self._runner
        runner.check(function.flags, reads_only=reads_only)
        run = self._run
        run.begin(caller, argv, function.name, function.flags, reads_only, runner.engine.clock.ns())
        first = 3 + keys
        names = Table(array_content(argv[3:first]), keys)
        arguments = Table(array_content(argv[first:]), len(argv) - first)
        return runner.run(run, self.state, function.callback, (names, arguments))

    # Changes

    def flush(self) -> None:
        """Forget all libraries; those to come run in a new state."""
        self.libraries.clear()
        self._functions.clear()
        self._new_state()

    def delete(self, name: bytes) -> None:
        """Forget one library. Raises :class:`Error` if there is no such library."""
        library = self.libraries.get(name)
        if library is None:
            raise Error("ERR Library not found")
        self._unlink(library)

    def load(self, code: bytes, *, replace: bool = False) -> bytes:
        """Load a library, in place of the one with its name if *replace* is set: its name. Raises :class:`Error`."""
        name, begin = _read_header(code)
        old = self.libraries.get(name)
        if old is not None and not replace:
            raise Error(b"ERR Library '%b' already exists" % name)
        library = self._run_code(Library(name, code), begin)
        self._join([library], [] if old is None else [old])
        return name

    def restore(self, codes: Iterable[bytes], *, replace: bool, flush: bool) -> None:
        """Load several libraries, or none if one of them is refused. Raises :class:`Error`.

        Those that are there already stay, but for those of the same names if *replace* is set, or all if *flush* is.
        """
        libraries: dict[bytes, Library] = {}
        for code in codes:
            name, begin = _read_header(code)
            if name in libraries:
                raise Error(b"ERR Library '%b' already exists" % name)
            libraries[name] = self._run_code(Library(name, code), begin)
        old = [library for library in self.libraries.values() if flush or library.name in libraries]
        if old and not flush and not replace:
            raise Error(b"ERR Library %b already exists" % old[0].name)
        self._join(list(libraries.values()), old)

    def _join(self, new: list[Library], old: list[Library]) -> None:
        """Put the *new* libraries in place of the *old* ones, unless a function is in any other library already."""
        leaving = {name.lower() for library in old for name in library.functions}
        taken = self._functions.keys() - leaving
        for library in new:
            for name in library.functions:
                if name.lower() in taken:
                    raise Error(b"ERR Function %b already exists" % name)
            taken |= {name.lower() for name in library.functions}
        for library in old:
            self._unlink(library)
        for library in new:
            self.libraries[library.name] = library
            for function in library.functions.values():
                self._functions.setdefault(function.name.lower(), function)

    def _unlink(self, library: Library) -> None:
        del self.libraries[library.name]
        for name in library.functions:
            self._functions.pop(name.lower(), None)

    # Loading

    def _run_code(self, library: Library, begin: int) -> Library:
        """Have the code of *library* register its functions. Raises :class:`Error`."""
        state, runner = self.state, self._runner
        try:
            chunk = state.compile(library.code[begin:], b"@user_function")
        except LuaError as error:
            raise Error(b"ERR Error compiling function: " + error.value) from None
        function = state.instantiate(chunk, self._globals_while_loading)
        runner.deadline = runner.engine.clock.ns() + LOAD_TIMEOUT
        self._loading = library
        try:
            state.run(function)
        except LuaError as error:
            raise _loading_error(self._message(error.value)) from None
        except RegistrationError as error:
            raise Error(error.message) from None
        except ScriptStopped as stopped:
            raise _loading_error(stopped.message) from None
        finally:
            self._loading = None
            runner.deadline = None
            set_environment(namespace_of(function), state.globals)
        if not library.functions:
            raise Error("ERR No functions registered")
        return library

    def _message(self, value: Value) -> bytes:
        if not isinstance(value, Table):
            return b"ERR " + value_text(value)
        text: bytes | None = described(value, self.state, b"err")
        return b"ERR unknown error" if text is None else text

    def _register_function(self) -> Value:
        name = "server" if self._is_valkey else "redis"

        @library_function
        def register_function(*arguments: Value) -> Value:
            library = self._loading
            if library is None:
                raise failure(f"{name}.register_function can only be called on FUNCTION LOAD command")
            if len(arguments) == 1:
                given = _named_arguments(arguments[0], name)
            elif len(arguments) == 2:
                given = _positional_arguments(arguments, name)
            else:
                raise failure(f"wrong number of arguments to {name}.register_function")
            self._register(library, **given)
            return ()

        return register_function

    def _register(
        self,
        library: Library,
        name: bytes,
        callback: Value,
        description: bytes | None = None,
        flags: frozenset[bytes] = frozenset(),
    ) -> None:
        if not _NAME.fullmatch(name):
            raise self._registering_error(f"{'Function' if self._is_valkey else 'Library'} {_BAD_NAME}")
        if name in library.functions:
            raise self._registering_error("Function already exists in the library")
        library.functions[name] = Function(name, callback, description, flags, ScriptFlags.from_names(flags))

    def _registering_error(self, message: str) -> Exception:
        """Valkey ends the loading by itself, so that the code has no say in it."""
        return RegistrationError(message) if self._is_valkey else failure(message)


class RegistrationError(ScriptStopped):
    """A function that cannot be registered."""

    def __init__(self, message: str) -> None:
        super().__init__(b"ERR " + message.encode())


def _loading_error(message: bytes) -> Error:
    return Error((b"ERR Error registering functions: " + message).translate(bytes.maketrans(b"\r\n", b"  ")))


def _read_header(code: bytes) -> tuple[bytes, int]:
    """The name of a library, and where its code begins. Raises :class:`Error`."""
    if not code.startswith(b"#!"):
        raise Error("ERR Missing library metadata")
    end = line_end(code)
    words = split_arguments(code[:end]) if end >= 0 else None
    if not words:
        raise Error("ERR Invalid library metadata")
    name: bytes | None = None
    for word in words[1:]:
        if word[:5].lower() != b"name=":
            raise Error(b"ERR Invalid metadata value given: " + word)
        if name is not None:
            raise Error("ERR Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        raise Error("ERR Library name was not given")
    if not _NAME.fullmatch(name):
        raise Error(f"ERR Library {_BAD_NAME}")
    if words[0][2:].upper() != ENGINE_NAME:
        raise Error(b"ERR Engine '%b' not found" % words[0][2:])
    return name, end


def _positional_arguments(arguments: tuple[Value, ...], name: str) -> dict[str, Any]:
    function_name, callback = arguments
    text = _text(function_name)
    if text is None:
        raise failure(f"first argument to {name}.register_function must be a string")
    if callback.__class__ is not FunctionType:
        raise failure(f"second argument to {name}.register_function must be a function")
    return {"name": text, "callback": callback}


def _named_arguments(given: Value, name: str) -> dict[str, Any]:
    register = f"{name}.register_function"
    if not isinstance(given, Table):
        raise failure(
            f"calling {register} with a single argument is only applicable to Lua table (representing named arguments)."
        )
    found: dict[str, Any] = {}
    for key, value in pairs_of(given):
        argument = _text(key)
        if argument is None:
            raise failure(f"named argument key given to {register} is not a string")
        match argument.lower():
            case b"function_name":
                if (text := _text(value)) is None:
                    raise failure(f"function_name argument given to {register} must be a string")
                found["name"] = text
            case b"description":
                if (text := _text(value)) is None:
                    raise failure(f"description argument given to {register} must be a string")
                found["description"] = text
            case b"callback":
                if value.__class__ is not FunctionType:
                    raise failure(f"callback argument given to {register} must be a function")
                found["callback"] = value
            case b"flags":
                if not isinstance(value, Table):
                    raise failure(f"flags argument to {register} must be a table representing function flags")
                found["flags"] = _flags(value)
            case _:
                raise failure(f"unknown argument given to {register}")
    if "name" not in found:
        raise failure(f"{register} must get a function name argument")
    if "callback" not in found:
        raise failure(f"{register} must get a callback argument")
    return found


def _flags(given: Table) -> frozenset[bytes]:
    flags: set[bytes] = set()
    index = 1.0
    while (name := given.hash.get(index)) is not None:
        text = _text(name)
        if text is None or text.lower() not in FLAGS:
            raise failure("unknown flag given")
        flags.add(text.lower())
        index += 1.0
    return frozenset(flags)


def _text(value: Value) -> bytes | None:
    """A text, or a number as text; None for anything else."""
    if value.__class__ is float:
        return format_number(value)
    return value if value.__class__ is bytes else None
