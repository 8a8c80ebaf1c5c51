"""The library ``math``: C's functions, which have an answer where Python's raise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from miniredis.lua.arguments import argument_error, check_int, check_number, library_error
from miniredis.lua.library_table import library_table
from miniredis.lua.operations import raised
from miniredis.lua.positions import library_function
from miniredis.lua.random48 import Random48
from miniredis.lua.runtime import State
from miniredis.lua.values import MISSING, Table, Value

ORDER: Final = (
    "abs acos asin atan2 atan ceil cosh cos deg exp floor fmod frexp ldexp log10 log max min modf pow rad random "
    "randomseed sinh sin sqrt tanh tan"
)

_ONE_ARGUMENT: Final[dict[str, Callable[[float], float]]] = {
    "abs": abs,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "cos": math.cos,
    "cosh": math.cosh,
    "deg": lambda angle: angle / (math.pi / 180.0),
    "exp": math.exp,
    "rad": lambda angle: angle * (math.pi / 180.0),
    "sin": math.sin,
    "sinh": math.sinh,
    "sqrt": math.sqrt,
    "tan": math.tan,
    "tanh": math.tanh,
}


def open_math_library(state: State, random: Callable[[], Random48]) -> Table:
    """Put the library among the globals of *state*; *random* gives the generator behind ``math.random``."""
    functions: dict[str, Value] = {}

    def add(name: str) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
        def register(function: Callable[..., Value]) -> Callable[..., Value]:
            functions[name] = library_function(function)
            return function

        return register

    def add_plain(name: str, compute: Callable[[float], float]) -> None:
        @add(name)
        def function(number: Value = MISSING, *_: Value) -> Value:
            value = check_number(1, number)
            try:
                return compute(value)
            except OverflowError:
                return -math.inf if name == "sinh" and value < 0 else math.inf
            except ValueError:
                return math.nan if name in ("acos", "asin") else -math.nan

    for name, compute in _ONE_ARGUMENT.items():
        add_plain(name, compute)

    @add("ceil")
    def ceil(number: Value = MISSING, *_: Value) -> Value:
        value = check_number(1, number)
        return math.copysign(float(math.ceil(value)), value) if value - value == 0.0 else value

    @add("floor")
    def floor(number: Value = MISSING, *_: Value) -> Value:
        value = check_number(1, number)
        return math.copysign(float(math.floor(value)), value) if value - value == 0.0 else value

    @add("atan2")
    def atan2(y: Value = MISSING, x: Value = MISSING, *_: Value) -> Value:
        below = check_number(2, x)  # C's arguments are evaluated from the last to the first
        beside = check_number(1, y)
        if beside != beside or below != below:
            return below if below != below else beside  # with its sign
        return math.atan2(beside, below)

    @add("fmod")
    def fmod(x: Value = MISSING, y: Value = MISSING, *_: Value) -> Value:
        divisor = check_number(2, y)
        dividend = check_number(1, x)
        try:
            return math.fmod(dividend, divisor)
        except ValueError:
            return -math.nan

    @add("frexp")
    def frexp(number: Value = MISSING, *_: Value) -> Value:
        fraction, exponent = math.frexp(check_number(1, number))
        return (fraction, float(exponent))

    @add("ldexp")
    def ldexp(fraction: Value = MISSING, exponent: Value = MISSING, *_: Value) -> Value:
        power = check_int(2, exponent)
        number = check_number(1, fraction)
        try:
            return math.ldexp(number, power)
        except OverflowError:
            return math.copysign(math.inf, number)

    @add("log")
    def log(number: Value = MISSING, *_: Value) -> Value:
        return _logarithm(check_number(1, number), math.log, -math.nan)

    @add("log10")
    def log10(number: Value = MISSING, *_: Value) -> Value:
        return _logarithm(check_number(1, number), math.log10, math.nan)

    @add("max")
    def max_(first: Value = MISSING, *rest: Value) -> Value:
        most = check_number(1, first)
        for number, value in enumerate(rest, 2):
            if (candidate := check_number(number, value)) > most:
                most = candidate
        return most

    @add("min")
    def min_(first: Value = MISSING, *rest: Value) -> Value:
        least = check_number(1, first)
        for number, value in enumerate(rest, 2):
            if (candidate := check_number(number, value)) < least:
                least = candidate
        return least

    @add("modf")
    def modf(number: Value = MISSING, *_: Value) -> Value:
        fraction, whole = math.modf(check_number(1, number))
        return (whole, fraction)

    @add("pow")
    def pow_(base: Value = MISSING, exponent: Value = MISSING, *_: Value) -> Value:
        power = check_number(2, exponent)
        return raised(check_number(1, base), power)

    @add("random")
    def random_(*limits: Value) -> Value:
        chance = random().draw()
        if not limits:
            return chance
        if len(limits) == 1:
            most = check_int(1, limits[0])
            if most < 1:
                raise argument_error(1, "interval is empty")
            return math.floor(chance * most) + 1.0
        if len(limits) == 2:
            least, most = check_int(1, limits[0]), check_int(2, limits[1])
            if least > most:
                raise argument_error(2, "interval is empty")
            return float(math.floor(chance * (most - least + 1)) + least)
        raise library_error("wrong number of arguments")

    @add("randomseed")
    def randomseed(seed: Value = MISSING, *_: Value) -> Value:
        random().seed(check_int(1, seed))
        return ()

    library = library_table(functions, ORDER, ("pi", math.pi), ("huge", math.inf), ("mod", functions["fmod"]))
    state.globals.hash[b"math"] = library
    return library


def _logarithm(number: float, compute: Callable[[float], float], not_a_number: float) -> float:
    if number > 0.0:
        return compute(number)
    if number == 0.0:
        return -math.inf
    return number if number != number else not_a_number
