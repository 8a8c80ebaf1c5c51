"""The library ``table``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from miniredis.lua.arguments import check_int, check_string, check_table, library_error, type_error
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import run_error
from miniredis.lua.positions import library_function
from miniredis.lua.runtime import State
from miniredis.lua.traversal import pairs_of
from miniredis.lua.values import MISSING, ReadOnlyTable, Table, Value, type_name

MAXIMUM_SORTED: Final = 0x7FFFFFFF

ORDER: Final = "concat foreach foreachi getn maxn insert remove setn sort"

Less = Callable[[Value, Value], bool]


def open_table_library(state: State) -> Table:
    """Put the library among the globals of *state*."""
    functions: dict[str, Value] = {}
    operations = state.operations

    def add(name: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
        def register(function: Callable[..., Value]) -> Callable[..., Value]:
            functions[name] = library_function(function)
            return function

        return register

    @add("concat")
    def concat(
        table: Value = MISSING,
        separator: Value = MISSING,
        start: Value = MISSING,
        stop: Value = MISSING,
        *_: Value,
    ) -> Value:
        between = check_string(2, separator, b"")
        check_table(1, table)
        first = check_int(3, start, 1)
        last = table.length() if stop is None or stop is MISSING else check_int(4, stop)
        if first > last:
            return b""
        content = table.hash
        parts: list[bytes] = []
        for index in range(first, last + 1):
            value = content.get(float(index))
            if value.__class__ is float:
                value = check_string(1, value)
            elif value.__class__ is not bytes:
                kind = type_name(value).decode()
                raise library_error(f"invalid value ({kind}) at index {index} in table for 'concat'")
            parts.append(value)
        return between.join(parts)

    @add("insert")
    def insert(table: Value = MISSING, *arguments: Value) -> Value:
        check_table(1, table)
        end = table.length() + 1
        if len(arguments) == 1:
            operations.raw_set(table, float(end), arguments[0])
            return ()
        if len(arguments) != 2:
            raise library_error("wrong number of arguments to 'insert'")
        at = check_int(2, arguments[0])
        get = table.hash.get
        for index in range(max(end, at), at, -1):
            operations.raw_set(table, float(index), get(float(index - 1)))
        operations.raw_set(table, float(at), arguments[1])
        return ()

    @add("remove")
    def remove(table: Value = MISSING, position: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        end = table.length()
        at = check_int(2, position, end)
        if not 1 <= at <= end:
            return ()
        get = table.hash.get
        removed = get(float(at))
        for index in range(at, end):
            operations.raw_set(table, float(index), get(float(index + 1)))
        operations.raw_set(table, float(end), None)
        return removed

    @add("getn")
    def getn(table: Value = MISSING, *_: Value) -> Value:
        return float(check_table(1, table).length())

    @add("setn")
    def setn(table: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        raise library_error("'setn' is obsolete")

    @add("maxn")
    def maxn(table: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        return max((key for key in table.hash if key.__class__ is float and key > 0.0), default=0.0)

    @add("foreach")
    def foreach(table: Value = MISSING, function: Value = MISSING, *_: Value) -> Value:
        _check_callback(table, function)
        for key, value in pairs_of(table):
            result = operations.call_one(function, key, value)
            if result is not None:
                return result
        return ()

    @add("foreachi")
    def foreachi(table: Value = MISSING, function: Value = MISSING, *_: Value) -> Value:
        _check_callback(table, function)
        for index in range(1, table.length() + 1):
            result = operations.call_one(function, float(index), table.hash.get(float(index)))
            if result is not None:
                return result
        return ()

    def _check_callback(table: Value, function: Value) -> None:
        check_table(1, table)
        if type_name(function) != b"function":
            raise type_error(2, function, "function")

    @add("sort")
    def sort(table: Value = MISSING, comparator: Value = MISSING, *_: Value) -> Value:
        check_table(1, table)
        if comparator is None or comparator is MISSING:
            less: Less = operations.less
        elif type_name(comparator) == b"function":
            call = operations.call_one

            def less(left: Value, right: Value) -> bool:
                answer = call(comparator, left, right)
                return answer is not None and answer is not False
        else:
            raise type_error(2, comparator, "function")
        length = table.length()
        if length < 2:
            return ()
        if table.__class__ is ReadOnlyTable:
            raise run_error("Attempt to modify a readonly table")
        keys = [float(index) for index in range(1, length + 1)]
        values = [table.hash.get(key) for key in keys]
        try:
            if less is operations.less and _have_an_order(values):
                values.sort()
            else:
                _quicksort([table.hash.get(0.0), *values], less, 1, length, values)
        finally:
            for key, value in zip(keys, values, strict=True):
                operations.raw_set(table, key, value)
        return ()

    library = library_table(functions, ORDER)
    state.globals.hash[b"table"] = library
    return library


def _have_an_order(values: list[Value]) -> bool:
    """Whether all are strings, or all numbers: then there is one sorted sequence, however it is come by."""
    kinds = set(map(type, values))
    return kinds == {bytes} or (kinds == {float} and all(value == value for value in values))


def _quicksort(a: list[Value], less: Less, low: int, high: int, result: list[Value]) -> None:
    """PUC's quicksort, so that even a comparator without sense gives the same, or the same error.

    *a* counts from 1. What has been sorted when an error comes is left in *result*.
    """
    try:
        _sort_part(a, less, low, high)
    finally:
        result[:] = a[1:]


def _sort_part(a: list[Value], less: Less, low: int, high: int) -> None:
    while low < high:
        if less(a[high], a[low]):
            a[low], a[high] = a[high], a[low]
        if high - low == 1:
            break
        middle = (low + high) // 2
        if less(a[middle], a[low]):
            a[middle], a[low] = a[low], a[middle]
        elif less(a[high], a[middle]):
            a[middle], a[high] = a[high], a[middle]
        if high - low == 2:
            break
        pivot = a[middle]
        a[middle], a[high - 1] = a[high - 1], a[middle]
        i, j = low, high - 1
        while True:
            i += 1
            while less(a[i] if i < len(a) else None, pivot):
                if i > high:
                    raise library_error("invalid order function for sorting")
                i += 1
            j -= 1
            while less(pivot, a[j]):
                if j < low:
                    raise library_error("invalid order function for sorting")
                j -= 1
            if j < i:
                break
            a[i], a[j] = a[j], a[i]
        a[high - 1], a[i] = a[i], a[high - 1]
        if i - low < high - i:
            begin, end = low, i - 1
            low = i + 1
        else:
            begin, end = i + 1, high
            high = i - 1
        _sort_part(a, less, begin, end)
