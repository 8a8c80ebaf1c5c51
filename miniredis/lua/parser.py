"""Lua's grammar: tokens to a tree, by recursive descent, with the errors of Lua's own parser in its words.

Limits that Lua puts on a chunk (locals, upvalues, depth) are part of the language that scripts can see, and so are
kept: the depth here, those of variables in ``scope``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from miniredis.lua.lexer import END, ERROR, NAME, STRING, Token, tokenize
from miniredis.lua.nodes import (
    Assignment,
    Binary,
    Block,
    Boolean,
    Break,
    Call,
    CallStatement,
    Do,
    Expression,
    Function,
    GenericFor,
    If,
    Index,
    Local,
    LocalFunction,
    MethodCall,
    Name,
    Nil,
    Number,
    NumericFor,
    Parenthesized,
    Repeat,
    Return,
    Statement,
    String,
    TableConstructor,
    TableField,
    Unary,
    Vararg,
    While,
)

MAXIMUM_DEPTH: Final = 200
"""Blocks and expressions within each other (LUAI_MAXCCALLS), of which whoever calls the parser has used up some."""

FRAMES_PER_LEVEL: Final = 8
"""How many calls in Python one level of the grammar may take."""

BLOCK_ENDS: Final = frozenset(("else", "elseif", "end", "until", END))

UNARY: Final = frozenset(("not", "-", "#"))
UNARY_PRIORITY: Final = 8
BINARY_PRIORITY: Final = {
    "+": (6, 6),
    "-": (6, 6),
    "*": (7, 7),
    "/": (7, 7),
    "%": (7, 7),
    "^": (10, 9),
    "..": (5, 4),
    "~=": (3, 3),
    "==": (3, 3),
    "<": (3, 3),
    "<=": (3, 3),
    ">": (3, 3),
    ">=": (3, 3),
    "and": (2, 2),
    "or": (1, 1),
}
"""How strongly an operator binds what is left and right of it: a weaker right side makes it right associative."""


class LuaSyntaxError(Exception):
    """A chunk that is no Lua: *message* as Lua words it, without the position, and the *line*."""

    def __init__(self, message: bytes, line: int) -> None:
        super().__init__(message, line)
        self.message = message
        self.line = line


def limit_error(function_line: int, limit: int, what: str, line: int) -> LuaSyntaxError:
    """Too much of something in the function that begins on *function_line*, which is 0 for the chunk itself."""
    where = f"function at line {function_line}" if function_line else "main function"
    return LuaSyntaxError(f"{where} has more than {limit} {what}".encode(), line)


def parse(source: bytes, levels: int = MAXIMUM_DEPTH) -> Function:
    """The main function of the chunk, whose grammar may go so many *levels* deep. Raises :class:`LuaSyntaxError`."""
    with deep_enough(MAXIMUM_DEPTH * FRAMES_PER_LEVEL):
        return _Parser(tokenize(source), levels).chunk()


def is_refused_whatever_follows(source: bytes) -> bool:
    """Whether *source*, which ends between two tokens, has a mistake in it that more text cannot mend."""
    try:
        parse(source)
    except LuaSyntaxError as error:
        return not error.message.endswith(b"near '<eof>'")
    return False


@contextmanager
def deep_enough(frames: int) -> Iterator[None]:
    """Python's recursion limit raised so that there is room for so many *frames*."""
    before = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while (frame := frame.f_back) is not None:  # type: ignore[assignment]
        depth += 1
    sys.setrecursionlimit(max(before, depth + frames + 100))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Parser:
    def __init__(self, tokens: list[Token], levels: int) -> None:
        self._tokens = tokens
        self._levels = levels
        self._position = 0
        self._last_line = 1
        self._depth = 0
        self._loops = 0
        self._is_vararg = True
        self._function_line = 0
        self._token = tokens[0]
        self._kind = self._token.kind
        self._check_lexical_error()

    # Tokens

    def _advance(self) -> Token:
        """Go on to the next token; the one before is the result."""
        token = self._token
        self._last_line = token.line
        self._position += 1
        self._token = self._tokens[self._position]
        self._kind = self._token.kind
        if self._kind is ERROR:
            self._check_lexical_error()
        return token

    def _next_kind(self) -> str:
        """Go on, and tell what comes."""
        self._advance()
        return self._kind

    def _check_lexical_error(self) -> None:
        if self._kind is ERROR:
            token = self._token
            raise LuaSyntaxError(
                b"%b near '%b'" % (str(token.value).encode(), token.near.partition(b"\0")[0]), token.line
            )

    def _accept(self, kind: str) -> bool:
        if self._kind == kind:
            self._advance()
            return True
        return False

    def _expect(self, kind: str) -> Token:
        if self._kind != kind:
            self._fail(f"'{kind}' expected")
        return self._advance()

    def _close(self, kind: str, opening: str, line: int) -> None:
        """Expect *kind*, which closes what *opening* on *line* has begun."""
        if self._kind == kind:
            self._advance()
        elif line == self._token.line:
            self._fail(f"'{kind}' expected")
        else:
            self._fail(f"'{kind}' expected (to close '{opening}' at line {line})")

    def _name(self) -> str:
        if self._kind is not NAME:
            self._fail("'<name>' expected")
        return str(self._advance().value)

    def _fail(self, message: str) -> NoReturn:
        raise LuaSyntaxError(message.encode() + self._near(), self._token.line)

    def _near(self) -> bytes:
        token = self._token
        if token.kind == "\0":  # to Lua's lexer, the number of no token
            return b""
        return b" near '%b'" % (token.near or token.kind.encode()).partition(b"\0")[0]

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > self._levels:
            raise LuaSyntaxError(b"chunk has too many syntax levels", self._token.line)

    # Statements

    def chunk(self) -> Function:
        """The whole chunk, as a function of any arguments."""
        body = self._block()
        if self._kind is not END:
            self._fail(f"'{END}' expected")
        return Function(0, self._token.line, [], True, body)

    def _block(self) -> Block:
        self._enter()
        statements: list[Statement] = []
        while self._kind not in BLOCK_ENDS:
            statement = self._statement()
            statements.append(statement)
            self._accept(";")
            if statement.__class__ is Return or statement.__class__ is Break:
                break
        self._depth -= 1
        return Block(statements)

    def _statement(self) -> Statement:
        line = self._token.line
        match self._kind:
            case "if":
                return self._if(line)
            case "while":
                self._advance()
                condition = self._expression()
                self._expect("do")
                body = self._loop_body()
                self._close("end", "while", line)
                return While(line, condition, body)
            case "do":
                self._advance()
                body = self._block()
                self._close("end", "do", line)
                return Do(line, body)
            case "for":
                return self._for(line)
            case "repeat":
                self._advance()
                body = self._loop_body()
                until = self._token.line
                self._close("until", "repeat", line)
                return Repeat(until, body, self._expression())
            case "function":
                return self._function_statement(line)
            case "local":
                self._advance()
                return self._local_function(line) if self._accept("function") else self._local(line)
            case "return":
                following = self._next_kind()
                ends = following in BLOCK_ENDS or following == ";"
                return Return(line, [] if ends else self._expressions())
            case "break":
                self._advance()
                if not self._loops:
                    self._fail("no loop to break")
                return Break(line)
        return self._expression_statement(line)

    def _loop_body(self) -> Block:
        self._loops += 1
        body = self._block()
        self._loops -= 1
        return body

    def _if(self, line: int) -> If:
        branches: list[tuple[Expression, Block]] = []
        otherwise: Block | None = None
        while True:
            self._advance()  # if, elseif
            condition = self._expression()
            self._expect("then")
            branches.append((condition, self._block()))
            if self._kind != "elseif":
                break
        if self._accept("else"):
            otherwise = self._block()
        self._close("end", "if", line)
        return If(line, branches, otherwise)

    def _for(self, line: int) -> NumericFor | GenericFor:
        self._advance()
        name = self._name()
        loop: NumericFor | GenericFor
        if self._kind == "=":
            self._advance()
            start = self._expression()
            self._expect(",")
            stop = self._expression()
            step = self._expression() if self._accept(",") else None
            at = self._expect("do").line  # where Lua looks at the three
            loop = NumericFor(at, name, start, stop, step, self._loop_body())
        elif self._kind in (",", "in"):
            names = [name]
            while self._accept(","):
                names.append(self._name())
            self._expect("in")
            at = self._token.line
            values = self._expressions()
            self._expect("do")
            loop = GenericFor(at, names, values, self._loop_body())
        else:
            self._fail("'=' or 'in' expected")
        self._close("end", "for", line)
        return loop

    def _function_statement(self, line: int) -> Assignment:
        self._advance()
        at = self._token.line
        text = self._name()
        target: Name | Index = Name(at, text)
        is_method = False
        while self._kind in (".", ":"):
            is_method = self._advance().kind == ":"
            at = self._token.line
            key = self._name()
            text += (":" if is_method else ".") + key
            target = Index(at, target, String(at, key.encode()))
            if is_method:
                break
        function = self._function_body(line, text, ["self"] if is_method else [])
        return Assignment(line, [target], [function])

    def _local_function(self, line: int) -> LocalFunction:
        name = self._name()
        return LocalFunction(line, name, self._function_body(self._token.line, name, []))

    def _local(self, line: int) -> Local:
        names = [self._name()]
        while self._accept(","):
            names.append(self._name())
        values = self._expressions() if self._accept("=") else []
        return Local(line, names, values)

    def _expression_statement(self, line: int) -> CallStatement | Assignment:
        expression = self._primary()
        if isinstance(expression, Call | MethodCall):
            return CallStatement(line, expression)
        targets = [self._target(expression)]
        most = self._levels - self._depth
        while self._accept(","):
            expression = self._primary()
            if len(targets) > most:
                raise limit_error(self._function_line, most, "variables in assignment", self._token.line)
            targets.append(self._target(expression))
        if self._kind != "=":
            # What is neither called nor assigned to: Lua notices at the sign that is missing.
            self._fail("'=' expected")
        self._advance()
        values = self._expressions()
        return Assignment(self._last_line, targets, values)

    def _target(self, expression: Expression) -> Name | Index:
        if not isinstance(expression, Name | Index):
            self._fail("syntax error")
        return expression

    # Expressions

    def _expressions(self) -> list[Expression]:
        expressions = [self._expression()]
        while self._kind == ",":
            self._advance()
            expressions.append(self._expression())
        return expressions

    def _expression(self, limit: int = 0) -> Expression:
        """An expression whose operators bind more strongly than *limit*."""
        self._enter()
        left: Expression
        if self._kind in UNARY:
            operator = self._advance().kind
            operand = self._expression(UNARY_PRIORITY)
            left = Unary(self._last_line, operator, operand)
        else:
            left = self._simple()
        while (priority := BINARY_PRIORITY.get(self._kind)) is not None and priority[0] > limit:
            operator = self._advance().kind
            right = self._expression(priority[1])
            left = Binary(self._last_line, operator, left, right)
        self._depth -= 1
        return left

    def _simple(self) -> Expression:
        token = self._token
        match self._kind:
            case "<number>":
                self._advance()
                return Number(token.line, float(token.value))
            case "<string>":
                self._advance()
                assert isinstance(token.value, bytes)
                return String(token.line, token.value)
            case "nil":
                self._advance()
                return Nil(token.line)
            case "true" | "false":
                self._advance()
                return Boolean(token.line, token.kind == "true")
            case "...":
                if not self._is_vararg:
                    self._fail("cannot use '...' outside a vararg function")
                self._advance()
                return Vararg(token.line)
            case "{":
                return self._table()
            case "function":
                self._advance()
                return self._function_body(token.line, "", [])
        return self._primary()

    def _primary(self) -> Expression:
        """A name or something in parentheses, and whatever is indexed and called after it."""
        expression: Expression
        token = self._token
        if self._kind is NAME:
            self._advance()
            expression = Name(token.line, str(token.value))
        elif self._kind == "(":
            self._advance()
            inner = self._expression()
            self._close(")", "(", token.line)
            expression = Parenthesized(token.line, inner)
        else:
            self._fail("unexpected symbol")
        while True:
            match self._kind:
                case ".":
                    self._advance()
                    line = self._token.line
                    expression = Index(line, expression, String(line, self._name().encode()))
                case "[":
                    self._advance()
                    key = self._expression()
                    self._expect("]")
                    expression = Index(self._last_line, expression, key)
                case ":":
                    self._advance()
                    method = self._name()
                    line = self._token.line
                    expression = MethodCall(line, expression, method, self._arguments())
                case "(" | "<string>" | "{":
                    line = self._token.line
                    expression = Call(line, expression, self._arguments())
                case _:
                    return expression

    def _arguments(self) -> list[Expression]:
        token = self._token
        if self._kind == "(":
            if token.line != self._last_line:
                self._fail("ambiguous syntax (function call x new statement)")
            arguments = [] if self._next_kind() == ")" else self._expressions()
            self._close(")", "(", token.line)
            return arguments
        if self._kind == "{":
            return [self._table()]
        if self._kind is not STRING:
            self._fail("function arguments expected")
        self._advance()
        assert isinstance(token.value, bytes)
        return [String(token.line, token.value)]

    def _table(self) -> TableConstructor:
        line = self._expect("{").line
        fields: list[TableField] = []
        while self._kind != "}":
            at = self._token.line
            key: Expression | None = None
            if self._kind is NAME and self._tokens[self._position + 1].kind == "=":
                name = self._name()
                key = String(at, name.encode())
                self._advance()
            elif self._kind == "[":
                self._advance()
                key = self._expression()
                self._expect("]")
                self._expect("=")
            value = self._expression()
            fields.append(TableField(self._last_line, key, value))
            if not self._accept(",") and not self._accept(";"):
                break
        self._close("}", "{", line)
        return TableConstructor(line, fields)

    def _function_body(self, line: int, name: str, parameters: list[str]) -> Function:
        """Parameters and body; the keyword, and the name if there is one, have been read."""
        self._expect("(")
        is_vararg = False
        while self._kind != ")" and not is_vararg:
            if self._kind is NAME:
                parameters.append(self._name())
            elif self._kind == "...":
                self._advance()
                is_vararg = True
            else:
                self._fail("<name> or '...' expected")
            if not is_vararg and not self._accept(","):
                break
            if not is_vararg and self._kind == ")":
                self._fail("<name> or '...' expected")
        self._expect(")")
        outer = (self._loops, self._is_vararg, self._function_line)
        self._loops, self._is_vararg, self._function_line = 0, is_vararg, line
        body = self._block()
        self._loops, self._is_vararg, self._function_line = outer
        last_line = self._token.line
        self._close("end", "function", line)
        return Function(line, last_line, parameters, is_vararg, body, name)
