"""The part of the library ``io`` that a filter needs: the three standard streams, and no other file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from miniredis.lua.arguments import argument_error, check_number, check_string, to_integer, type_error
from miniredis.lua.library_table import library_table
from miniredis.lua.numbers import parse_number
from miniredis.lua.positions import library_function
from miniredis.lua.runtime import State
from miniredis.lua.values import MISSING, Table, Userdata, Value

ORDER: Final = "lines read type write"
METHODS: Final = "flush lines read write"


def open_io_library(state: State) -> Table:
    """Put the library among the globals of *state*."""
    files: dict[Userdata, BinaryIO] = {}
    meta = Table({})
    streams = {"stdin": sys.stdin.buffer, "stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    handles = {name: Userdata(meta) for name in streams}
    files.update((handles[name], stream) for name, stream in streams.items())

    def on_file(function: Callable[..., Value]) -> Callable[..., Value]:
        def method(file: Value = MISSING, *arguments: Value) -> Value:
            if file.__class__ is not Userdata or file not in files:
                raise type_error(1, file, "FILE*")
            return function(file, *arguments)

        return library_function(method)

    def on_stream(name: str, function: Callable[..., Value]) -> Callable[..., Value]:
        def call(*arguments: Value) -> Value:
            return function(handles[name], *arguments)

        return library_function(call)

    def write(file: Userdata, *values: Value) -> Value:
        for number, value in enumerate(values, 1):
            files[file].write(check_string(number, value))
        files[file].flush()
        return True

    def read(file: Userdata, *formats: Value) -> Value:
        found: list[Value] = []
        for number, wanted in enumerate(formats or (b"*l",), 1):
            found.append(_read(files[file], number, wanted))
            if found[-1] is None:
                break
        return tuple(found)

    def lines(file: Userdata, *_: Value) -> Value:
        def following(*_: Value) -> Value:
            return _read(files[file], 1, b"*l")

        return library_function(following)

    def flush(file: Userdata, *_: Value) -> Value:
        files[file].flush()
        return True

    def type_(value: Value = MISSING, *_: Value) -> Value:
        return b"file" if value.__class__ is Userdata and value in files else None

    methods = {"flush": on_file(flush), "lines": on_file(lines), "read": on_file(read), "write": on_file(write)}
    meta.hash[b"__index"] = library_table(methods, METHODS)
    functions = {
        "lines": on_stream("stdin", lines),
        "read": on_stream("stdin", read),
        "type": type_,
        "write": on_stream("stdout", write),
    }
    library = library_table(functions, ORDER, *handles.items())
    state.globals.hash[b"io"] = library
    return library


def _read(stream: Any, number: int, wanted: Value) -> Value:
    """What ``read`` gives for one format; None at the end."""
    if wanted.__class__ is float:
        count = to_integer(check_number(number, wanted))
        data: bytes = stream.read(count)
        return data if data or (not count and stream.peek(1)) else None
    match check_string(number, wanted)[:2]:
        case b"*l":
            line: bytes = stream.readline()
            return line.removesuffix(b"\n") if line else None
        case b"*a":
            return stream.read()
        case b"*n":
            return parse_number(_number_text(stream))
    raise argument_error(number, "invalid format")


def _number_text(stream: Any) -> bytes:
    """What looks like a number at the present place, blanks before it left out; what follows stays unread."""
    while stream.peek(1)[:1].isspace():
        stream.read(1)
    text = bytearray()
    while (byte := stream.peek(1)[:1]) and byte in b"+-.0123456789abcdefxABCDEFX":
        text += stream.read(1)
    return bytes(text)
