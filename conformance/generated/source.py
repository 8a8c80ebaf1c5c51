"""Where the choices come from: a seed that brings the same values in every process, and the shrinking of what fails.

Hypothesis draws a strategy's choices from a *provider*, and others than its own can be named as a backend. Ours is a
plain ``random.Random`` of the seed: unlike Hypothesis's, what it draws depends neither on the examples before nor on
the constants in the modules that happen to be loaded, so ``17/42`` is the same run wherever it is asked for; and it is
quick. It writes down what it draws, so that what fails can be given back to Hypothesis to be shrunk, or only a part.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, ClassVar, Final, Generic, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.errors import Flaky
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider

Value = TypeVar("Value")
Choices = list[int | bool]

BACKEND: Final = "conformance"

QUIET: Final = settings(
    database=None,
    deadline=None,
    print_blob=False,
    verbosity=Verbosity.quiet,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


class _Source(PrimitiveProvider):
    """Draws from ``random`` and writes down what it draws; integers and booleans are all that our strategies need."""

    lifetime = "test_case"
    random: ClassVar[Random]
    drawn: ClassVar[Choices]

    def draw_boolean(self, p: float = 0.5) -> bool:
        choice = self.random.random() < p
        self.drawn.append(choice)
        return choice

    def draw_integer(
        self,
        min_value: int | None = None,
        max_value: int | None = None,
        *,
        weights: dict[int, float] | None = None,
        shrink_towards: int = 0,
    ) -> int:
        assert min_value is not None, "only bounded integers are drawn"
        assert max_value is not None, "only bounded integers are drawn"
        choice = self.random.randint(min_value, max_value)
        self.drawn.append(choice)
        return choice

    def draw_float(self, **constraints: Any) -> float:
        raise NotImplementedError

    def draw_string(self, *args: Any, **constraints: Any) -> str:
        raise NotImplementedError

    def draw_bytes(self, *args: Any, **constraints: Any) -> bytes:
        raise NotImplementedError


AVAILABLE_PROVIDERS[BACKEND] = _Source


def choices_so_far() -> int:
    """How many choices the value that is being drawn has taken: marks where a part of it begins and ends."""
    return len(_Source.drawn)


@contextmanager
def draw_from(seed: str) -> Iterator[Choices]:
    """For the block, what the backend draws comes from that seed; it is written down in the list."""
    _Source.random, _Source.drawn = Random(seed), []
    yield _Source.drawn


def is_drawing() -> bool:
    """Whether the value that is being drawn comes from the seed, and not from Hypothesis itself."""
    return bool(_Source.drawn)


class Seeded(Generic[Value]):
    """The values of a strategy by their seeds."""

    def __init__(self, strategy: st.SearchStrategy[Value]) -> None:
        self._found: list[Value] = []

        # The first example is always the simplest one, and not from our backend; the second is what we want.
        @settings(QUIET, max_examples=2, phases=[Phase.generate], backend=BACKEND)
        @given(strategy)
        def example(value: Value) -> None:
            self._found.append(value)

        self._example = example

    def value(self, seed: str) -> Value:
        """The value of that seed."""
        return self.value_and_choices(seed)[0]

    def value_and_choices(self, seed: str) -> tuple[Value, Choices]:
        """The value, and what was drawn for it."""
        self._found.clear()
        with draw_from(seed) as drawn:
            self._example()
        assert len(self._found) == 2, f"the strategy did not come to an end with seed {seed}"
        return self._found.pop(), drawn


class _FailsError(Exception):
    """The value still fails."""


class _Recorded(ExampleDatabase):
    """A database with one example in it, in the place of those that can still be shrunk."""

    def __init__(self, choices: Iterable[int | bool]) -> None:
        super().__init__()
        self._blob = choices_to_bytes(choices)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        return [self._blob] if key.endswith(b".secondary") else []

    def save(self, key: bytes, value: bytes) -> None:
        pass

    def delete(self, key: bytes, value: bytes) -> None:
        pass


def shrink(
    strategy: st.SearchStrategy[Value], choices: Sequence[int | bool], fails: Callable[[Value], Any], *, seconds: float
) -> Value | None:
    """The simplest value near that of ``choices`` that still ``fails``, as far as Hypothesis comes in so many seconds.

    ``None`` if not even the value of ``choices`` does.
    """
    end = time.monotonic() + seconds
    simplest: list[Value] = []

    @settings(QUIET, phases=[Phase.reuse, Phase.shrink], database=_Recorded(choices))
    @given(strategy)
    def example(value: Value) -> None:
        if time.monotonic() < end and fails(value):
            simplest[:] = [value]
            raise _FailsError

    with suppress(_FailsError, Flaky):  # The latter too when time was up: then the last one that failed is the answer.
        example()
    return simplest[0] if simplest else None
