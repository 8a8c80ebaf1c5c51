"""Classes that do nothing but hold a few values.

A dataclass also knows how to compare, hash and print itself, all code that is generated and compiled at every import.
There are dozens of such classes, imports are part of every test run, and none of that is asked for here. What is left
to generate, the constructor, is generated when it is first called, and without ``dataclasses``, whose import takes
half of Python's inspecting and parsing modules along.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


class _Fresh:
    """A default that is made anew each time."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def fresh(*, default_factory: Callable[[], T]) -> T:
    """The default of a name whose value is made anew for each instance: a list, a dict."""
    default: Any = _Fresh(default_factory)
    return default  # type: ignore[no-any-return]


@dataclass_transform(eq_default=False, field_specifiers=(fresh,))
def record(cls: type[T]) -> type[T]:
    """Give *cls* slots for its annotated names and a constructor. Two of them are equal if they are the same."""
    names = tuple(cls.__annotations__)
    defaults = {name: vars(cls)[name] for name in names if name in vars(cls)}
    kept = {name: value for name, value in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")}
    slotted: Any = type(cls.__name__, cls.__bases__, {**kept, "__slots__": names})

    def construct(self: object, *args: Any, **values: Any) -> None:
        slotted.__init__ = _constructor(names, defaults)
        slotted.__init__(self, *args, **values)

    slotted.__init__ = construct
    made: type[T] = slotted
    return made


def _constructor(names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    parameters, lines = ["self"], []
    known: dict[str, Any] = {}
    for name in names:
        value = name
        if name in defaults:
            default = known[f"default_{name}"] = defaults[name]
            parameters.append(f"{name}=default_{name}")
            if isinstance(default, _Fresh):
                value = f"default_{name}.make() if {name} is default_{name} else {name}"
        else:
            parameters.append(name)
        lines.append(f"    self.{name} = {value}\n")
    exec(f"def __init__({', '.join(parameters)}):\n{''.join(lines)}", known)
    constructor: Callable[..., None] = known["__init__"]
    return constructor
