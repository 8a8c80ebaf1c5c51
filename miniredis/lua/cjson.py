"""The library ``cjson`` (lua-cjson 2.1.0): values of Lua as JSON and back.

JSON is read as C reads a string: a NUL ends it. What is wrong with it is told with the position, counted in bytes from
1. How deep tables may lie within each other is limited by an option, and by the stack, which has room for 8000 values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

from miniredis.lua.arguments import MAXIMUM_STACK, argument_error, check_integer, check_string, library_error
from miniredis.lua.numbers import parse_number
from miniredis.lua.positions import library_function
from miniredis.lua.runtime import State
from miniredis.lua.traversal import is_sequence, pairs_of
from miniredis.lua.values import NULL, LightUserdata, Table, Value, type_name

MAXIMUM_INT: Final = 0x7FFFFFFF
MAXIMUM_PRECISION: Final = 14

_ESCAPED: Final = re.compile(rb'["\\/\x00-\x1f\x7f]')
_LETTERS: Final = dict(zip(b'"\\/btnfr', b'"\\/\b\t\n\f\r', strict=True))
"""The letter behind a backslash → the byte that it stands for."""
_ESCAPES: Final = {
    **{bytes((byte,)): b"\\u%04x" % byte for byte in (*range(32), 127)},
    **{bytes((byte,)): bytes((ord("\\"), letter)) for letter, byte in _LETTERS.items()},
}

_SPACE: Final = re.compile(rb"[ \t\n\r]*")
_PLAIN: Final = re.compile(rb'[^"\\\x00]*')
_HEXADECIMAL: Final = re.compile(rb"[0-9a-fA-F]{4}")
_NUMBER: Final = re.compile(
    rb"[+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?"
    rb"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    rb"|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN](?:\([A-Za-z0-9_]*\))?)"
)
_NO_JSON_NUMBER: Final = re.compile(rb"\+|-?(?:0[0-9xX]|[iI][nN][fF]|[nN][aA][nN])")
_MARKS: Final = {
    ord("{"): "T_OBJ_BEGIN",
    ord("}"): "T_OBJ_END",
    ord("["): "T_ARR_BEGIN",
    ord("]"): "T_ARR_END",
    ord(","): "T_COMMA",
    ord(":"): "T_COLON",
}
_WORDS: Final[tuple[tuple[bytes, str, Value], ...]] = (
    (b"true", "T_BOOLEAN", True),
    (b"false", "T_BOOLEAN", False),
    (b"null", "T_NULL", NULL),
)
_OF_WORDS_AND_NUMBERS: Final = frozenset(b"fiInNt+-0123456789")
_OF_NUMBERS: Final = frozenset(b"-0123456789")

OFF_AND_ON: Final = ("off", "on")
INVALID_NUMBERS: Final = ("off", "on", "null")


@dataclass(slots=True)
class Options:
    """What can be set of one module; the numbers of ``off``, ``on`` and ``null`` are 0, 1 and 2."""

    encode_sparse_convert: int = 0
    encode_sparse_ratio: int = 2
    encode_sparse_safe: int = 10
    encode_max_depth: int = 1000
    encode_invalid_numbers: int = 0
    encode_number_precision: int = 14
    encode_keep_buffer: int = 1
    decode_invalid_numbers: int = 1
    decode_max_depth: int = 1000


def open_cjson_library(state: State) -> Table:
    """Put the library among the globals of *state*."""
    library = new_module()
    state.globals.hash[b"cjson"] = library
    return library


def new_module() -> Table:
    """A module with options of its own."""
    options = Options()

    def encode(*arguments: Value) -> Value:
        if len(arguments) != 1:
            raise argument_error(1, "expected 1 argument")
        return _Encoder(options).encode(arguments[0])

    def decode(*arguments: Value) -> Value:
        if len(arguments) != 1:
            raise argument_error(1, "expected 1 argument")
        return _Decoder(options, check_string(1, arguments[0])).decode()

    def encode_sparse_array(*arguments: Value) -> Value:
        convert, ratio, safe = _at_most(3, arguments)
        return (
            _choose(options, "encode_sparse_convert", 1, convert, OFF_AND_ON),
            _set_integer(options, "encode_sparse_ratio", 2, ratio, 0, MAXIMUM_INT),
            _set_integer(options, "encode_sparse_safe", 3, safe, 0, MAXIMUM_INT),
        )

    def encode_max_depth(*arguments: Value) -> Value:
        return _set_integer(options, "encode_max_depth", 1, _only(arguments), 1, MAXIMUM_INT)

    def decode_max_depth(*arguments: Value) -> Value:
        return _set_integer(options, "decode_max_depth", 1, _only(arguments), 1, MAXIMUM_INT)

    def encode_number_precision(*arguments: Value) -> Value:
        return _set_integer(options, "encode_number_precision", 1, _only(arguments), 1, MAXIMUM_PRECISION)

    def encode_keep_buffer(*arguments: Value) -> Value:
        return _choose(options, "encode_keep_buffer", 1, _only(arguments), OFF_AND_ON)

    def encode_invalid_numbers(*arguments: Value) -> Value:
        return _choose(options, "encode_invalid_numbers", 1, _only(arguments), INVALID_NUMBERS)

    def decode_invalid_numbers(*arguments: Value) -> Value:
        return _choose(options, "decode_invalid_numbers", 1, _only(arguments), OFF_AND_ON)

    def new(*_: Value) -> Value:
        return new_module()

    functions = (
        *(encode, decode, encode_sparse_array, encode_max_depth, decode_max_depth, encode_number_precision),
        *(encode_keep_buffer, encode_invalid_numbers, decode_invalid_numbers, new),
    )
    content: dict[Any, Value] = {function.__name__.encode(): library_function(function) for function in functions}
    return Table({**content, b"null": NULL, b"_NAME": b"cjson", b"_VERSION": b"2.1.0"})


# Options


def _only(arguments: tuple[Value, ...]) -> Value:
    return _at_most(1, arguments)[0]


def _at_most(count: int, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    """So many arguments, nil where there are none."""
    if len(arguments) > count:
        raise argument_error(count + 1, "found too many arguments")
    return (*arguments, *[None] * (count - len(arguments)))


def _set_integer(options: Options, name: str, number: int, value: Value, least: int, most: int) -> Value:
    """Set an option unless *value* is nil; what it is now."""
    if value is not None:
        given = (check_integer(number, value) + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        if not least <= given <= most:
            raise argument_error(1, f"expected integer between {least} and {most}")
        setattr(options, name, given)
    return float(getattr(options, name))


def _choose(options: Options, name: str, number: int, value: Value, names: tuple[str, ...]) -> Value:
    """Set an option by a boolean or a name unless *value* is nil; what it is now."""
    if value.__class__ is bool:
        setattr(options, name, int(value))
    elif value is not None:
        chosen = check_string(number, value).partition(b"\0")[0].decode("latin-1")
        if chosen not in names:
            raise argument_error(number, f"invalid option '{chosen}'")
        setattr(options, name, names.index(chosen))
    setting: int = getattr(options, name)
    return bool(setting) if setting < 2 else names[setting].encode()


# Encoding


class _Encoder:
    """One run of ``encode``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._parts: list[bytes] = []
        self._format = b"%%.%dg" % options.encode_number_precision

    def encode(self, value: Value) -> bytes:
        """The JSON of *value*."""
        self._append(value, 0, 1)
        return b"".join(self._parts)

    def _append(self, value: Value, depth: int, stack: int) -> None:
        """Write *value*, which lies in so many tables; the *stack* has so many values on it."""
        if value.__class__ is bytes:
            self._parts.append(_quoted(value))
        elif value.__class__ is float:
            self._parts.append(self._number(value))
        elif value.__class__ is bool:
            self._parts.append(b"true" if value else b"false")
        elif isinstance(value, Table):
            depth += 1
            if depth > self._options.encode_max_depth or stack + 3 > MAXIMUM_STACK:
                raise library_error(f"Cannot serialise, excessive nesting ({depth})")
            elements = self._count_elements(value)
            if elements > 0:
                self._array(value, elements, depth, stack)
            else:
                self._object(value, depth, stack)
        elif value is None or (isinstance(value, LightUserdata) and not value.bits):
            self._parts.append(b"null")
        else:
            self._refuse(value, "type not supported")

    def _array(self, table: Table, elements: int, depth: int, stack: int) -> None:
        parts, get = self._parts, table.hash.get
        parts.append(b"[")
        for index in range(1, elements + 1):
            if index > 1:
                parts.append(b",")
            self._append(get(float(index)), depth, stack + 1)
        parts.append(b"]")

    def _object(self, table: Table, depth: int, stack: int) -> None:
        parts = self._parts
        separator = b"{"
        for key, value in pairs_of(table):
            if key.__class__ is bytes:
                parts.append(separator + _quoted(key) + b":")
            elif key.__class__ is float:
                parts.append(b'%b"%b":' % (separator, self._number(key)))
            else:
                self._refuse(key, "table key must be a number or string")
            separator = b","
            self._append(value, depth, stack + 2)
        parts.append(b"}" if separator == b"," else b"{}")

    def _count_elements(self, table: Table) -> int:
        """How many elements to write of a table that is an array; nothing positive for one that is an object."""
        if table.layout is None and is_sequence(table):
            return len(table.hash)
        most = count = 0
        for key in table.hash if self._keys_fit(table) else (key for key, _ in pairs_of(table)):
            if key.__class__ is not float or key < 1.0 or key % 1.0:
                return -1
            if key > most:
                # As a C int: what does not fit is the smallest of them.
                most = int(key) if key <= MAXIMUM_INT else -MAXIMUM_INT - 1
            count += 1
        options = self._options
        ratio = options.encode_sparse_ratio
        if ratio > 0 and most > count * ratio and most > options.encode_sparse_safe:
            if not options.encode_sparse_convert:
                self._refuse(table, "excessively sparse array")
            return -1
        return most

    @staticmethod
    def _keys_fit(table: Table) -> bool:
        """Whether the order of the keys does not matter for the largest of them."""
        return all(key.__class__ is not float or key <= MAXIMUM_INT for key in table.hash)

    def _number(self, number: float) -> bytes:
        if number - number == 0.0:
            return self._format % number
        match self._options.encode_invalid_numbers:
            case 0:
                self._refuse(number, "must not be NaN or Inf")
            case 1:
                return b"nan" if number != number else b"inf" if number > 0 else b"-inf"
        return b"null"

    @staticmethod
    def _refuse(value: Value, reason: str) -> NoReturn:
        raise library_error(f"Cannot serialise {type_name(value).decode()}: {reason}")


