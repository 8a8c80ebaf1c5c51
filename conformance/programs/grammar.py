"""Programs of Lua that end, on Hypothesis.

A program is a list of *steps*, most of them within ``pcall``, and each emits what it has found out; so one step's
error does not hide the next. Expressions are of the kind that their place wants, but for one in twenty: errors and
their texts matter as much as values. Loops have few rounds, and every round and every call of a function takes
something from the *fuel*: where there is none left is an error.

Lines are broken in the middle of things, for the number of the line in an error is part of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from conformance.programs.phrases import EXPRESSIONS, FIRST_COROUTINE, LITERALS

PRELUDE: Final = r"""
local out, fuel = {}, 150
local function text(v) if type(v) == 'number' or type(v) == 'string' then return tostring(v) end return type(v) end
local function show(v, d)
  if type(v) == 'number' then return string.format('%.17g', v) end
  if type(v) == 'string' then return string.format('%q', v:sub(1, 300)) end
  if type(v) ~= 'table' then return v == cjson.null and 'null' or type(v) end
  local parts, count = {}, 0
  if d > 3 then return '{..}' end
  for k, e in next, v do
    count = count + 1
    if count > 40 then break end
    parts[count] = show(k, d + 1) .. '=' .. show(e, d + 1)
  end
  return '{' .. table.concat(parts, ' ') .. '}#' .. #v .. (getmetatable(v) and 'm' or '')
end
local function emit(...)
  for i = 1, select('#', ...) do if #out < 150 then out[#out + 1] = show((select(i, ...)), 0) end end
