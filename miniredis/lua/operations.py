"""What compiled code calls where Python's operators are not enough: metatables, coercions, and every error.

One :class:`Operations` belongs to a ``State``; compiled code has its methods as globals, by these names. *described*
and its like are what an error calls an operand (``local 'x'``), or empty.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from miniredis.lua.numbers import format_number, parse_number
from miniredis.lua.positions import LIBRARY_CODE, levels, position
from miniredis.lua.tail_calls import TailCall, looping, looping_generator
from miniredis.lua.traversal import indexed, pairs_of
from miniredis.lua.values import FALSE_KEY, TRUE_KEY, LuaError, ReadOnlyTable, Table, Userdata, Value, type_name

if TYPE_CHECKING:
    from miniredis.lua.runtime import State

MAXIMUM_CHAIN: Final = 100
"""How many tables ``__index`` may send a look-up through."""

MAXIMUM_C_CALLS: Final = 200
"""How deep library functions and metamethods may call each other (Lua's LUAI_MAXCCALLS)."""

MAXIMUM_C_CALLS_IN_HANDLERS: Final = MAXIMUM_C_CALLS * 9 // 8
"""The same for a handler of errors, of which that there were too many may be one."""

ERROR_IN_HANDLER: Final = b"error in error handling"

MAXIMUM_STRING: Final = 512 * 1024 * 1024
"""Bytes in a string: what a script may not exceed."""

CALLED_AT_ONCE: Final[set[CodeType]] = set()
"""What :meth:`Operations.callee` gives where there is nothing to call: no caller gives up its place for that."""

CALLS_PER_TICK: Final = 10_000
ROUNDS_PER_TICK: Final = 1000
SMALL: Final = 2.0**53


def run_error(message: str | bytes) -> LuaError:
    """An error that running code has caused, with its position if the innermost function is one of Lua."""
    text = message.encode("latin-1") if isinstance(message, str) else message
    innermost = next(levels(sys._getframe(1)), None)
    return LuaError((position(innermost) if innermost is not None else b"") + text)


def metatable(value: Value, strings: Table | None) -> Table | None:
    """The metatable of a value; *strings* is that of all strings."""
    if isinstance(value, Table | Userdata):
        return value.meta
    return strings if value.__class__ is bytes else None


def check_overflow(calls: int) -> None:
    """Refuse a call from C on top of so many *calls*; but a handler of ``xpcall``, to look at that, has a few more."""
    if calls == MAXIMUM_C_CALLS - 1:
        raise run_error("C stack overflow")
    if calls >= MAXIMUM_C_CALLS_IN_HANDLERS - 1:
        raise LuaError(ERROR_IN_HANDLER)


def to_number(value: Value) -> float | None:
    """A number as it is, a string as the number that it spells; None for anything else."""
    if value.__class__ is float:
        return value
    return parse_number(value) if value.__class__ is bytes else None


def one(values: tuple[Value, ...]) -> Value:
    """The first of several values; nil of none."""
    return values[0] if values else None


class Operations:
    """The operations of one state."""

    def __init__(self, state: State) -> None:
        self._state = state

    # Errors

    def _type_error(self, value: Value, described: str, operation: str) -> LuaError:
        kind = type_name(value).decode()
        return run_error(
            f"attempt to {operation} {described} (a {kind} value)"
            if described
            else f"attempt to {operation} a {kind} value"
        )

    # Calls

    def callee(self, value: Value, described: str = "") -> Callable[..., Any]:
        """What to call for a value that is no function: by ``__call``, or something that raises the error."""
        handler = self.metamethod(value, b"__call")
        if handler.__class__ is FunctionType:
            generator = handler.__dict__.get("generator")
            if generator is None:
                return MethodType(handler, value)  # calling it takes no frame of its own

            def call(*arguments: Value) -> Value:
                return handler(value, *arguments)

            call.generator = partial(generator, value)  # type: ignore[attr-defined]
            return call

        def refuse(*_: Value) -> Value:
            raise self._type_error(value, described, "call")

        CALLED_AT_ONCE.add(refuse.__code__)
        return refuse

    @staticmethod
    def tail_call(function: Callable[..., Any], *arguments: Value) -> Value:
        """A call that the loop around the calling function is to make, unless it is none of a function of Lua's."""
        if function.__class__ is MethodType:
            function, arguments = function.__func__, (function.__self__, *arguments)  # type: ignore[attr-defined]
        code = function.__code__
        if code in CALLED_AT_ONCE or (code in LIBRARY_CODE and "generator" not in function.__dict__):
            return function(*arguments)
        return TailCall(function, arguments)

    def call(self, function: Value, *arguments: Value) -> Value:
        """Call any value from a library function; all its values. Counts as a call of C's, which has a limit."""
        if function.__class__ is not FunctionType:
            function = self.callee(function)
        return self.call_directly(function, *arguments)

    def call_directly(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """As :meth:`call`, for what is a function of Python's."""
        state = self._state
        if state.c_calls >= MAXIMUM_C_CALLS - 1:
            check_overflow(state.c_calls)
        state.c_calls += 1
        try:
            return function(*arguments)
        finally:
            state.c_calls -= 1

    def call_one(self, function: Value, *arguments: Value) -> Value:
        """As :meth:`call`, but for the first value only."""
        result = self.call(function, *arguments)
        return result if result.__class__ is not tuple else one(result)

    def metamethod(self, value: Value, event: bytes) -> Value:
        """The handler of *event* in the metatable of *value*; None if it has none."""
        meta = metatable(value, self._state.string_metatable)
        return None if meta is None else meta.hash.get(event)

    # Indexing

    def index(self, value: Value, key: Value, described: str = "") -> Value:
        """``value[key]`` with regard to metatables."""
        for _ in range(MAXIMUM_CHAIN):
            if isinstance(value, Table):
                found = value.get(key)
                if found is not None or value.meta is None:
                    return found
                handler = value.meta.hash.get(b"__index")
                if handler is None:
                    return None
            else:
                handler = self.metamethod(value, b"__index")
                if handler is None:
                    raise self._type_error(value, described, "index")
            if handler.__class__ is FunctionType:
                return self.call_one(handler, value, key)
            value, described = handler, ""
        raise run_error("loop in gettable")

    def set_index(self, value: Value, key: Value, new: Value, described: str = "") -> None:
        """``value[key] = new`` with regard to metatables."""
        for _ in range(MAXIMUM_CHAIN):
            if isinstance(value, Table):
                handler = None
                if value.meta is not None and value.get(key) is None and value.__class__ is Table:
                    handler = value.meta.hash.get(b"__newindex")
                if handler is None:
                    self.raw_set(value, key, new)
                    return
            else:
                handler = self.metamethod(value, b"__newindex")
                if handler is None:
                    raise self._type_error(value, described, "index")
            if handler.__class__ is FunctionType:
                self.call(handler, value, key, new)
                return
            value, described = handler, ""
        raise run_error("loop in settable")

    def raw_set(self, table: Table, key: Value, new: Value) -> None:
        """``rawset``: without regard to metatables, but not to what may be a key and what may be changed."""
        if table.__class__ is ReadOnlyTable:
            raise run_error("Attempt to modify a readonly table")
        if key is None:
            raise run_error("table index is nil")
        if key.__class__ is bool:
            key = TRUE_KEY if key else FALSE_KEY
        elif key != key:
            raise run_error("table index is NaN")
        if new is None:
            table.remove(key)
        else:
            table.hash[key] = new

    @staticmethod
    def value_for(key: Value, value: Value) -> Value:
        """*value*, which is to stand at *key* in a table in the making."""
        if key is None:
            raise run_error("table index is nil")
        if key != key:
            raise run_error("table index is NaN")
        return value

    # Arithmetic

    def _operands(
        self, left: Value, right: Value, event: bytes, left_name: str, right_name: str
    ) -> tuple[float, float] | Value:
        """Both as numbers; or, not in a tuple, what the handler of *event* makes of them."""
        first, second = to_number(left), to_number(right)
        if first is not None and second is not None:
            return first, second
        handler = self.metamethod(left, event)
        if handler is None:
            handler = self.metamethod(right, event)
        if handler is not None:
            return self.call_one(handler, left, right)
        if first is not None:
            raise self._type_error(right, right_name, "perform arithmetic on")
        raise self._type_error(left, left_name, "perform arithmetic on")

    def add(self, left: Value, right: Value, left_name: str = "", right_name: str = "") -> Value:
        """``left + right``."""
        numbers = self._operands(left, right, b"__add", left_name, right_name)
        return numbers[0] + numbers[1] if numbers.__class__ is tuple else numbers

    def subtract(self, left: Value, right: Value, left_name: str = "", right_name: str = "") -> Value:
        """``left - right``."""
        numbers = self._operands(left, right, b"__sub", left_name, right_name)
        return numbers[0] - numbers[1] if numbers.__class__ is tuple else numbers

    def multiply(self, left: Value, right: Value, left_name: str = "", right_name: str = "") -> Value:
        """``left * right``."""
        numbers = self._operands(left, right, b"__mul", left_name, right_name)
        return numbers[0] * numbers[1] if numbers.__class__ is tuple else numbers

    def divide(self, left: Value, right: Value, left_name: str = "", right_name: str = "") -> Value:
        """``left / right``, which is an infinity or not a number for a divisor of zero."""
        if left.__class__ is right.__class__ is float and right:
            return left / right
        numbers = self._operands(left, right, b"__div", left_name, right_name)
        return quotient(*numbers) if numbers.__class__ is tuple else numbers

    def modulo(self, left: Value, right: Value, left_name: str = "", right_name: str = "") -> Value:
        """``left % right``: what is left after rounding the quotient down."""
        numbers = self._operands(left, right, b"__mod", left_name, right_name)
        return remainder(*numbers) if numbers.__class__ is tuple else numbers

    def power(self, left: Value, right: Value, left_name: str = "", right_name: str = "") -> Value:
        """``left ^ right``, as C's ``pow``."""
        numbers = self._operands(left, right, b"__pow", left_name, right_name)
        return raised(*numbers) if numbers.__class__ is tuple else numbers

    def negate(self, value: Value, described: str = "") -> Value:
        """``-value``."""
        number = to_number(value)
        if number is not None:
            return -number
        handler = self.metamethod(value, b"__unm")
        if handler is None:
            raise self._type_error(value, described, "perform arithmetic on")
        return self.call_one(handler, value, value)

    def length(self, value: Value, described: str = "") -> Value:
        """``#value``: in Lua 5.1 no metatable changes that of a table or string."""
        if isinstance(value, Table):
            return float(value.length())
        if value.__class__ is bytes:
            return float(len(value))
        raise self._type_error(value, described, "get length of")

    def concatenate(self, values: tuple[Value, ...], described: tuple[str, ...] = ()) -> Value:
        """``a .. b .. c``: from the right, as many at once as are strings and numbers."""
        try:
            joined = b"".join(values)
        except TypeError:
            return self._concatenate(list(values), described)
        if len(joined) > MAXIMUM_STRING:
            raise run_error("string length overflow")
        return joined

    def _concatenate(self, values: list[Value], described: tuple[str, ...]) -> Value:
        names = list(described or [""] * len(values))
        result = values.pop()
        name = names.pop()
        while values:
            left, left_name = values.pop(), names.pop()
            if left.__class__ in (bytes, float) and result.__class__ in (bytes, float):
                parts = [_text(left), _text(result)]
                while values and values[-1].__class__ in (bytes, float):
                    parts.insert(0, _text(values.pop()))
                    names.pop()
                result, name = b"".join(parts), ""
                if len(result) > MAXIMUM_STRING:
                    raise run_error("string length overflow")
                continue
            handler = self.metamethod(left, b"__concat")
            if handler is None:
                handler = self.metamethod(result, b"__concat")
            if handler is None:
                wrong = (result, name) if left.__class__ in (bytes, float) else (left, left_name)
                raise self._type_error(*wrong, "concatenate")
            result, name = self.call_one(handler, left, result), ""
        return result

    # Comparison

    def equal(self, left: Value, right: Value) -> bool:
        """``left == right``; ``__eq`` counts where two different tables have the same handler."""
        if left is right:
            return left == left  # type: ignore[no-any-return]
        if not isinstance(left, Table | Userdata) or type_name(left) != type_name(right):
            return left.__class__ is right.__class__ and bool(left == right)
        handler = self._common_handler(left, right, b"__eq")
        return handler is not None and _is_true(self.call_one(handler, left, right))

    def less(self, left: Value, right: Value) -> bool:
        """``left < right``."""
        if left.__class__ is right.__class__ and left.__class__ in (float, bytes):
            return left < right  # type: ignore[no-any-return]
        handler = self._common_handler(left, right, b"__lt") if type_name(left) == type_name(right) else None
        if handler is None:
            raise _order_error(left, right)
        return _is_true(self.call_one(handler, left, right))

    def less_or_equal(self, left: Value, right: Value) -> bool:
        """``left <= right``; without ``__le``, ``not (right < left)``."""
        if left.__class__ is right.__class__ and left.__class__ in (float, bytes):
            return left <= right  # type: ignore[no-any-return]
        if type_name(left) == type_name(right):
            handler = self._common_handler(left, right, b"__le")
            if handler is not None:
                return _is_true(self.call_one(handler, left, right))
            handler = self._common_handler(right, left, b"__lt")
            if handler is not None:
                return not _is_true(self.call_one(handler, right, left))
        raise _order_error(left, right)

    def _common_handler(self, left: Value, right: Value, event: bytes) -> Value:
        first = self.metamethod(left, event)
        if first is None:
            return None
        second = self.metamethod(right, event)
        return first if second is not None and self._raw_equal(first, second) else None

    @staticmethod
    def _raw_equal(left: Value, right: Value) -> bool:
        return left.__class__ is right.__class__ and (left is right or bool(left == right))

    # Tables

    @staticmethod
    def table_of(content: dict[Any, Value], border: int, sizes: tuple[int, int]) -> Table:
        """A table of what was written in a constructor, less what is nil."""
        if None not in content.values():
            return Table(content, border, sizes)
        return Table({key: value for key, value in content.items() if value is not None}, 0, sizes)

    def table_with(self, content: dict[Any, Value], border: int, sizes: tuple[int, int], *more: Value) -> Table:
        """As :meth:`table_of`, with the values of a call or ``...`` at the end."""
        table = self.table_of(content, border, sizes)
        total = border + len(more)
        _make_room(table, total)
        table.hash.update((float(number), value) for number, value in enumerate(more, border + 1) if value is not None)
        return table

    def table_from(self, items: tuple[Value, ...], sizes: tuple[int, int], *more: Value) -> Table:
        """A table of keys and values in turn; those whose key is ``Table`` have none, and come at the end."""
        table = Table({}, 0, sizes)
        plain: list[Value] = []
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key is Table:
                plain.append(value)
            else:
                self.raw_set(table, key, value)
        plain += more
        _make_room(table, len(plain))
        for number, value in enumerate(plain, 1):
            if value is not None:
                table.hash[float(number)] = value
            elif float(number) in table.hash:
                table.remove(float(number))
        return table

    @staticmethod
    def argument_table(values: tuple[Value, ...]) -> Table:
        """``arg``, which a function with ``...`` has that does not use it."""
        content: dict[Any, Value] = {
            float(number): value for number, value in enumerate(values, 1) if value is not None
        }
        content[b"n"] = float(len(values))
        return Table(content, 0, (len(values), 1))

    # Loops

    def numeric_for(self, start: Value, stop: Value, step: Value = 1.0) -> Iterable[float]:
        """The numbers of a ``for`` loop."""
        if not start.__class__ is stop.__class__ is step.__class__ is float:
            start, stop, step = (
                self._loop_number(value, name)
                for value, name in ((start, "initial value"), (stop, "limit"), (step, "step"))
            )
        if -SMALL < start < SMALL and -SMALL < step < SMALL and start == int(start) and step == int(step) and step:
            if stop != stop:
                return ()
            limit = int(
                math.floor(max(min(stop, SMALL), -SMALL)) if step > 0 else math.ceil(max(min(stop, SMALL), -SMALL))
            )
            numbers = range(int(start), limit + (1 if step > 0 else -1), int(step))
            if len(numbers) <= ROUNDS_PER_TICK:
                return map(float, numbers)
            return chain.from_iterable(self._in_parts(numbers))
        return self._by_addition(start, stop, step)

    def _in_parts(self, numbers: range) -> Iterator[Iterable[float]]:
        for begin in range(0, len(numbers), ROUNDS_PER_TICK):
            yield map(float, numbers[begin : begin + ROUNDS_PER_TICK])
            self.tick()

    def _by_addition(self, start: float, stop: float, step: float) -> Iterator[float]:
        start = start - step + step  # PUC takes a step back before the first round, which may change the last digit
        rounds = 0
        while (start <= stop) if step > 0 else (stop <= start):
            yield start
            start += step
            rounds += 1
            if not rounds % ROUNDS_PER_TICK:
                self.tick()

    @staticmethod
    def _loop_number(value: Value, name: str) -> float:
        number = to_number(value)
        if number is None:
            raise run_error(f"'for' {name} must be a number")
        return number

    def generic_for(
        self, wanted: int, function: Value = None, state: Value = None, control: Value = None, *_: Value
    ) -> Iterable[tuple[Value, ...]]:
        """The values of each round of a ``for … in`` loop, as many as are *wanted*."""
        if isinstance(state, Table):
            if function is self._state.next and control is None:
                return self._counted(pairs_of(state), wanted)
            if function is self._state.next_index and control == 0.0:
                return self._counted(indexed(state), wanted)
        return self._iterate(wanted, function, state, control)

    def _counted(self, pairs: Iterable[tuple[Value, Value]], wanted: int) -> Iterator[tuple[Value, ...]]:
        missing = (None,) * (wanted - 2)
        for rounds, pair in enumerate(pairs, 1):
            yield pair if wanted == 2 else pair[:wanted] if wanted < 2 else pair + missing
            if not rounds % ROUNDS_PER_TICK:
                self.tick()

    def _iterate(self, wanted: int, function: Value, state: Value, control: Value) -> Iterator[tuple[Value, ...]]:
        rounds = 0
        if function.__class__ is not FunctionType:
            function = self.callee(function)
        missing = (None,) * wanted
        while True:
            values = function(state, control)
            if values.__class__ is not tuple:
                values = (values,)
            if not values or values[0] is None:
                return
            control = values[0]
            yield (values + missing)[:wanted]
            rounds += 1
            if not rounds % ROUNDS_PER_TICK:
                self.tick()

    # Interruption

    def tick(self) -> int:
        """Let whoever wants to stop the script do so; after how many rounds to ask again."""
        self._state.interrupt()
        return ROUNDS_PER_TICK

    def names(self) -> dict[str, Any]:
        """What compiled code finds among its globals."""
        own = (
            *("add", "subtract", "multiply", "divide", "modulo", "power", "negate", "length", "concatenate"),
            *("equal", "less", "less_or_equal", "index", "set_index", "value_for", "callee", "table_of", "table_with"),
            *("table_from", "argument_table", "numeric_for", "generic_for", "tick", "tail_call"),
        )
        return {
            **{name: getattr(self, name) for name in own},
            "Table": Table,
            "Function": FunctionType,
            "one": one,
            "looping": looping,
            "looping_generator": looping_generator,
            "inf": math.inf,
            "nan": math.nan,
        }


def ticks() -> Iterator[bool]:
    """What functions take one from at each call, until there is none left and somebody has to be asked."""
    return repeat(True, CALLS_PER_TICK)


def quotient(left: float, right: float) -> float:
    """Division of C's doubles."""
    if right:
        return left / right
    if left != left or not left:
        return -math.nan if left == left else left  # what the processor makes of 0/0 has its sign bit set
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: float, right: float) -> float:
    """``left - floor(left / right) * right``."""
    divided = quotient(left, right)
    if divided - divided != 0.0:
        return left - divided * right
    return left - math.floor(divided) * right


def raised(left: float, right: float) -> float:
    """C's ``pow``."""
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        if left == 0.0:
            is_odd = right % 2 == 1
            return math.copysign(math.inf, left) if is_odd else math.inf
        return -math.nan


def _make_room(table: Table, elements: int) -> None:
    """Let the array part of a table in the making hold so many elements."""
    inside, outside = table.sizes
    if elements <= inside:
        return
    if outside:
        table.laid_out().make_room(elements)  # by which the other fields change their places
    else:
        table.sizes = (elements, 0)


def _text(value: Value) -> bytes:
    return value if value.__class__ is bytes else format_number(value)


def _is_true(value: Value) -> bool:
    return value is not None and value is not False


def _order_error(left: Value, right: Value) -> LuaError:
    names = type_name(left).decode(), type_name(right).decode()
    if names[0][2] == names[1][2]:  # PUC looks at the third letter, which string and thread have in common
        return run_error(f"attempt to compare two {names[0]} values")
    return run_error(f"attempt to compare {names[0]} with {names[1]}")
