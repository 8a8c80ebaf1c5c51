"""Classes that do nothing but hold a few values.

A dataclass also knows how to compare, hash and print itself, all code that is generated and compiled at every import.
There are dozens of such classes, imports are part of every test run, and none of that is asked for here. What is left
to generate, the constructor, is generated when it is first called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(eq_default=False)
def record(cls: type[T]) -> type[T]:
    """Give *cls* slots for its annotated names and a constructor. Two of them are equal if they are the same."""
    names = tuple(cls.__annotations__)
    kept = {name: value for name, value in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")}
    slotted: Any = type(cls.__name__, cls.__bases__, {**kept, "__slots__": names})

    def construct(self: object, *args: Any, **values: Any) -> None:
        slotted.__init__ = dataclass(eq=False, repr=False)(cls).__init__
        slotted.__init__(self, *args, **values)

    slotted.__init__ = construct
    made: type[T] = slotted
    return made
