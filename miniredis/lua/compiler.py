"""A chunk of Lua compiled to Python: the statements, and what holds functions together.

Each function of Lua is a function of Python whose parameters all have a default, with a ``*`` for arguments too many.
Its locals are Python's locals, its upvalues Python's closures (see ``scope`` for the one exception). In a chunk that
speaks of coroutines every function is a generator, so that ``coroutine.yield`` can leave all of them at once; such
functions are slower, and so only such chunks pay.

Loops count, and after so many rounds call ``tick``, which lets somebody stop a script that does not end.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType
from typing import Final

from miniredis.lua.emitter import Block, mark, tree_of
from miniredis.lua.expressions import MULTIPLE, ExpressionCompiler
from miniredis.lua.inference import infer, kind_of
from miniredis.lua.nodes import (
    Assignment,
    Break,
    CallStatement,
    Do,
    Expression,
    Function,
    GenericFor,
    If,
    Index,
    Local,
    LocalFunction,
    Name,
    NumericFor,
    Repeat,
    Return,
    Statement,
    While,
)
from miniredis.lua.nodes import Block as Body
from miniredis.lua.parser import MAXIMUM_DEPTH, LuaSyntaxError, deep_enough, parse
from miniredis.lua.scope import FunctionScope, Kind, Resolution, Variable, resolve

MAXIMUM_LOOPS: Final = 18
"""Loops within each other: Python allows 20."""

MAXIMUM_CHAIN: Final = 1000
"""Operators, calls and fields in a row (``a + b + c``, ``a.b.c``), which hang in the tree one below the other."""

FRAMES_PER_LINK: Final = 5

MAIN: Final = "main_chunk"


@dataclass(frozen=True, slots=True)
class CompiledChunk:
    """A chunk ready to be loaded: run ``code`` in a namespace with the names of ``operations``, take ``main_chunk``.

    *origins*: line of Python → line of Lua. *text*: the Python, for messages that need the name of what was called.
    *fixed*: names that ``code`` needs besides, for globals (and fields of such) that nothing changes. *functions*: the
    same for those that are called; where there is no function, such a name is to be None. *defines_functions*: whether
    there are any in it but itself.
    """

    name: bytes
    code: CodeType
    origins: list[int]
    text: list[str]
    fixed: dict[str, tuple[bytes, bytes | None]]
    functions: dict[str, tuple[bytes, bytes | None]]
    defines_functions: bool


def compile_chunk(
    source: bytes,
    name: bytes,
    *,
    has_environments: bool = False,
    has_fixed_globals: bool = False,
    levels: int = MAXIMUM_DEPTH,
) -> CompiledChunk:
    """Compile *source*, whose grammar may go so many *levels* deep. Raises :class:`LuaSyntaxError`.

    *has_fixed_globals*: no global changes while it is in use.
    *has_environments*: each of its functions has globals of its own, which ``setfenv`` can exchange.
    """
    main = parse(source, levels)
    try:
        with deep_enough(MAXIMUM_CHAIN * FRAMES_PER_LINK):
            resolution = resolve(main)
            resolution.has_environments, resolution.has_fixed_globals = has_environments, has_fixed_globals
            return _compiled(main, resolution, source, name)
    except (RecursionError, MemoryError, SyntaxError, IndentationError) as error:
        raise LuaSyntaxError(b"chunk has too many syntax levels", main.last_line) from error


def _compiled(main: Function, resolution: Resolution, source: bytes, name: bytes) -> CompiledChunk:
    infer(resolution)
    block = Block()
    compiler = FunctionCompiler(resolution, resolution.scopes[id(main)], block, 0, b"coroutine" in source)
    compiler.compile(MAIN)
    sections, origins = block.render()
    whole = sections[0] if len(sections) == 1 else tree_of(sections)
    code = compile(whole, "<lua>", "exec", dont_inherit=True, optimize=0)
    text = "".join(sections).splitlines()
    has_more = len(resolution.scopes) > 1
    return CompiledChunk(name, code, origins, text, resolution.fixed, resolution.fixed_functions, has_more)


class FunctionCompiler:
    """One function of a chunk. Lines go to *block*, those of the function itself indented by *depth*."""

    def __init__(
        self, resolution: Resolution, scope: FunctionScope, block: Block, depth: int, is_generator: bool
    ) -> None:
        self.resolution = resolution
        self.scope = scope
        self.block = block
        self.depth = depth
        self.is_generator = is_generator
        self.effects = 0
        self._expressions = ExpressionCompiler(self)
        self._loops = 0
        self._numbers = 0

    # The function

    def compile(self, name: str) -> None:
        """Write its definition."""
        node, scope = self.scope.function, self.scope
        parameters = [f"{parameter.python}=None" for parameter in scope.parameters]
        parameters.append("*varargs" if node.is_vararg else "*_")
        parameters += [f"{variable.python}={variable.python}" for variable in scope.upvalues if variable.is_boxed]
        if self.resolution.has_environments:
            parameters.append("fenv=[fenv[0]]")  # evaluated where the function is made: it has its maker's
        self._line(f"def {name}({', '.join(parameters)}):", node.line)
        self.depth += 1
        plain = [variable.python for variable in scope.assigned_upvalues if not variable.is_boxed]
        if plain:
            self._line(f"nonlocal {', '.join(plain)}", node.line)
        if scope.calls and scope.parent is not None:
            self._line("if next(ticks, None) is None: tick_of_calls()", node.line)
        if scope.argument_table is not None and not scope.uses_vararg:
            self._line(f"{scope.argument_table.python} = argument_table(varargs)", node.line)
        elif scope.argument_table is not None:
            self._line(f"{scope.argument_table.python} = None", node.line)
        self._statements(node.body)
        if not node.body.statements or not isinstance(node.body.statements[-1], Return):
            self._line("return ()", node.last_line)
        if self.is_generator:
            self._line("yield", node.last_line)  # never reached: it makes a generator of what yields nowhere
        self.depth -= 1

    def define(self, node: Function) -> str:
        """Write the definition of a function within this one; the text of its value."""
        self.resolution.functions += 1
        name = f"f_{self.resolution.functions}"
        FunctionCompiler(
            self.resolution, self.resolution.scopes[id(node)], self.block, self.depth, self.is_generator
        ).compile(name)
        if self.resolution.scopes[id(node)].circle:
            self._line(f"{name} = {'looping_generator' if self.is_generator else 'looping'}({name})", node.line)
        if self.is_generator:
            self._line(f"{name} = coroutine_function({name})", node.line)
        return name

    def is_always_function(self, node: Expression) -> bool:
        """Whether *node* is a local variable that only ever holds one function."""
        variable = self.resolution.meaning.get(id(node)) if isinstance(node, Name) else None
        return variable is not None and len(variable.sources) == 1 and isinstance(variable.sources[0], Function)

    @property
    def environment(self) -> str:
        """The text of the table that the globals are in."""
        return "fenv[0]" if self.resolution.has_environments else "environment"

    # Statements

    def _line(self, text: str, line: int) -> None:
        self.block.add(self.depth, text, line)

    def _statements(self, body: Body) -> None:
        for statement in body.statements:
            self._expressions.new_statement()
            self._statement(statement)

    def _body(self, body: Body, line: int) -> None:
        """An indented block, which Python does not allow to be empty."""
        self.depth += 1
        before = len(self.block)
        self._statements(body)
        if len(self.block) == before:
            self._line("pass", line)
        self.depth -= 1

    def _statement(self, node: Statement) -> None:
        match node:
            case Local():
                self._local(node)
            case LocalFunction():
                self._local_function(node)
            case Assignment():
                self._assignment(node)
            case CallStatement():
                self._line(f"({self._expressions.call(node.call)})", node.line)
            case Do():
                self._statements(node.body)
            case If():
                self._if(node)
            case While():
                self._while(node)
            case Repeat():
                self._repeat(node)
            case NumericFor():
                self._numeric_for(node)
            case GenericFor():
                self._generic_for(node)
            case Return():
                self._line(f"return ({self._expressions.result(node.values)})", node.line)
            case Break():
                self._line("break", node.line)

    # Variables

    def _local(self, node: Local) -> None:
        variables = self.resolution.declared[id(node)]
        texts = self._as_many(node.values, len(variables), node.line)
        for variable, text in zip(variables, texts, strict=True):
            self._declare(variable, text, node.line)

    def _declare(self, variable: Variable, text: str, line: int) -> None:
        self._line(f"{variable.python} = [{text}]" if variable.is_boxed else f"{variable.python} = ({text})", line)

    def _local_function(self, node: LocalFunction) -> None:
        (variable,) = self.resolution.declared[id(node)]
        if variable.is_boxed:
            self._line(f"{variable.python} = [None]", node.line)
        name = self.define(node.function)
        self._store(variable, name, node.line)

    def _store(self, variable: Variable, text: str, line: int) -> None:
        target = f"{variable.python}[0]" if variable.is_boxed else variable.python
        self._line(f"{target} = ({text})", line)

    def _as_many(self, nodes: list[Expression], wanted: int, line: int) -> list[str]:
        """Exactly so many texts for the values of *nodes*: cut off, or filled up with nil or with a call's values."""
        if len(nodes) == wanted:
            return self._expressions.values(nodes)
        if len(nodes) > wanted:
            texts = self._expressions.values(nodes)
            for number, text in enumerate(texts[:wanted]):
                if not self._expressions.is_simple(text):
                    texts[number] = self._evaluate(text, line)
            for text in texts[wanted:]:
                self._line(f"({text})", line)
            return texts[:wanted]
        if not nodes or not isinstance(nodes[-1], MULTIPLE):
            return [*self._expressions.values(nodes), *["None"] * (wanted - len(nodes))]
        missing = wanted - len(nodes) + 1
        names = [self._expressions.temporary() for _ in range(wanted)]
        given = self._expressions.arguments(nodes)
        self._line(f"{', '.join(names)}, *_ = ({given}, {', '.join(['None'] * missing)})", line)
        self.effects += 1
        return names

    def _evaluate(self, text: str, line: int) -> str:
        name = self._expressions.temporary()
        self._line(f"{name} = ({text})", line)
        return name

    def _assignment(self, node: Assignment) -> None:
        if len(node.targets) == len(node.values) == 1:
            self._assign_one(node.targets[0], node.values[0], node.line)
            return
        places = [self._place(target, node.line) for target in node.targets]
        texts = self._as_many(node.values, len(node.targets), node.line)
        names = [text if text[:1] == "t" and text[1:].isdigit() else self._evaluate(text, node.line) for text in texts]
        for (target, place), name in reversed(list(zip(zip(node.targets, places, strict=True), names, strict=True))):
            self._put(target, place, name, is_nil_possible=True, line=node.line)

    def _place(self, target: Name | Index, line: int) -> tuple[str, str] | None:
        """Container and key of an indexed target, evaluated once and for all."""
        if isinstance(target, Name):
            return None
        container, key = self._expressions.values([target.value, target.key])
        return self._evaluate(container, line), self._evaluate(key, line)

    def _assign_one(self, target: Name | Index, value: Expression, line: int) -> None:
        if isinstance(target, Name):
            text = self._expressions.value(value)
            self._put(target, None, text, is_nil_possible=True, line=line)
            return
        container, key, text = self._expressions.values([target.value, target.key, value])
        place = [container, key]
        for number, part in enumerate(place):
            if not self._expressions.is_simple(part):
                place[number] = self._evaluate(part, line)
        if not self._expressions.is_simple(text):
            text = self._evaluate(text, line)
        is_nil_possible = kind_of(value, self.resolution) is Kind.ANY and not isinstance(value, Function)
        self._put(target, (place[0], place[1]), text, is_nil_possible=is_nil_possible, line=line)

    def _put(
        self, target: Name | Index, place: tuple[str, str] | None, text: str, *, is_nil_possible: bool, line: int
    ) -> None:
        if isinstance(target, Name):
            variable = self.resolution.meaning.get(id(target))
            if variable is not None:
                self._store(variable, text, line)
            else:
                self._line(f"set_index({self.environment}, {target.name.encode()!r}, ({text}))", line)
            return
        assert place is not None
        container, key = place
        described = self._expressions._described(target.value)
        slow = f"set_index({container}, {key}, {text}{described})"
        if text == "None":
            self._line(slow, line)
            return
        checks = [f"{container}.__class__ is Table and {container}.meta is None"]
        if is_nil_possible:
            checks.append(f"{text} is not None")
        match kind_of(target.key, self.resolution):
            case Kind.ANY | Kind.BOOLEAN:
                checks.append(f"({key}.__class__ is bytes or {key}.__class__ is float and {key} == {key})")
            case Kind.FLOAT:
                checks.append(f"{key} == {key}")
        self._line(f"if {' and '.join(checks)}: {container}.hash[{key}] = {text}", line)
        self._line(f"else: {slow}", line)

    # Control

    def _if(self, node: If) -> None:
        """A condition that needs lines before it cannot be Python's ``elif``."""
        deeper = 0
        for number, (condition, body) in enumerate(node.branches):
            start = len(self.block)
            line = condition.line
            text = self._expressions.condition(condition)
            if number and len(self.block) > start:
                lines = self.block.take(start)
                self._line("else:", line)
                self.depth += 1
                deeper += 1
                self.block.extend(lines, deeper=1)
                self._line(f"if ({text}):", line)
            else:
                self._line(f"{'elif' if number else 'if'} ({text}):", line)
            self._body(body, line)
        if node.otherwise is not None and node.otherwise.statements:
            self._line("else:", node.line)
            self._body(node.otherwise, node.line)
        self.depth -= deeper

    def _enter_loop(self, line: int) -> str:
        """The name of a loop's counter."""
        self._loops += 1
        if self._loops > MAXIMUM_LOOPS:
            raise LuaSyntaxError(b"chunk has too many syntax levels", line)
        self._numbers += 1
        return f"k{self._numbers}"

    def _count(self, counter: str, line: int) -> None:
        self._line(f"{counter} -= 1", line)
        self._line(f"if not {counter}: {counter} = tick()", line)

    def _while(self, node: While) -> None:
        counter = self._enter_loop(node.line)
        self._line(f"{counter} = 1000", node.line)
        start = len(self.block)
        text = self._expressions.condition(node.condition)
        lines = self.block.take(start)
        if lines:
            self._line("while True:", node.line)
            self.block.extend(lines, deeper=1)
            self.block.add(self.depth + 1, f"if not ({text}): break", node.line)
        else:
            self._line(f"while ({text}):", node.line)
        self.depth += 1
        self._count(counter, node.line)
        self.depth -= 1
        self._body(node.body, node.line)
        self._loops -= 1

    def _repeat(self, node: Repeat) -> None:
        counter = self._enter_loop(node.line)
        self._line(f"{counter} = 1000", node.line)
        self._line("while True:", node.line)
        self.depth += 1
        self._count(counter, node.line)
        self._statements(node.body)
        statements = node.body.statements
        if not statements or not isinstance(statements[-1], Return | Break):
            self._expressions.new_statement()
            self._line(f"if ({self._expressions.condition(node.condition)}): break", node.line)
        self.depth -= 1
        self._loops -= 1

    def _numeric_for(self, node: NumericFor) -> None:
        self._enter_loop(node.line)
        (variable,) = self.resolution.declared[id(node)]
        bounds = [node.start, node.stop] if node.step is None else [node.start, node.stop, node.step]
        texts = self._expressions.values(bounds)
        name = self._expressions.temporary() if variable.is_boxed else variable.python
        self._line(f"for {name} in {mark(node.line)}numeric_for({', '.join(texts)}):", node.line)
        if variable.is_boxed:
            self.block.add(self.depth + 1, f"{variable.python} = [{name}]", node.line)
        self._body(node.body, node.line)
        self._loops -= 1

    def _generic_for(self, node: GenericFor) -> None:
        self._enter_loop(node.line)
        variables = self.resolution.declared[id(node)]
        count = len(variables)
        names = [self._expressions.temporary() if variable.is_boxed else variable.python for variable in variables]
        values = self._expressions.arguments(node.values)
        targets = ", ".join(names) + ("," if count == 1 else "")
        self._line(f"for {targets} in generic_for({count}, {values}):", node.line)
        for variable, name in zip(variables, names, strict=True):
            if variable.is_boxed:
                self.block.add(self.depth + 1, f"{variable.python} = [{name}]", node.line)
        self._body(node.body, node.line)
        self._loops -= 1
