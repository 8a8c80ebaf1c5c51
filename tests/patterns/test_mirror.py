"""``patterns.aio`` mirrors every name of ``patterns``: same signature, same words, but coroutines."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import patterns
from patterns import aio
from patterns.pattern import Asyncio, Blocking, Pattern

PATTERNS = [name for name in patterns.__all__ if inspect.isclass(getattr(patterns, name))]


def test_the_names_are_the_same() -> None:
    assert sorted(aio.__all__) == sorted(patterns.__all__)


def public_methods(kind: type) -> dict[str, Any]:
    return {name: each for name, each in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize("name", PATTERNS)
def test_signatures_and_docstrings_are_the_same(name: str) -> None:
    blocking, asynchronous = getattr(patterns, name), getattr(aio, name)
    assert inspect.getdoc(asynchronous) == inspect.getdoc(blocking)
    if not issubclass(blocking, Pattern):
        assert asynchronous is blocking
        return
    assert issubclass(blocking, Blocking)
    assert issubclass(asynchronous, Asyncio)
    assert inspect.signature(asynchronous) == inspect.signature(blocking)
    ours, theirs = public_methods(blocking), public_methods(asynchronous)
    assert ours.keys() == theirs.keys()
    for method in ours:
        assert inspect.signature(ours[method]) == inspect.signature(theirs[method]), method
        assert inspect.getdoc(ours[method]) == inspect.getdoc(theirs[method]), method
        if hasattr(ours[method], "steps"):
            assert "Steps" not in str(inspect.signature(ours[method])), method
            assert inspect.iscoroutinefunction(theirs[method]), method
            assert not inspect.iscoroutinefunction(ours[method]), method