def _quoted(text: bytes) -> bytes:
    return b'"%b"' % _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)


# Decoding


class _Token(NamedTuple):
    """*kind* as messages name it; *position* is where messages say it stands, counted from 0."""

    kind: str
    position: int
    value: Value = None


class _Decoder:
    """One run of ``decode``."""

    def __init__(self, options: Options, text: bytes) -> None:
        self._options = options
        self._text = text
        self._at = 0

    def decode(self) -> Value:
        """The value of the whole text."""
        if len(self._text) >= 2 and 0 in self._text[:2]:
            raise library_error("JSON parser does not support UTF-16 or UTF-32")
        value = self._value(self._token())
        token = self._token()
        if token.kind != "T_END":
            self._fail("the end", token)
        return value

    def _value(self, token: _Token) -> Value:
        """The value that begins with *token*: a loop, since what lies within each other may lie deep."""
        within: list[tuple[Table, bool, Value]] = []  # a table that is not yet whole, and the key it is read for
        key: Value
        stack = 1
        while True:
            if token.kind in ("T_OBJ_BEGIN", "T_ARR_BEGIN"):
                is_object = token.kind == "T_OBJ_BEGIN"
                if len(within) >= self._options.decode_max_depth or stack + 2 + is_object > MAXIMUM_STACK:
                    raise library_error(
                        f"Found too many nested data structures ({len(within) + 1}) at character {self._at}"
                    )
                table = Table({})
                token = self._token()
                if token.kind != ("T_OBJ_END" if is_object else "T_ARR_END"):
                    stack += 1 + is_object
                    key = 1.0
                    if is_object:
                        key, token = self._key(token)
                    within.append((table, is_object, key))
                    continue
                value: Value = table
            elif token.kind in ("T_STRING", "T_NUMBER", "T_BOOLEAN", "T_NULL"):
                value = token.value
            else:
                self._fail("value", token)
            while within:
                table, is_object, key = within[-1]
                table.hash[key] = value
                token = self._token()
                if token.kind == "T_COMMA":
                    token = self._token()
                    if is_object:
                        key, token = self._key(token)
                        within[-1] = (table, True, key)
                    else:
                        within[-1] = (table, False, key + 1.0)
                    break
                if token.kind != ("T_OBJ_END" if is_object else "T_ARR_END"):
                    self._fail("comma or object end" if is_object else "comma or array end", token)
                value = table
                stack -= 1 + is_object
                within.pop()
            else:
                return value

    def _key(self, token: _Token) -> tuple[bytes, _Token]:
        """A key and the token behind its colon."""
        if token.kind != "T_STRING":
            self._fail("object key string", token)
        colon = self._token()
        if colon.kind != "T_COLON":
            self._fail("colon", colon)
        return token.value, self._token()

    @staticmethod
    def _fail(expected: str, token: _Token) -> NoReturn:
        raise library_error(f"Expected {expected} but found {token.kind} at character {token.position + 1}")

    # Tokens

    def _token(self) -> _Token:
        """The next token. One that is none has what is wrong as its kind."""
        text = self._text
        at = self._at = _SPACE.match(text, self._at).end()  # type: ignore[union-attr]
        if at >= len(text) or not text[at]:
            return _Token("T_END", at)
        byte = text[at]
        if byte == ord('"'):
            return self._string()
        mark = _MARKS.get(byte)
        if mark is not None:
            self._at = at + 1
            return _Token(mark, at)
        if byte not in _OF_WORDS_AND_NUMBERS:
            return _Token("invalid token", at)
        is_odd = _NO_JSON_NUMBER.match(text, at) is not None
        if byte in _OF_NUMBERS:
            if is_odd and not self._options.decode_invalid_numbers:
                return _Token("invalid number", at)
            return self._number()
        for word, kind, value in _WORDS:
            if text.startswith(word, at):
                self._at = at + len(word)
                return _Token(kind, at, value)
        if is_odd and self._options.decode_invalid_numbers:
            return self._number()
        return _Token("invalid token", at)

    def _number(self) -> _Token:
        at = self._at
        found = _NUMBER.match(self._text, at)
        if found is None:
            return _Token("invalid number", at)
        self._at = found.end()
        return _Token("T_NUMBER", at, parse_number(found[0]))

    def _string(self) -> _Token:
        text, start = self._text, self._at
        parts: list[bytes] = []
        at = start + 1
        while True:
            end = _PLAIN.match(text, at).end()  # type: ignore[union-attr]
            parts.append(text[at:end])
            at = end
            if at >= len(text) or not text[at]:
                return _Token("unexpected end of string", at)
            if text[at] == ord('"'):
                self._at = at + 1
                return _Token("T_STRING", start, parts[0] if len(parts) == 1 else b"".join(parts))
            escape = text[at + 1] if at + 1 < len(text) else 0
            if escape == ord("u"):
                character, end = _character(text, at)
                if character is None:
                    return _Token("invalid unicode escape code", at)
                parts.append(character)
                at = end
            elif escape in _LETTERS:
                parts.append(bytes((_LETTERS[escape],)))
                at += 2
            else:
                return _Token("invalid escape code", at)


def _character(text: bytes, at: int) -> tuple[bytes | None, int]:
    r"""The character of ``\uXXXX`` at *at*, or of two of them that are a pair, in UTF-8; and where it ends."""
    found = _HEXADECIMAL.match(text, at + 2)
    if found is None:
        return None, at
    code, at = int(found[0], 16), found.end()
    if code & 0xF800 == 0xD800:
        if code & 0x400 or not text.startswith(b"\\u", at):
            return None, at
        found = _HEXADECIMAL.match(text, at + 2)
        if found is None or int(found[0], 16) & 0xFC00 != 0xDC00:
            return None, at
        code, at = 0x10000 + ((code & 0x3FF) << 10 | int(found[0], 16) & 0x3FF), found.end()
    return chr(code).encode(), at
