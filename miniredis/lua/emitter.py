"""Python text being written: lines, their indentation, and which line of Lua each of them stands for.

An error in a running script has to name the line of Lua it happened on. So every Python line stands for one line of
Lua, and the text of an expression that reaches over several has *marks* in it, at which it is broken into lines when
it is written. Nothing of this costs anything until there is an error.

Python's tokenizer allows no more than 100 indentations within each other; its syntax trees know no such limit. So what
is indented deeper is written as a *section* of its own behind the rest, and put in its place in the tree.
"""

from __future__ import annotations

import ast
import re
from typing import Any, Final

MAXIMUM_INDENTATION: Final = 80

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

    def render(self) -> tuple[list[str], list[int]]:
        """The text in sections, and for each of its lines the line of Lua (the first line has the index 1).

        Where the section with the number *n* belongs, the text has a line ``section_n``.
        """
        sections = self._sections()
        texts: list[str] = []
        origins = [0]
        for lines in sections:
            rendered: list[str] = []
            for depth, text, line in lines:
                parts = _MARK.split(text)
                current = " " * depth + parts[0]
                now = line
                for number, rest in zip(map(int, parts[1::2]), parts[2::2], strict=True):
                    if number == now:
                        current += rest
                        continue
                    rendered.append(current)
                    origins.append(now)
                    current, now = rest, number
                rendered.append(current)
                origins.append(now)
            rendered.append("")
            texts.append("\n".join(rendered))
        return texts, origins

    def _sections(self) -> list[list[tuple[int, str, int]]]:
        sections: list[list[tuple[int, str, int]]] = [[]]
        inside = [(sections[0], 0)]
        for depth, text, line in self.lines:
            while depth < inside[-1][1]:
                inside.pop()
            section, begin = inside[-1]
            if depth - begin > MAXIMUM_INDENTATION:
                section.append((depth - begin, f"section_{len(sections)}", line))
                section, begin = [], depth
                sections.append(section)
                inside.append((section, begin))
            section.append((depth - begin, text, line))
        return sections


def tree_of(sections: list[str]) -> ast.Module:
    """The syntax tree of a text in several sections."""
    trees: dict[str, ast.Module] = {}
    lines = 0
    for number, text in enumerate(sections):
        trees[f"section_{number}"] = ast.parse("\n" * lines + text)
        lines += text.count("\n")
    tree = _Joiner(trees).visit(trees["section_0"])
    assert isinstance(tree, ast.Module)
    return tree


class _Joiner(ast.NodeTransformer):
    """Puts sections in their places."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self._trees = trees

    def visit_Expr(self, node: ast.Expr) -> Any:
        section = self._trees.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return node if section is None else self.visit(section).body
