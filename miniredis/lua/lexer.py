"""A chunk's bytes cut into tokens.

The rule of this file: an error in the text is a token too. Lua reads one token at a time, and so complains of a mistake
in the grammar before it has seen an unfinished string further down; cutting everything beforehand must not change that.
Whoever reaches the token raises the error.

A token is a kind, a value and the line on which it *ends*. The kind of a reserved word or an operator is its text.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from miniredis.lua.numbers import parse_number

NAME: Final = "<name>"
STRING: Final = "<string>"
NUMBER: Final = "<number>"
END: Final = "<eof>"
ERROR: Final = "<error>"

RESERVED: Final = frozenset(
    (
        *("and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil"),
        *("not", "or", "repeat", "return", "then", "true", "until", "while"),
    )
)

_SPACE: Final = re.compile(rb"[ \t\v\f]*")
# Where C's strchr looks for one of a few characters it finds the NUL behind them too: a NUL is as good as E, + or .
_PLAIN: Final = re.compile(
    rb"(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    rb"|(?P<number>(?:[0-9]|\.[0-9])[0-9.]*(?:[Ee\x00][+\x00-]?)?[A-Za-z_0-9]*)"
    rb"|(?P<operator>\.[.\x00][.\x00]|\.[.\x00]|==|<=|>=|~=|[-+*/%^#<>=(){};:,.])"
)
_UNTIL_SPECIAL: Final = {quote: re.compile(rb"[^\\\r\n\x00%b]*" % quote) for quote in (b"'", b'"')}
_LONG_OPENING: Final = re.compile(rb"\[(=*)\[")
_LINE_END: Final = re.compile(rb"\r\n|\n\r|\n|\r")
_DECIMAL_ESCAPE: Final = re.compile(rb"[0-9]{1,3}")
_ESCAPES: Final = {
    ord("a"): 7,
    ord("b"): 8,
    ord("f"): 12,
    ord("n"): 10,
    ord("r"): 13,
    ord("t"): 9,
    ord("v"): 11,
}


class Token(NamedTuple):
    """*value* is a name's text, a string's bytes, a number; for :data:`ERROR` its message. *near* is what messages
    quote where that is not the token itself."""

    kind: str
    value: str | bytes | float
    line: int
    near: bytes = b""


class _LexicalError(Exception):
    def __init__(self, message: str, near: bytes | None) -> None:
        super().__init__(message)
        self.message = message
        self.near = near


def tokenize(source: bytes) -> list[Token]:
    """All tokens of *source*, the last of which is the end or an error."""
    return _Lexer(source).run()


class _Lexer:
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._position = 0
        self._line = 1
        self._tokens: list[Token] = []

    def run(self) -> list[Token]:
        try:
            while self._next():
                pass
        except _LexicalError as error:
            near = END.encode() if error.near is None else error.near
            self._tokens.append(Token(ERROR, error.message, self._line, near))
        return self._tokens

    def _next(self) -> bool:
        """Read one token; whether it was not the end."""
        source = self._source
        position = _SPACE.match(source, self._position).end()  # type: ignore[union-attr]
        found = _PLAIN.match(source, position)
        if found is not None:
            text = found[0]
            if text == b"-" and source.startswith(b"--", position):
                self._position = position + 2
                self._comment()
                return True
            self._position = found.end()
            if found.lastgroup == "name":
                name = text.decode("ascii")
                self._tokens.append(
                    Token(name, name, self._line) if name in RESERVED else Token(NAME, name, self._line, text)
                )
            elif found.lastgroup == "number":
                number = parse_number(text.partition(b"\0")[0])
                if number is None:
                    raise _LexicalError("malformed number", text)
                self._tokens.append(Token(NUMBER, number, self._line, text))
            else:
                operator = text.decode("ascii").replace("\0", ".")
                self._tokens.append(Token(operator, operator, self._line))
            return True
        self._position = position
        if position >= len(source):
            self._tokens.append(Token(END, END, self._line))
            return False
        return self._special(source[position])

    def _special(self, byte: int) -> bool:
        source, position = self._source, self._position
        if byte in b"\r\n":
            end = _LINE_END.match(source, position)
            assert end is not None
            self._position = end.end()
            self._line += 1
        elif byte in b"'\"":
            self._string(bytes((byte,)))
        elif byte == ord("["):
            opening = _LONG_OPENING.match(source, position)
            if opening is not None:
                self._position = opening.end()
                value = self._long(len(opening[1]), "string")
                self._tokens.append(Token(STRING, value, self._line, source[position : self._position]))
            elif source.startswith(b"[=", position):
                end_of_signs = re.compile(rb"\[=*").match(source, position)
                assert end_of_signs is not None
                raise _LexicalError("invalid long string delimiter", end_of_signs[0])
            else:
                self._single("[")
        else:
            self._single(chr(byte))
        return True

    def _single(self, text: str) -> None:
        """One byte that may be anything: a token of its own, whether the grammar knows it or not."""
        self._position += 1
        self._tokens.append(Token(text, text, self._line, near_byte(ord(text))))

    def _comment(self) -> None:
        """What follows ``--``."""
        source = self._source
        opening = _LONG_OPENING.match(source, self._position)
        if opening is not None:
            self._position = opening.end()
            self._long(len(opening[1]), "comment")
            return
        end = _LINE_END.search(source, self._position)
        self._position = len(source) if end is None else end.start()

    def _long(self, level: int, what: str) -> bytes:
        """The text between long brackets, the first of which has just been read; a line end right behind it is none."""
        source, start = self._source, self._position
        closing = b"]" + b"=" * level + b"]"
        end = source.find(closing, start)
        inner = source[start : end if end >= 0 else len(source)]
        if end < 0:
            self._line += len(_LINE_END.findall(inner))
            raise _LexicalError(f"unfinished long {what}", None)
        self._position = end + len(closing)
        self._line += len(_LINE_END.findall(inner))
        if what == "comment":
            return b""
        first = _LINE_END.match(inner)
        return _LINE_END.sub(b"\n", inner[first.end() :] if first else inner)

    def _string(self, quote: bytes) -> None:
        """A string between quotes; the opening one is at the present position."""
        source = self._source
        plain = _UNTIL_SPECIAL[quote]
        start = position = self._position
        position += 1
        parts: list[bytes] = []
        while True:
            end = plain.match(source, position).end()  # type: ignore[union-attr]
            parts.append(source[position:end])
            position = end
            if position >= len(source):
                raise _LexicalError("unfinished string", None)
            byte = source[position]
            if byte == quote[0]:
                break
            if byte == 0:
                parts.append(b"\0")
                position += 1
            elif byte != ord("\\"):
                raise _LexicalError("unfinished string", quote + b"".join(parts))
            else:
                position = self._escape(position + 1, quote, parts)
        self._position = position + 1
        value = b"".join(parts)
        self._tokens.append(Token(STRING, value, self._line, quote + value + source[start : start + 1]))

    def _escape(self, position: int, quote: bytes, parts: list[bytes]) -> int:
        """Read what follows a backslash at *position*; where to go on."""
        source = self._source
        if position >= len(source):
            raise _LexicalError("unfinished string", None)
        byte = source[position]
        if byte in _ESCAPES:
            parts.append(bytes((_ESCAPES[byte],)))
            return position + 1
        if byte in b"\r\n":
            end = _LINE_END.match(source, position)
            assert end is not None
            self._line += 1
            parts.append(b"\n")
            return end.end()
        digits = _DECIMAL_ESCAPE.match(source, position)
        if digits is None:
            parts.append(source[position : position + 1])
            return position + 1
        if int(digits[0]) > 255:
            raise _LexicalError("escape sequence too large", quote + b"".join(parts))
        parts.append(bytes((int(digits[0]),)))
        return digits.end()


def near_byte(byte: int) -> bytes:
    """How messages show a byte that is no token of Lua's."""
    return b"char(%d)" % byte if byte < 32 or byte == 127 else bytes((byte,))
