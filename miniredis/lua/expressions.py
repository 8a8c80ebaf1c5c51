"""Expressions of Lua as expressions of Python.

The usual case is written out where it happens, and what is not usual is a call of ``operations``: ``a + b`` becomes
``(a + b if a.__class__ is b.__class__ is float else add(a, b, …))``. What the text of an expression cannot hold (a
function's definition, very deep nesting) is written in lines before it; whatever then would be evaluated too late is
put into a variable before these lines.

As in Lua, a local variable is read when an operation needs it and not before: in ``x + f()`` the ``x`` is the one that
``f`` leaves behind. An upvalue is read where it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniredis.lua.constructors import is_never_nil, sizes_of
from miniredis.lua.emitter import mark
from miniredis.lua.inference import kind_of
from miniredis.lua.nodes import (
    Binary,
    Boolean,
    Call,
    Expression,
    Function,
    Index,
    MethodCall,
    Name,
    Nil,
    Number,
    Parenthesized,
    String,
    TableConstructor,
    Unary,
    Vararg,
)
from miniredis.lua.scope import Kind
from miniredis.lua.tail_calls import called_by_name

if TYPE_CHECKING:
    from miniredis.lua.compiler import FunctionCompiler

MAXIMUM_NESTING: Final = 16
"""Expressions within each other before one is put into a variable: Python allows 200 parentheses."""

ARITHMETIC: Final = {"+": "add", "-": "subtract", "*": "multiply"}
CONSTANTS: Final = (Nil, Boolean, Number, String)
MULTIPLE: Final = (Call, MethodCall, Vararg)
"""What can have any number of values."""


class ExpressionCompiler:
    """The expressions of one function."""

    def __init__(self, compiler: FunctionCompiler) -> None:
        self._compiler = compiler
        self._resolution = compiler.resolution
        self._block = compiler.block
        self._temporaries = 0
        self._nesting = 0
        self._truths: dict[int, bool | None] = {}

    # What the statements use

    def new_statement(self) -> None:
        """The temporary variables of the statement before are free again."""
        self._temporaries = 0

    def temporary(self, prefix: str = "t") -> str:
        """A variable that nobody else uses within this statement."""
        self._temporaries += 1
        return f"{prefix}{self._temporaries}"

    def value(self, node: Expression) -> str:
        """The text of the one value of *node*."""
        self._nesting += 1
        text = self._value(node)
        self._nesting -= 1
        if self._nesting and self._nesting % MAXIMUM_NESTING == 0 and not self.is_simple(text):
            name = self.temporary()
            self._line(f"{name} = ({text})", node.line)
            return name
        return text

    def values(self, nodes: list[Expression]) -> list[str]:
        """The texts of one value for each of *nodes*, to be evaluated in this order."""
        texts: list[str] = []
        for node in nodes:
            before = self._now()
            text = self.value(node)
            if self._has_effects(before):
                self._evaluate_before(before[0], texts, node.line)
            texts.append(text)
        return texts

    def _operands(self, left: Expression, right: Expression) -> list[str]:
        """The texts of both operands of an operation, to be evaluated in this order."""
        texts = [self.value(left)]
        if self._is_changing_upvalue(left) and not isinstance(right, (Name, Function, *CONSTANTS)):
            texts = [f"({texts[0]})"]  # no simple text any more: it is put into a variable before the other is read
        before = self._now()
        text = self.value(right)
        if self._has_effects(before):
            self._evaluate_before(before[0], texts, right.line)
        return [*texts, text]

    def _is_changing_upvalue(self, node: Expression) -> bool:
        variable = self._resolution.meaning.get(id(node))
        return variable is not None and variable.scope is not self._compiler.scope and len(variable.sources) > 1

    def _is_changing_local(self, node: Expression) -> bool:
        """Whether a function that is called could change the local variable that *node* names."""
        variable = self._resolution.meaning.get(id(node))
        return variable is not None and variable.scope is self._compiler.scope and variable.captured

    def arguments(self, nodes: list[Expression], first: list[str] | None = None) -> str:
        """The text of a list, the last expression of which may have any number of values; *first* come before them."""
        if not nodes or not isinstance(nodes[-1], MULTIPLE):
            return ", ".join([*(first or []), *self.values(nodes)])
        texts = self.values(nodes[:-1])
        before = self._now()
        last = self.expanded(nodes[-1])
        if self._has_effects(before):
            self._evaluate_before(before[0], texts, nodes[-1].line)
        return ", ".join([*(first or []), *texts, last])

    def expanded(self, node: Expression) -> str:
        """The text ``*values`` of all values of *node*."""
        if isinstance(node, Vararg):
            return "*varargs"
        self._nesting += 1
        text = self.call(node)
        self._nesting -= 1
        if self._nesting and self._nesting % MAXIMUM_NESTING == 0:
            name = self.temporary()
            self._line(f"{name} = ({text})", node.line)
            return f"*({name} if {name}.__class__ is tuple else ({name},))"
        return f"*(r if (r := {text}).__class__ is tuple else (r,))"

    def result(self, nodes: list[Expression]) -> str:
        """The text of what ``return`` with these expressions returns."""
        if not nodes:
            return "()"
        if len(nodes) == 1:
            if isinstance(nodes[0], Call | MethodCall):
                is_circle = called_by_name(nodes[0]) in self._compiler.scope.circle
                return self.call(nodes[0], "tail_call" if is_circle else "")
            return "varargs" if isinstance(nodes[0], Vararg) else self.value(nodes[0])
        return f"({self.arguments(nodes)})"

    def condition(self, node: Expression) -> str:
        """The text of something that Python takes for true where *node* is."""
        match node:
            case Parenthesized():
                return self.condition(node.expression)
            case Unary(operator="not"):
                return f"(not {self.condition(node.operand)})"
            case Binary(operator="and" | "or"):
                return self._short_condition(node)
            case Nil() | Boolean(value=False):
                return "False"
            case Boolean() | Number() | String() | Function() | TableConstructor():
                return "True" if not isinstance(node, Function | TableConstructor) else f"({self.value(node)}, )"
        kind = kind_of(node, self._resolution)
        text = self.value(node)
        if kind is Kind.BOOLEAN:
            return text
        if kind is not Kind.ANY:
            return f"({text}, )"
        return self._is_true(text)

    def is_simple(self, text: str) -> bool:
        """Whether *text* is a variable or a constant: nothing happens when it is evaluated, however often."""
        return text.isidentifier() or (text[:1] in "b0123456789" and self._is_constant(text))

    def named(self, text: str, prefix: str = "t") -> tuple[str, str]:
        """*text* for the first and for every other time that its value is needed."""
        if self.is_simple(text):
            return text, text
        name = self.temporary(prefix)
        return f"({name} := {text})", name

    # Values

    def _value(self, node: Expression) -> str:
        match node:
            case Nil():
                return "None"
            case Boolean():
                return "True" if node.value else "False"
            case Number():
                return self._number(node.value)
            case String():
                return repr(node.value)
            case Vararg():
                return "(varargs[0] if varargs else None)"
            case Function():
                return self._compiler.define(node)
            case Name():
                return self._name(node)
            case Index():
                return self._index(node)
            case Call() | MethodCall():
                return f"(r if (r := {self.call(node)}).__class__ is not tuple else one(r))"
            case Unary():
                return self._unary(node)
            case Binary():
                return self._binary(node)
            case Parenthesized():
                return self.value(node.expression)
            case TableConstructor():
                return self._table(node)

    def _number(self, number: float) -> str:
        if number == 0.0:
            scope = self._compiler.scope
            if scope.zero is None:
                scope.zero = number
            number = scope.zero
        return number_text(number)

    def _name(self, node: Name) -> str:
        variable = self._resolution.meaning.get(id(node))
        if variable is not None:
            return f"{variable.python}[0]" if variable.is_boxed else variable.python
        key = repr(node.name.encode())
        fixed = self._fixed(node.name, None)
        if fixed:
            return f"({fixed} if {fixed} is not None else {self._unusual(node)})"
        environment = self._compiler.environment
        found = "fenv[0].hash.get" if self._resolution.has_environments else "get_global"
        return f"(v if (v := {found}({key})) is not None else {mark(node.line)}index({environment}, {key}))"

    def _fixed(self, name: str, field: bytes | None) -> str:
        """The name in Python of a global that nothing can change, or of such a field of it; empty if it is none."""
        if not self._resolution.has_fixed_globals:
            return ""
        text = "" if field is None else field.decode("latin-1")
        if field is not None and not (text.isidentifier() and text.isascii()):
            return ""
        fixed = f"g_{len(name)}_{name}_{text}"
        self._resolution.fixed[fixed] = name.encode(), field
        return fixed

    def _fixed_at(self, node: Expression) -> str:
        """As :meth:`_fixed`, for an expression that may be a global, or a field of one."""
        if isinstance(node, Name) and id(node) not in self._resolution.meaning:
            return self._fixed(node.name, None)
        if (
            isinstance(node, Index)
            and isinstance(node.value, Name)
            and isinstance(node.key, String)
            and id(node.value) not in self._resolution.meaning
        ):
            return self._fixed(node.value.name, node.key.value)
        return ""

    def _fixed_function(self, node: Expression) -> str:
        """The name in Python of a function that nothing can change; it means None if there is none. Empty if *node* may
        be any other.

        Like the variables that other functions are called by, it begins as messages want to find it.
        """
        fixed = self._fixed_at(node)
        if not fixed:
            return ""
        meaning = self._resolution.fixed[fixed]
        functions = self._resolution.fixed_functions
        for name, known in functions.items():
            if known == meaning:
                return name
        name = f"c_{_called(node)}_0{len(functions)}"  # the numbers of variables do not begin with 0
        functions[name] = meaning
        return name

    def _index(self, node: Index) -> str:
        fixed = self._fixed_at(node)
        return f"({fixed} if {fixed} is not None else {self._unusual(node)})" if fixed else self._looked_up(node)

    def _looked_up(self, node: Index) -> str:
        container, key = self._operands(node.value, node.key)
        described = self._described(node.value)
        checks = ""
        kind = kind_of(node.key, self._resolution)
        if kind is Kind.BOOLEAN or (self.is_simple(container) and not container.isidentifier()):
            return f"{mark(node.line)}index({container}, {key}{described})"
        if kind is Kind.ANY:
            checks = "{key}.__class__ is not bool and "
        if self.is_simple(key):
            first, again = self.named(container)
            begin = f"{first}.__class__ is Table and "
        else:
            first, again = self.named(container)
            key_first, key = self.named(key)
            if first == again:
                begin = f"{key_first} is not {first} and {again}.__class__ is Table and "
            else:
                begin = f"{first} is not {key_first} and {again}.__class__ is Table and "
        return (
            f"(v if {begin}{checks.format(key=key)}(v := {again}.hash.get({key})) is not None"
            f" else {mark(node.line)}index({again}, {key}{described}))"
        )

    def call(self, node: Expression, by: str = "") -> str:
        """The text of all values of a call: one as it is, any other number in a tuple.

        *by* is the function that makes it, if it is not made where it stands.
        """
        if isinstance(node, MethodCall):
            target, first = self._method(node)
            arguments = node.arguments
        else:
            assert isinstance(node, Call)
            target, first = self._function(node), []
            arguments = node.arguments
        before = self._now()
        given = self.arguments(arguments, first)
        if self._has_effects(before):
            texts = [target]
            self._evaluate_before(before[0], texts, node.line)
            target = texts[0]
        separator = ", " if given else ""
        if by:
            return f"{mark(node.line)}{by}({target}{separator}{given})"
        if self._compiler.is_generator:
            return f"{mark(node.line)}(yield from resume({target}{separator}{given}))"
        return f"{mark(node.line)}{target}({given})"

    def _function(self, node: Call) -> str:
        if self._compiler.is_always_function(node.function):
            return self.value(node.function)
        fixed = self._fixed_function(node.function)
        text = self._unusual(node.function) if fixed else self.value(node.function)
        first, again = self.named(text, f"c_{_called(node.function)}_")
        function = f"({again} if {first}.__class__ is Function else callee({again}{self._described(node.function)}))"
        return f"({fixed} or {function})" if fixed else function

    def _unusual(self, node: Expression) -> str:
        """A global, or a field of one, looked up where it is not expected to be: in the shortest text."""
        if isinstance(node, Index):
            key = self.value(node.key)
            return f"{mark(node.line)}index({self._unusual(node.value)}, {key}{self._described(node.value)})"
        assert isinstance(node, Name)
        return f"{mark(node.line)}index({self._compiler.environment}, {node.name.encode()!r})"

    def _method(self, node: MethodCall) -> tuple[str, list[str]]:
        first, receiver = self.named(self.value(node.receiver), "o")
        key = repr(node.method.encode())
        name = self.temporary(f"m_{node.method}_")
        found = (
            f"(v if {first}.__class__ is Table and (v := {receiver}.hash.get({key})) is not None"
            f" else {mark(node.line)}index({receiver}, {key}{self._described(node.receiver)}))"
        )
        described = f', "method {node.method!r}"'
        return f"({name} if ({name} := {found}).__class__ is Function else callee({name}{described}))", [receiver]

    def _unary(self, node: Unary) -> str:
        if node.operator == "not":
            return f"(not {self.condition(node.operand)})"
        if node.operator == "-":
            if isinstance(node.operand, Number):
                return f"({self._number(-node.operand.value)})"
            text = self.value(node.operand)
            if kind_of(node.operand, self._resolution) is Kind.FLOAT:
                return f"(-{text})"
            first, again = self.named(text)
            negated = f"{mark(node.line)}negate({again}{self._described(node.operand)})"
            return f"(-{again} if {first}.__class__ is float else {negated})"
        return f"{mark(node.line)}length({self.value(node.operand)}{self._described(node.operand)})"

    def _binary(self, node: Binary) -> str:
        match node.operator:
            case "and" | "or":
                return self._short(node)
            case "==":
                return self._equal(node)
            case "~=":
                return f"(not {self._equal(node)})"
            case "..":
                return self._concatenation(node)
            case "<" | "<=" | ">" | ">=":
                return self._comparison(node)
        left, right = self._operands(node.left, node.right)
        kinds = [kind_of(side, self._resolution) for side in (node.left, node.right)]
        described = self._described_both(node.left, node.right)
        if node.operator in ARITHMETIC:
            return self._arithmetic(node, left, right, kinds, f"{ARITHMETIC[node.operator]}(%s, %s{described})")
        name = {"/": "divide", "%": "modulo", "^": "power"}[node.operator]
        if isinstance(node.right, Number) and node.right.value not in (0.0, float("inf")):
            first, again = self.named(left)
            plain = {
                "/": f"{again} / {right}",
                "%": f"{again} - ({again} / {right} // 1.0) * {right}" if node.right.value >= 1.0 else "",
            }.get(node.operator)
            if plain:
                slow = f"{mark(node.line)}{name}({again}, {right}{described})"
                return f"({plain} if {first}.__class__ is float else {slow})"
        if self._is_changing_local(node.left) and not self.is_simple(right):
            first = self.temporary()
            return f"({mark(node.line)}{name}({left}, {first}{described}) if ({first} := {right},) else None)"
        return f"{mark(node.line)}{name}({left}, {right}{described})"

    def _arithmetic(self, node: Binary, left: str, right: str, kinds: list[Kind], slow: str) -> str:
        operator = node.operator
        if kinds == [Kind.FLOAT, Kind.FLOAT]:
            return f"({left} {operator} {right})"
        left_first, left = self.named(left)
        right_first, right = self.named(right)
        if kinds[0] is Kind.FLOAT and left_first == left:
            asked = f"{right_first}.__class__ is float"
        elif kinds[1] is Kind.FLOAT and right_first == right:
            asked = f"{left_first}.__class__ is float"
        else:
            asked = self._both_are_floats(left_first, left, right_first)
        return f"({left} {operator} {right} if {asked} else {mark(node.line)}{slow % (left, right)})"

    def _both_are_floats(self, left_first: str, left: str, right_first: str) -> str:
        """A variable on the left is looked at last: what stands on the right may change it."""
        first, second = (right_first, left) if left_first == left else (left_first, right_first)
        return f"{first}.__class__ is {second}.__class__ is float"

    def _comparison(self, node: Binary) -> str:
        left, right = self._operands(node.left, node.right)
        kinds = [kind_of(side, self._resolution) for side in (node.left, node.right)]
        if node.operator in ("<", "<="):
            slow = ("less" if node.operator == "<" else "less_or_equal") + "(%s, %s)"
            return self._arithmetic(node, left, right, kinds, slow)
        # a > b is b < a, but a is evaluated first.
        name = "less" if node.operator == ">" else "less_or_equal"
        if kinds == [Kind.FLOAT, Kind.FLOAT]:
            return f"({left} {node.operator} {right})"
        left_first, left = self.named(left)
        right_first, right = self.named(right)
        asked = self._both_are_floats(left_first, left, right_first)
        return f"({left} {node.operator} {right} if {asked} else {mark(node.line)}{name}({right}, {left}))"

    def _equal(self, node: Binary) -> str:
        if isinstance(node.left, CONSTANTS) and isinstance(node.right, CONSTANTS):
            same = node.left.__class__ is node.right.__class__
            return str(same and getattr(node.left, "value", None) == getattr(node.right, "value", None))
        for constant, other in ((node.left, node.right), (node.right, node.left)):
            match constant:
                case Nil():
                    return f"({self.value(other)} is None)"
                case Boolean():
                    return f"({self.value(other)} is {constant.value})"
                case String():
                    return f"({self.value(other)} == {constant.value!r})"
                case Number() if constant.value not in (0.0, 1.0):
                    return f"({self.value(other)} == {number_text(constant.value)})"
        left, right = self._operands(node.left, node.right)
        if Kind.FLOAT is kind_of(node.left, self._resolution) is kind_of(node.right, self._resolution):
            return f"({left} == {right})"
        left_first, left = self.named(left)
        right_first, right = self.named(right)
        return (
            f"({left} == {right} if {left_first}.__class__ is {right_first}.__class__ is not Table"
            f" else {mark(node.line)}equal({left}, {right}))"
        )

    def _concatenation(self, node: Binary) -> str:
        operands: list[Expression] = [node.left]
        rest = node.right
        while isinstance(rest, Binary) and rest.operator == "..":
            operands.append(rest.left)
            rest = rest.right
        operands.append(rest)
        texts = self.values(operands)
        described = [self._description(operand) for operand in operands]
        names = f", {tuple(described)!r}" if any(described) else ""
        return f"{mark(node.line)}concatenate(({', '.join(texts)}){names})"

    def _short(self, node: Binary) -> str:
        """``and`` and ``or`` for their values."""
        if (truth := self._known_truth(node.left)) is not None:
            return self.value(node.right if truth is (node.operator == "and") else node.left)
        left = self.value(node.left)
        before = self._now()
        right = self.value(node.right)
        if self._has_effects(before):
            return self._short_in_lines(node, left, before[0], right)
        if kind_of(node.left, self._resolution) is Kind.BOOLEAN:
            return f"({left} {node.operator} {right})"
        first, again = self.named(left)
        asked = f"({first} is not None and {again} is not False)"
        if node.operator == "and":
            return f"({right} if {asked} else {again})"
        return f"({again} if {asked} else {right})"

    def _short_in_lines(self, node: Binary, left: str, before: int, right: str) -> str:
        lines = self._block.take(before)
        name = self.temporary()
        depth = self._compiler.depth
        self._line(f"{name} = ({left})", node.line)
        negation = "" if node.operator == "and" else "not "
        self._line(f"if {negation}({name} is not None and {name} is not False):", node.line)
        self._block.extend(lines, deeper=1)
        self._block.add(depth + 1, f"{name} = ({right})", node.line)
        return name

    def _short_condition(self, node: Binary) -> str:
        start = len(self._block)
        left = self.condition(node.left)
        before = self._now()
        right = self.condition(node.right)
        if self._has_effects(before):
            self._block.take(start)
            return self._is_true(self.value(node))
        return f"({left} {node.operator} {right})"

    def _is_true(self, text: str) -> str:
        first, again = self.named(text)
        return f"({first} is not None and {again} is not False)"

    def _table(self, node: TableConstructor) -> str:
        fields = node.fields
        if not fields:
            return "Table({})"
        positional = [field for field in fields if field.key is None]
        keyed = [field.key for field in fields if field.key is not None]
        if any(not isinstance(key, String) for key in keyed):
            return self._general_table(node)
        expanded = isinstance(positional[-1].value, MULTIPLE) if positional and fields[-1].key is None else False
        inline = fields[:-1] if expanded else fields
        texts = self.values([field.value for field in inline])
        number = 0
        items: list[str] = []
        for field, text in zip(inline, texts, strict=True):
            if field.key is None:
                number += 1
                items.append(f"{number_text(float(number))}: {text}")
            else:
                assert isinstance(field.key, String)
                items.append(f"{field.key.value!r}: {text}")
        content = "{" + ", ".join(items) + "}"
        sizes = sizes_of(node, expanded)
        if expanded:
            before = self._now()
            last = self.expanded(fields[-1].value)
            if self._has_effects(before):
                texts = [content]
                self._evaluate_before(before[0], texts, node.line)
                content = texts[0]
            return f"table_with({content}, {number}, {sizes}, {last})"
        is_whole = all(is_never_nil(field.value) for field in fields)
        return f"{'Table' if is_whole else 'table_of'}({content}, {number}, {sizes})"

    def _general_table(self, node: TableConstructor) -> str:
        """Keys that may be anything, in turn with their values; ``Table``, which is no value, for no key."""
        last = node.fields[-1]
        expanded = last.key is None and isinstance(last.value, MULTIPLE)
        inline = node.fields[:-1] if expanded else node.fields
        texts = self.values([part for field in inline for part in (field.key, field.value) if part is not None])
        items: list[str] = []
        for field in inline:
            if field.key is None:
                items += ["Table", texts.pop(0)]
                continue
            key, text = texts.pop(0), texts.pop(0)
            if not isinstance(field.key, Number | String):  # a wrong key is noticed before the next field is looked at
                first, key = self.named(key)
                items += [first, f"{mark(field.line)}value_for({key}, {text})"]
            else:
                items += [key, text]
        rest = f", {self.expanded(last.value)}" if expanded else ""
        return f"{mark(node.line)}table_from(({', '.join(items)}, ), {sizes_of(node, expanded)}{rest})"

    def _known_truth(self, node: Expression) -> bool | None:
        """Whether a constant is true, or what constants alone decide; None for what is neither."""
        match node:
            case Nil() | Boolean(value=False):
                return False
            case Boolean() | Number() | String():
                return True
            case Parenthesized():
                return self._known_truth(node.expression)
            case Binary(operator="and" | "or"):
                if id(node) not in self._truths:
                    truth = self._known_truth(node.left)
                    if truth is (node.operator == "and"):
                        truth = self._known_truth(node.right)
                    self._truths[id(node)] = truth
                return self._truths[id(node)]
        return None

    # Names in error messages

    def _described(self, node: Expression) -> str:
        """A further argument with what errors call the value of *node*; nothing where it has no name."""
        description = self._description(node)
        return f", {description!r}" if description else ""

    def _described_both(self, left: Expression, right: Expression) -> str:
        names = self._description(left), self._description(right)
        return f", {names[0]!r}, {names[1]!r}" if any(names) else ""

    def _description(self, node: Expression) -> str:
        match node:
            case Name():
                variable = self._resolution.meaning.get(id(node))
                if variable is None:
                    return f"global '{node.name}'"
                kind = "local" if variable.scope is self._compiler.scope else "upvalue"
                return f"{kind} '{node.name}'"
            case Index():
                return f"field '{_key_name(node) or '?'}'"
            case Parenthesized() | Binary():
                folded = _folded(node)
                return "" if folded is node else self._description(folded)
        return ""

    # Lines before the expression

    def _line(self, text: str, line: int) -> None:
        self._block.add(self._compiler.depth, text, line)
        self._compiler.effects += 1

    def _now(self) -> tuple[int, int]:
        """How many lines there are, and how many of them do more than define a function."""
        return len(self._block), self._compiler.effects

    def _has_effects(self, before: tuple[int, int]) -> bool:
        """Whether lines that do more than define a function were written since *before*."""
        return self._compiler.effects > before[1]

    def _evaluate_before(self, at: int, texts: list[str], line: int) -> None:
        """Put what is not simple of *texts* into variables, before the lines from *at* on."""
        for number, text in enumerate(texts):
            if self._is_constant(text) or (text.startswith("t") and text[1:].isdigit()):
                continue
            name = self.temporary()
            self._block.insert(at, self._compiler.depth, f"{name} = ({text})", line)
            at += 1
            texts[number] = name

    @staticmethod
    def _is_constant(text: str) -> bool:
        if text in ("None", "True", "False", "inf", "nan"):
            return True
        if text[:2] in ("b'", 'b"'):
            return text.count(text[1]) == 2 + text.count("\\" + text[1]) and text.endswith(text[1])
        return text[:1].isdigit() and text.replace(".", "").replace("e", "").replace("+", "").replace("-", "").isdigit()


def number_text(number: float) -> str:
    """A number as Python writes it, in the names that compiled code has for those without digits."""
    if number - number == 0.0:
        return repr(number)
    return ("-inf" if number < 0 else "inf") if number == number else "nan"


def _folded(node: Expression) -> Expression:
    """What PUC's compiler keeps of *node*: no parentheses, and no constants that ``and`` and ``or`` pass over."""
    match node:
        case Parenthesized():
            return _folded(node.expression)
        case Binary(operator="and" | "or") if _truth_of_constant(_folded(node.left)) is (node.operator == "and"):
            return _folded(node.right)
    return node


def _truth_of_constant(node: Expression) -> bool | None:
    match node:
        case Nil() | Boolean(value=False):
            return False
        case Boolean() | Number() | String():
            return True
        case Unary(operator="not"):
            truth = _truth_of_constant(_folded(node.operand))
            return None if truth is None else not truth
        case Unary(operator="-") if isinstance(_folded(node.operand), Number):
            return True
    return None


def _key_name(node: Index) -> str:
    """The key as messages say it; nothing where it is no constant string."""
    key = _folded(node.key)
    return key.value.partition(b"\0")[0].decode("latin-1") if isinstance(key, String) else ""


def _called(node: Expression) -> str:
    """The name by which a function is called, as messages about its arguments say it; ``_`` for none."""
    match node:
        case Parenthesized():
            return _called(node.expression)
        case Name():
            return node.name
        case Index():
            name = _key_name(node)
            return name if name.isidentifier() and name.isascii() else "_"
    return "_"
