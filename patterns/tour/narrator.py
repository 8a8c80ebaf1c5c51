"""The narrator: what the audience sees, step by step.

The rule of this file: it prints and remembers what it printed, and knows no pattern. A step is a function that is
shown and then called, so that the code on the wall is the code that ran; a figure is a number that somebody counted.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from patterns.tour.stage import Stage
from patterns.tour.wire import Exchange, reply_text, text_of

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

INDENT: Final = 4
BLOCKS: Final = " ▁▂▃▄▅▆▇█"
NARROW: Final = 64
"""Below this width, what would stand side by side stands in two lines."""

LEGEND: Final = (
    ("›", "blue", "a command as it was sent → its reply; with ┌ │ └ they travelled together"),
    ("", "", "EVAL name.lua: a script of the library; sent once, from then on EVALSHA names it by its digest"),
    ("=", "bold", "what the call returned"),
    ("r", "bold", "a client of redis-py; key(…) puts the prefix of this run, if it has one, before a name"),
)

UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"))


class Narrator:
    """Tells what happens on a stage. ``figures`` are all the numbers that were shown, by their labels."""

    def __init__(self, console: Console, stage: Stage) -> None:
        self.console = console
        self.figures: dict[str, float] = {}
        self._stage = stage
        self._steps = 0

    # Words

    def opening(self, title: str, about: str) -> None:
        """The first lines of all, and how to read the others."""
        self.console.print()
        self._print(Text(title, "bold"), indent=0)
        self._print(Text(about, "dim"), indent=0)
        self.console.print()
        for mark, style, meaning in LEGEND:
            self._hanging(Text(f"{mark:<2}", style), Text(meaning, "dim"))

    def chapter(self, name: str, title: str, problem: str) -> None:
        """A chapter begins: what it is about, and what goes wrong without it."""
        self._steps = 0
        self.console.print()
        heading = Text.assemble((title, "bold cyan"), (f"  --only {name}", "dim"))
        self.console.print(Rule(heading, style="cyan", align="left"))
        self._print(Text(problem), indent=0)

    def say(self, sentence: str) -> None:
        """A sentence between steps."""
        self.console.print()
        self._print(Text(sentence), indent=0)

    def remember(self, sentence: str) -> None:
        """What a chapter comes to."""
        self.console.print()
        self._hanging(Text("▸ ", "bold green"), Text(sentence, "bold"))

    def later(self, seconds: float) -> None:
        """Let time pass, and say so."""
        self._stage.advance(seconds)
        self.console.print()
        self._print(Text(f"… {spoken(seconds)} later …", "magenta"))

    # Steps

    def definition(self, sentence: str) -> Callable[[F], F]:
        """A decorator: show a function that later steps use, with its other decorators."""

        def show(function: F) -> F:
            self._head(sentence)
            source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
            own = ast.parse(source).body[0].decorator_list[0]  # type: ignore[attr-defined]
            self.code("\n".join(source.splitlines()[own.end_lineno :]))
            return function

        return show

    def step(self, sentence: str, *, wire: int = 6) -> Callable[[Callable[[], T]], T]:
        """A decorator: show the function's body, call it, show up to *wire* lines of what was sent, and the result.

        What was the function's name is its result from then on.
        """

        def play(function: Callable[[], T]) -> T:
            self._begin(sentence, function)
            with self._stage.wire.listening() as heard:
                result = function()
            self._show_wire(heard, wire)
            if result is not None:
                self._print(Text.assemble(("= ", "dim"), (described(result), "bold")))
            return result

        return play

    def refusal(self, sentence: str, error: type[Exception], *, wire: int = 6) -> Callable[[Callable[[], Any]], str]:
        """A step that is refused with that error, whose words are the result."""

        def play(function: Callable[[], Any]) -> str:
            self._begin(sentence, function)
            with self._stage.wire.listening() as heard:
                try:
                    function()
                except error as refused:
                    words = str(refused)
                else:
                    raise AssertionError(f"{error.__name__} was expected: {sentence}")
            self._show_wire(heard, wire)
            self._print(Text.assemble((f"✗ {error.__name__}", "bold red"), (f": {words}", "red")))
            return words

        return play

    def code(self, text: str, language: str = "python") -> None:
        """A few lines of a program."""
        shown = Syntax(text, language, theme="ansi_dark", background_color="default").highlight(text)
        shown.rstrip()
        shown.no_wrap = False  # on a narrow terminal better broken than cut off
        self._print(shown)

    def _begin(self, sentence: str, function: Callable[[], Any]) -> None:
        self._head(sentence)
        self.code(source_of(function))

    def _head(self, sentence: str) -> None:
        self._steps += 1
        self.console.print()
        self._hanging(Text(f"{self._steps}. ", "bold cyan"), Text(sentence))

    def _show_wire(self, heard: Sequence[Exchange], most: int) -> None:
        trips = [each.trip for each in heard]
        shown = heard if len(heard) <= most else heard[: most - 1]
        for place, exchange in enumerate(shown if most else ()):
            before = place > 0 and trips[place - 1] == trips[place]
            after = place + 1 < len(heard) and trips[place + 1] == trips[place]
            mark = "│" if before and after else "└" if before else "┌" if after else "›"
            self._print_exchange(mark, exchange)
        rest = len(heard) - len(shown)
        if rest and most:
            self._print(Text(f"  … and {rest:,} more", "dim"))

    def _print_exchange(self, mark: str, exchange: Exchange) -> None:
        width = max(20, self.console.width - INDENT - 5)
        reply = _cropped(reply_text(exchange.reply), max(12, width // 3))
        who = "" if exchange.client == "app" else f"[{exchange.client}] "
        command = _cropped(self._stage.wire.command(exchange), width - len(reply) - len(who))
        name, _, rest = command.partition(" ")
        colour = "red" if isinstance(exchange.reply, Exception) else "green"
        self._print(
            Text.assemble(
                (f"{mark} ", "blue"),
                (who, "yellow"),
                (name, "bold blue"),
                f" {rest}" if rest else "",
                (" → ", "dim"),
                (reply, colour),
            )
        )

    # Figures

    def figure(self, label: str, value: float, unit: str = "") -> None:
        """A number that was counted or measured."""
        self.figures[label] = value
        self._print(Text.assemble((f"{label:<{self._labels}} ", "dim"), (_amount(value, unit), "bold yellow")))

    def bars(self, values: Mapping[str, float], unit: str = "") -> None:
        """Numbers side by side, as long as they are large."""
        self.figures.update(values)
        self.console.print()
        amounts = {label: _amount(value, unit) for label, value in values.items()}
        longest = max(map(len, amounts.values()))
        room = max(8, min(40, self.console.width - INDENT - self._labels - longest - 4))
        most = max(values.values()) or 1
        for label, value in values.items():
            bar = "█" * max(1 if value else 0, round(room * value / most))
            line = Text.assemble((f"{label:<{self._labels}} ", "dim"))
            if self.console.width < NARROW:
                self._print(line)
                line = Text()
            self._print(line.append(bar, "yellow").append(f" {amounts[label]}", "bold yellow"))

    def lane(self, label: str, cells: Iterable[tuple[str, str]], note: str = "") -> None:
        """What happened over time: one character, in its colour, for each moment."""
        line = Text.assemble((f"{label:<16} ", "dim"))
        if self.console.width < NARROW:
            if label:
                self._print(line)
            line = Text()
        for character, style in cells:
            line.append(character, style)
        self._print(line.append(f"  {note}" if note else "", "bold yellow"))

    def columns(self, label: str, counts: Sequence[int], note: str = "") -> None:
        """How many there were of each: one column for each, the highest as high as the line."""
        self.lane(label, ((height(count, max(counts)), "yellow") for count in counts), note)

    def table(self, rows: Iterable[tuple[str, str]]) -> None:
        """Terms and what they mean."""
        for term, meaning in rows:
            mark = Text(f"{'':{INDENT}}{term:<{self._labels}} ", "bold blue")
            if self.console.width < NARROW:
                self._hanging(Text(), mark)
                mark = Text(" " * (INDENT + 2))
            self._hanging(mark, Text(meaning))

    def gap(self) -> None:
        """An empty line before figures."""
        self.console.print()

    @property
    def _labels(self) -> int:
        return 28 if self.console.width >= NARROW else 1

    def _print(self, text: Text, *, indent: int = INDENT) -> None:
        self._hanging(Text(" " * indent), text)

    def _hanging(self, mark: Text, text: Text) -> None:
        """A mark, and beside it as many lines as the text takes."""
        room = max(8, self.console.width - len(mark))
        for number, line in enumerate(text.wrap(self.console, room, overflow="fold")):
            line.rstrip()
            start = Text(" " * len(mark)) if number else mark
            self.console.print(Text.assemble(start, line), no_wrap=True, crop=False)


def source_of(function: Callable[[], Any]) -> str:
    """The body of a function as a reader would type it: without its return."""
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise TypeError(f"a step is a function: {function!r}")
    body = definition.body
    lines = source.splitlines()
    for statement in body:
        if isinstance(statement, ast.Return):
            lines[statement.lineno - 1] = lines[statement.lineno - 1].replace("return ", "", 1)
    # A comment may stand between two statements: it belongs to what is shown.
    for one, other in pairwise(body):
        if one.end_lineno is None or one.end_lineno >= other.lineno:
            raise ValueError("one statement per line")
    return textwrap.dedent("\n".join(lines[body[0].lineno - 1 : body[-1].end_lineno]))


def height(count: int, most: int) -> str:
    """A block as high as *count* is of *most*; whatever is above 0 is seen."""
    return BLOCKS[0] if not count else BLOCKS[max(1, round(8 * count / most))]


def spoken(seconds: float) -> str:
    """A length of time in words."""
    for length, name in UNITS:
        if seconds >= length:
            number = seconds / length
            return f"{number:g} {name}" if number == 1 else f"{number:.3g} {name}s"
    return f"{seconds:g} s"


def _amount(value: float, unit: str) -> str:
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    return f"{number} {unit}".rstrip()


def _cropped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(1, most - 1)] + "…"


def described(value: Any) -> str:
    """A result in one line, as Python writes it; of an object without words for itself, the name of its class."""
    if isinstance(value, tuple):
        return f"({', '.join(map(described, value))})"
    if isinstance(value, str):
        return repr(text_of(value.encode()))
    kind: Any = type(value)
    return f"<{kind.__name__}>" if kind.__repr__ is object.__repr__ else _cropped(repr(value), 300)
