"""The expressions of ``-k``, as pytest has them: parts of names, ``and``, ``or``, ``not`` and parentheses.

``lists and not blocking`` picks what has "lists" in its name and "blocking" nowhere. A part of a name that has spaces
in it stands in quotes. Upper and lower case are the same. Every name is a fact to match, nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

Pick = Callable[[str], bool]
"""Whether a name is picked."""

TOKEN: Final = re.compile(r"""\s*(?:(?P<mark>[()])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<word>[^\s()"']+))""")
OPERATORS: Final = ("and", "or", "not")


class PickError(ValueError):
    """An expression that is none; the message says what is wrong, in one line."""


def everything(name: str) -> bool:
    """Picks every name."""
    return True


def pick(expression: str) -> Pick:
    """The names that *expression* picks. Raises :class:`PickError`."""
    reader = _Reader(expression)
    chosen = reader.alternatives()
    if not reader.at_end():
        raise PickError(f"-k {expression!r}: {reader.next!r} is not expected there")
    return lambda name: chosen(name.lower())


class _Reader:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(self._split(expression.strip()))
        if not self._tokens:
            raise PickError("-k needs a part of a name")

    def _split(self, text: str) -> list[tuple[bool, str]]:
        """Each token with whether it is a name that cannot be an operator."""
        tokens, at = [], 0
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise PickError(f"-k {self._expression!r}: a quote is not closed")
            quoted = match["double"] if match["double"] is not None else match["single"]
            token = quoted if quoted is not None else match["mark"] or match["word"]
            tokens.append((quoted is not None or (not match["mark"] and token not in OPERATORS), token))
            at = match.end()
        return tokens

    @property
    def next(self) -> str:
        return self._tokens[0][1] if self._tokens else "the end"

    def at_end(self) -> bool:
        return not self._tokens

    def _takes(self, operator: str) -> bool:
        if self._tokens and self._tokens[0] == (False, operator):
            self._tokens.pop(0)
            return True
        return False

    def alternatives(self) -> Pick:
        parts = [self._conjunction()]
        while self._takes("or"):
            parts.append(self._conjunction())
        return lambda name: any(part(name) for part in parts)

    def _conjunction(self) -> Pick:
        parts = [self._term()]
        while self._takes("and"):
            parts.append(self._term())
        return lambda name: all(part(name) for part in parts)

    def _term(self) -> Pick:
        if self._takes("not"):
            other = self._term()
            return lambda name: not other(name)
        if self._takes("("):
            inner = self.alternatives()
            if not self._takes(")"):
                raise PickError(f"-k {self._expression!r}: a parenthesis is not closed")
            return inner
        if not self._tokens or not self._tokens[0][0]:
            raise PickError(f"-k {self._expression!r}: a part of a name is missing before {self.next!r}")
        wanted = self._tokens.pop(0)[1].lower()
        return lambda name: wanted in name