end
local function burn() fuel = fuel - 1 if fuel < 0 then error('fuel') end end
local function sorted(t) table.sort(t) return t end
math.randomseed(7)
"""
"""What every program begins with, on one line: ``emit`` notes values, ``burn`` ends what goes on for too long."""

FIRST_LINE: Final = " ".join(PRELUDE.split("\n")).strip()
OWN_CJSON: Final = " local cjson = cjson.new()"
COLLECTED: Final = "emit(math.random()) return out"

DEEPEST: Final = 4
"""Expressions within each other."""

SLOT: Final = re.compile(r"\{\{|\}\}|\{(\w)\}")
KINDS: Final = "nstfba"
NAMES: Final = "abcdxyz"

HANDLERS: Final = ("function(e) return e end", "function(e) return 1, text(e) end", "error", "text")
"""What ``xpcall`` gives errors to."""

Draw = Callable[[Any], Any]


@dataclass(frozen=True)
class Program:
    """A script, and the steps that it is made of: what can be left out of it."""

    steps: tuple[str, ...]

    @property
    def source(self) -> bytes:
        """The script as it is sent."""
        body = "\n".join(self.steps)
        first = FIRST_LINE + (OWN_CJSON if "cjson." in body else "")
        return "\n".join((first, body, COLLECTED)).encode("utf-8")


@st.composite
def programs(draw: Draw) -> Program:
    """Any program."""
    return _Writer(draw).program()


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@cache
def _parts(phrase: str) -> list[str]:
    """Text, slot, text, slot, …, text; a slot is one letter."""
    parts = [""]
    position = 0
    for match in SLOT.finditer(phrase):
        parts[-1] += phrase[position : match.start()]
        position = match.end()
        if match[1]:
            parts += [match[1], ""]
        else:
            parts[-1] += match[0][0]
    parts[-1] += phrase[position:]
    return parts


class _Writer:
    """One program in the making: which variables can be seen, and how deep it is in expressions and blocks."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._variables: list[tuple[str, str]] = []
        self._depth = 0
        self._blocks = 0
        self._in_loop = False
        self._in_vararg = True
        self._has_coroutines = False
        self._is_caught = False
        self._room = 60
        """For so many phrases; after that there are only literals."""

    # Choices

    def _number(self, count: int) -> int:
        chosen: int = self._draw(_below(count))
        return chosen

    def _one_in(self, count: int) -> bool:
        """The simpler course is that it does not happen."""
        return self._number(count) == count - 1

    def _pick(self, options: Sequence[str]) -> str:
        return options[self._number(len(options))]

    # The program

    def program(self) -> Program:
        """The whole of it."""
        self._has_coroutines = self._one_in(4)
        steps = [self._declaration() for _ in range(self._number(4))]
        for _ in range(1 + self._number(5)):
            self._room = 60
            steps.append(self._step())
        if self._one_in(4):
            self._room = 20
            steps.append(f"do return {self._fill('{a}') if self._number(3) else self._list()} end")
        return Program(tuple(steps))

    def _declaration(self) -> str:
        kind = self._pick("nstf")
        value = self._expression(kind)
        return f"local {self._declare(kind)} = {value}"

    def _step(self) -> str:
        if self._one_in(6):
            return self._statement()
        if self._one_in(6):
            with self._scope():
                values = self._list()
                return f"emit({values})"
        with self._scope():
            call = "xpcall" if self._one_in(8) else "pcall"
            parameters = "" if call == "xpcall" else self._pick(("", "x", "..."))
            if parameters == "x":
                self._declare("a", "x")
            self._is_caught = True
            body = self._body(parameters == "...")
            self._is_caught = False
            rest = f", {self._pick(HANDLERS)}" if call == "xpcall" else ""
            rest += f", {self._list()}" if parameters else ""
        return f"emit({call}(function({parameters})\n{body}\nend{rest}))"

    # Variables

    @contextmanager
    def _scope(self) -> Iterator[None]:
        before = len(self._variables)
        yield
        del self._variables[before:]

    def _declare(self, kind: str, name: str = "") -> str:
        name = name or self._pick(NAMES)
        self._variables.append((name, kind))
        return name

    def _variable(self, kind: str) -> str | None:
        """The name of a variable of that kind that can be seen, if there is any."""
        seen = dict(self._variables)
        names = [name for name, its_kind in seen.items() if kind in (its_kind, "a") or its_kind == "a"]
        return self._pick(names) if names else None

    # Blocks and statements

    def _body(self, is_vararg: bool) -> str:
        """What a function does."""
        before = self._in_loop, self._in_vararg
        self._in_loop, self._in_vararg = False, is_vararg
        with self._scope():
            lines = [self._statement() for _ in range(1 + self._number(2 if self._blocks > 1 else 4))]
            if not self._one_in(4):
                lines.append(f"return {self._list()}")
        self._in_loop, self._in_vararg = before
        return "\n".join(lines)

    def _block(self, is_loop: bool = False) -> str:
        before = self._in_loop
        self._in_loop = self._in_loop or is_loop
        self._blocks += 1
        with self._scope():
            lines = [self._statement() for _ in range(1 + self._number(2))]
            if self._in_loop and self._one_in(6):
                lines.append(f"if {self._fill('{b}')} then break end")
        self._blocks -= 1
        self._in_loop = before
        return "\n".join(lines)

    def _statement(self) -> str:
        if self._blocks > 2 or self._room <= 0:
            return f"emit({self._list()})"
        kinds = (
            self._emit,
            self._local,
            self._assignment,
            self._field,
            self._call,
            self._if,
            self._local_function,
            self._numeric_for,
            self._pairs,
            self._while,
            self._repeat,
            self._several,
            self._closures,
            self._method,
            self._fail,
            self._do,
            self._sort,
        )
        if self._has_coroutines and self._one_in(4):
            return self._coroutine()
        return kinds[self._number(len(kinds))]()

    def _emit(self) -> str:
        return f"emit({self._list()})"

    def _local(self) -> str:
        kind = self._pick(KINDS)
        value = self._expression(kind)
        return f"local {self._declare(kind)} = {value}"

    def _several(self) -> str:
        values = self._list()
        if self._one_in(2):
            names = [self._variable("a") or "_", self._fill("{t}.{N}"), self._fill("{t}[{k}]")]
            self._number(1)
            targets = ", ".join(name for name in names if name != "_" and not name.startswith(("(", "{", "'")))
            if targets and all(re.match(r"[a-z_]+[.\[]|[a-z]$", name) for name in targets.split(", ")):
                return f"{targets} = {values}"
        first, second = self._declare("a"), self._declare("a")
        return f"local {first}, {second} = {values}"

    def _assignment(self) -> str:
        kind = self._pick(KINDS)
        name = self._variable(kind)
        if name is None:
            return self._local()
        return f"{name} = {self._expression(kind)}"

    def _field(self) -> str:
        table = self._variable("t")
        if table is None:
            return self._local()
        return self._fill(f"{table}{self._pick(('.{N}', '[{k}]', f'[#{table} + 1]', '.{N}.{N}', '[{a}]'))} = {{a}}")

    def _call(self) -> str:
        phrase = self._pick(
            (
                "table.insert({v}, {a})",
                "table.insert({v}, {i}, {a})",
                "table.remove({v}, {i})",
                "table.sort({v})",
                "table.foreach({v}, function(k, v) emit(k, v) end)",
                "table.foreachi({v}, {f})",
                "rawset({v}, {k}, {a})",
                "setmetatable({v}, {M})",
                "assert({a}, {s})",
                "error({a}, {i})",
                "redis.call({R})",
                "emit(redis.pcall({R}))",
                "{w}({e})",
                "{v}:{N}({e})",
                "{v}.{N}({e})",
                "math.randomseed({i})",
                "({f})({e})",
                "emit(pcall({f}, {e}))",
                "emit(xpcall({f}, {f}))",
                "emit(select({i}, {e}))",
                "emit(unpack({t}, {i}, {i}))",
                "emit(table.concat({v}, ','))",
            )
        )
        text = self._fill(phrase)
        return f"do local _ = {text} end" if text.startswith(("(", "'", '"', "{", "[")) else text

    def _if(self) -> str:
        text = f"if {self._fill('{b}')} then\n{self._block()}\n"
        if self._one_in(3):
            text += f"elseif {self._fill('{a}')} then\n{self._block()}\n"
        if self._one_in(2):
            text += f"else\n{self._block()}\n"
        return text + "end"

    def _numeric_for(self) -> str:
        bounds = self._pick(
            ("1, 3", "3, 1, -1", "1, 2, 0.5", "{i}, {i}", "{n}, {i}, {i}", "1, {n}", "{i}, {i}, {n}", "0.1, 0.5, 0.1")
        )
        bounds = self._fill(bounds)
        with self._scope():
            name = self._declare("n")
            return f"for {name} = {bounds} do burn()\n{self._block(True)}\nend"

    def _pairs(self) -> str:
        source = self._fill(
            self._pick(
                (
                    "pairs({t})",
                    "ipairs({t})",
                    "string.gmatch({s}, {p})",
                    "next, {t}",
                    "{f}, {a}, {a}",
                    "{a}",
                    "{s}:gmatch({p})",
                    "pairs({a})",
                )
            )
        )
        with self._scope():
            first, second = self._declare("a"), self._declare("a")
            return f"for {first}, {second} in {source} do burn()\n{self._block(True)}\nend"

    def _while(self) -> str:
        condition = self._fill("{b}")
        return f"while {condition} do burn()\n{self._block(True)}\n{self._pick(('break', 'emit(1)'))}\nend"

    def _repeat(self) -> str:
        with self._scope():
            name = self._declare("n")
            value = self._expression("n")
            return f"repeat burn() local {name} = {value}\n{self._block(True)}\nuntil {self._fill('{b}')}"

    def _local_function(self) -> str:
        name = self._pick(NAMES)
        with self._scope():
            parameters = self._parameters()
            self._blocks += 1
            body = self._body("..." in parameters)
            self._blocks -= 1
        self._variables.append((name, "f"))
        return f"local function {name}({parameters}) burn()\n{body}\nend"

    def _parameters(self) -> str:
        parameters = self._pick(("", "x", "x, y", "...", "x, ..."))
        for name in parameters.split(", "):
            if name.isalpha():
                self._declare("a", name)
        return parameters

    def _closures(self) -> str:
        """Closures made in a loop: each has a variable of its own, and two share one."""
        table, name = self._declare("t"), self._pick(NAMES)
        with self._scope():
            self._declare("n", name)
            value, change = self._expression("n"), self._expression("n")
        return (
            f"local {table} = {{}}\nfor {name} = 1, 3 do local u = {value}\n"
            f"{table}[{name}] = function(...) burn() u = {change} {name} = {name} + 1 return u, {name}, ... end\n"
            f"{table}[-{name}] = function() return u, {name} end\nend\n"
            f"emit({table}[1](), {table}[2]({self._list()}), {table}[1](), {table}[-1](), {table}[-2]())"
        )

    def _method(self) -> str:
        table = self._variable("t")
        if table is None:
            return self._local()
        with self._scope():
            parameters = self._parameters()
            self._declare("t", "self")
            self._blocks += 1
            body = self._body("..." in parameters)
            self._blocks -= 1
        return f"function {table}{self._pick('.:')}{self._pick(LITERALS['N'])}({parameters}) burn()\n{body}\nend"

    def _fail(self) -> str:
        """An error on purpose; nothing can follow it in its block."""
        errors = ["if {b} then error({s}) end", "if {b} then error({s}, {i}) end", "do error({{err = {s}}}) end"]
        if self._is_caught:  # an uncaught one without a text ends Redis 7.0 itself
            errors += ["if {b} then error({a}) end", "do error({{code = {a}}}) end"]
        return self._fill(self._pick(errors))

    def _do(self) -> str:
        return f"do\n{self._block()}\nend"

    def _sort(self) -> str:
        table = self._fill("{t}")
        by = self._pick(
            ("x < y", "x > y", "text(x) < text(y)", "#x < #y", "true", "x <= y", "text(x) > text(y)", "{b}")
        )
        name = self._declare("t")
        by = self._fill(by)
        return f"local {name} = {table}\ntable.sort({name}, function(x, y) burn() return {by} end)\nemit({name})"

    def _coroutine(self) -> str:
        name = self._declare("a")
        with self._scope():
            self._blocks += 1
            body = self._body(True)
            self._blocks -= 1
        make = self._pick(("coroutine.wrap(", "coroutine.create("))
        text = f"local {name} = {make}function(...) burn()\nemit(coroutine.yield({self._list()}))\n{body}\nend)\n"
        for _ in range(1 + self._number(3)):
            use = f"{name}({self._list()})" if "wrap" in make else f"coroutine.resume({name}, {self._list()})"
            text += f"emit({use})\n"
        return text + (f"emit(coroutine.status({name}))" if "create" in make else "emit(1)")

    # Expressions

    def _list(self) -> str:
        """One or more expressions."""
        return ", ".join(self._expression(self._pick(KINDS + "ns")) for _ in range(1 + self._number(3)))

    def _expression(self, kind: str) -> str:
        if kind in KINDS and self._one_in(20):
            kind = self._pick(KINDS)
        if self._one_in(3):
            variable = self._variable(kind)
            if variable is not None:
                return variable
        phrases = EXPRESSIONS.get(kind)
        if (phrases is not None and self._has_coroutines and self._one_in(6)) or kind == "c":
            phrases = FIRST_COROUTINE[kind]
        literals = LITERALS.get(kind)
        if literals is not None and (
            self._depth >= DEEPEST or self._room <= 0 or phrases is None or not self._number(2)
        ):
            return self._fill(self._pick(literals))
        if phrases is None:
            raise ValueError(kind)
        if self._depth >= DEEPEST or self._room <= 0:
            return {"t": "{}", "b": "true", "f": "text", "a": "nil", "c": "nil"}[kind]
        self._room -= 1
        phrase = self._pick(phrases)
        if "..." in phrase and "function" not in phrase and not self._in_vararg and not self._one_in(30):
            return "nil"  # no function of that kind around it: the whole program would be none
        return self._fill(phrase)

    def _fill(self, phrase: str) -> str:
        parts = _parts(phrase)
        if len(parts) == 1:
            return parts[0]
        self._depth += 1
        texts = [parts[0]]
        for slot, text in zip(parts[1::2], parts[2::2], strict=True):
            filled = self._inner_body(texts[-1].endswith("(...) ")) if slot == "B" else self._slot(slot)
            if slot in KINDS and text[:1] in (".", "[", ":", "(") and text[:2] != "..":
                filled = self._prefix(filled)
            texts += [filled, self._break_line(text)]
        self._depth -= 1
        return "".join(texts)

    def _slot(self, slot: str) -> str:
        match slot:
            case "e":
                return self._list()
            case "v":
                return self._variable("t") or "KEYS"
            case "w":
                return self._variable("f") or "text"
        return self._expression(slot)

    def _inner_body(self, is_vararg: bool) -> str:
        """The body of a function in an expression."""
        self._blocks += 1
        if self._blocks > 2 or self._room <= 0:
            before, self._in_vararg = self._in_vararg, is_vararg
            body = f"burn() return {self._list()}"
            self._in_vararg = before
        else:
            body = f"burn()\n{self._body(is_vararg)}\n"
        self._blocks -= 1
        return body

    @staticmethod
    def _prefix(text: str) -> str:
        """*text* so that it can be called and indexed."""
        return (
            text
            if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", text) and text not in ("nil", "true", "false")
            else f"({text})"
        )

    def _break_line(self, text: str) -> str:
        """A line may end behind an operator or a comma."""
        if text[:2] in (", ", "+ ", "* ") or (text[:1] == " " and text[1:2] in "+-*/%^<>=~.ao"):
            if text.startswith(", ") and self._one_in(25):
                return ",\n" + text[2:]
            if text.startswith(" ") and text.rstrip() != "" and self._one_in(25):
                operator, _, rest = text[1:].partition(" ")
                return f" {operator}\n{rest}"
        return text
