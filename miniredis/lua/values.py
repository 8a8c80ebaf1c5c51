"""The values of a running script, and how they appear to Python.

===========  =====================================================================
nil          ``None``
boolean      ``bool``
number       ``float``, never ``int``
string       ``bytes``
table        :class:`Table`
function     a Python function (``types.FunctionType``), of Lua or of a library
thread       :class:`~miniredis.lua.coroutines.Coroutine`
userdata     :class:`LightUserdata`, :class:`Userdata`
===========  =====================================================================

**Calls.** A function takes its arguments one by one (``None`` for those missing, any further ones ignored: libraries
written in Python end their parameters with ``*_``) and returns *one value as it is, and none or several as a tuple*.
No Lua value is a tuple, so that the caller, who usually wants one value, pays for one comparison.

**Tables** keep everything in one ``dict``: a look-up by a float costs what one in a list would, and nothing has to be
moved between two parts. ``True`` and ``False`` would be the keys 1.0 and 0.0, and so stand there as two other objects.
"""

from __future__ import annotations

from math import ceil
from types import FunctionType
from typing import Any, Final, TypeAlias

from miniredis.lua.node_order import Layout

Value: TypeAlias = Any
"""None, bool, float, bytes, Table, a function, a coroutine or light userdata."""


class _BooleanKey:
    """What stands for a boolean among the keys of a table."""

    __slots__ = ("bits", "value")

    def __init__(self, value: bool) -> None:
        self.value = value
        self.bits = int(value)


TRUE_KEY: Final = _BooleanKey(True)
FALSE_KEY: Final = _BooleanKey(False)


class LightUserdata:
    """A pointer of C's that scripts can hand on and compare, and nothing else. *bits* is the address."""

    __slots__ = ("bits",)

    def __init__(self, bits: int) -> None:
        self.bits = bits


class Userdata:
    """What is opaque to scripts but for its metatable: a file, or what ``newproxy`` makes."""

    __slots__ = ("meta",)

    def __init__(self, meta: Table | None = None) -> None:
        self.meta = meta


NULL: Final = LightUserdata(0)
"""The null pointer: one value, wherever it comes from."""


class Table:
    """An associative array.

    - *hash*: key → value, never None. NaN is no key, a boolean is one of the two keys that stand for it.
    - *meta*: its metatable, or None.
    - *border*: the keys 1 to *border* are all there, and perhaps more: where the search for the length begins.
    - *others*: if so many keys are left beside 1 to *border*, none of them is a positive number.
    - *sizes*: for how many elements and other fields its constructor has made room.
    - *layout*, *traversal*: what ``#`` and ``next`` have found out about the order of the keys, or None.

    Compiled code looks into ``hash`` itself where the class is Table and nothing else; a subclass is its way to have
    everything go through ``operations``. Everybody may add keys to ``hash``; they are removed by :meth:`remove`.
    """

    __slots__ = ("__weakref__", "border", "hash", "layout", "meta", "others", "sizes", "traversal")

    def __init__(
        self, content: dict[Any, Value] | None = None, border: int = 0, sizes: tuple[int, int] = (0, 0)
    ) -> None:
        self.hash: dict[Any, Value] = {} if content is None else content
        self.meta: Table | None = None
        self.border = border
        self.others = 0
        self.sizes = sizes
        self.layout: Layout | None = None
        self.traversal: Any = None

    def refill(self, content: dict[Any, Value], border: int) -> None:
        """Become what a new table of these would be."""
        self.hash = content
        self.meta = None
        self.border = border
        self.others = 0
        self.sizes = (0, 0)
        self.layout = None
        self.traversal = None

    def get(self, key: Value) -> Value:
        """The value at *key* without regard to a metatable (``rawget``); None if there is none."""
        if key.__class__ is bool:
            key = TRUE_KEY if key else FALSE_KEY
        return self.hash.get(key)

    def length(self) -> int:
        """A border: a non-nil element before a nil one, or 0; the one that PUC's Lua finds where there are several.

        Amortized O(1) for what grows and shrinks at its end.
        """
        values, border = self.hash, self.border
        while border + 1.0 in values:
            border += 1
        self.border = border
        others = len(values) - border
        if others == self.others:
            return border
        layout = self.laid_out()
        found = layout.border()
        if layout.numbers == border:
            self.others = others
        return found

    def laid_out(self) -> Layout:
        """Where PUC's Lua would keep the keys."""
        layout = self.layout
        if layout is None:
            layout = self.layout = Layout(self.hash, *self.sizes)
        return layout

    def remove(self, key: Any) -> None:
        """Set what is at *key* (a key of ``hash``) to nil, whether there is anything or not."""
        values, border = self.hash, self.border
        if self.layout is None and key == border == len(values) and border:
            del values[key]  # the last element of a sequence, after which there is no more to know than before
            self.border = border - 1
            return
        self.others = 0
        if key.__class__ is float and 0.0 < key <= border:
            self.border = ceil(key) - 1
        self.laid_out().set_to_nil(key)


class _Missing:
    """What a library function finds in place of an argument that was not given."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Any] = _Missing()


class ReadOnlyTable(Table):
    """A table that scripts can read, and cannot change by any means."""

    __slots__ = ()


class LuaError(Exception):
    """An error that is going up to the next ``pcall``. *value* is what ``error`` was given: any value, not only text.

    *traceback* may hold what ``debug.traceback`` would have said where it was raised.
    """

    def __init__(self, value: Value, traceback: str = "") -> None:
        super().__init__(value)
        self.value = value
        self.traceback = traceback


def type_name(value: Value) -> bytes:
    """What ``type`` answers."""
    if value is None:
        return b"nil"
    if value is MISSING:
        return b"no value"
    name = _TYPE_NAMES.get(value.__class__)
    return b"thread" if name is None else name


_TYPE_NAMES: Final = {
    bool: b"boolean",
    float: b"number",
    bytes: b"string",
    Table: b"table",
    ReadOnlyTable: b"table",
    FunctionType: b"function",
    LightUserdata: b"userdata",
    Userdata: b"userdata",
}
