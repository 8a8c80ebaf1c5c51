"""Regular expressions that are compiled when they are first asked: compiling all of them would take a twentieth of the
time that an import of the server takes, and few programs ask more than one or two."""

from __future__ import annotations

import re
from collections.abc import Callable


class WholeText:
    """An expression that a text as a whole has to match: ``match(text)``."""

    __slots__ = ("_expression", "_flags", "match")

    match: Callable[[bytes], re.Match[bytes] | None]

    def __init__(self, expression: bytes, flags: re.RegexFlag = re.NOFLAG) -> None:
        self._expression = expression
        self._flags = flags

    def __getattr__(self, name: str) -> Callable[[bytes], re.Match[bytes] | None]:
        if name != "match":
            raise AttributeError(name)
        self.match = re.compile(self._expression, self._flags).fullmatch
        return self.match
