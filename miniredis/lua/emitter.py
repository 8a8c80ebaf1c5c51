"""Python text being written: lines, their indentation, and which line of Lua each of them stands for.

An error in a running script has to name the line of Lua it happened on. So every Python line stands for one line of
Lua, and the text of an expression that reaches over several has *marks* in it, at which it is broken into lines when
it is written. Nothing of this costs anything until there is an error.
"""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = re.compile("\x01([0-9]+)\x02")


def mark(line: int) -> str:
    """What to put before the text of something that may fail on that line of Lua."""
    return f"\x01{line}\x02"


class Block:
    """Lines of Python, each with its depth of indentation and its line of Lua."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, int]] = []

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, depth: int, text: str, line: int) -> None:
        """Write a line; *text* must allow line breaks where it has marks (be in parentheses)."""
        self.lines.append((depth, text, line))

    def insert(self, at: int, depth: int, text: str, line: int) -> None:
        """Write a line before the one with the number *at*."""
        self.lines.insert(at, (depth, text, line))

    def take(self, start: int) -> list[tuple[int, str, int]]:
        """Remove the lines from *start* on, and return them."""
        taken = self.lines[start:]
        del self.lines[start:]
        return taken

    def extend(self, lines: list[tuple[int, str, int]], deeper: int = 0) -> None:
        """Write *lines*, indented by so much more."""
        self.lines += [(depth + deeper, text, line) for depth, text, line in lines]

    def render(self) -> tuple[str, list[int]]:
        """The text, and for each of its lines the line of Lua (the first line has the index 1)."""
        texts: list[str] = []
        origins = [0]
        for depth, text, line in self.lines:
            parts = _MARK.split(text)
            current = " " * depth + parts[0]
            now = line
            for number, rest in zip(map(int, parts[1::2]), parts[2::2], strict=True):
                if number == now:
                    current += rest
                    continue
                texts.append(current)
                origins.append(now)
                current, now = rest, number
            texts.append(current)
            origins.append(now)
        texts.append("")
        return "\n".join(texts), origins
