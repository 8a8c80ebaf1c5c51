"""The decorator ``cached``: a function whose results are kept under a key made of its arguments.

The rule of this file: arguments whose texts differ are different keys. What is put into the key is quoted, so that no
argument can pass for two, nor for a part of the key's own text. What has the same text, as ``1`` and ``"1"``, or
``None`` and ``"None"``, is the same key: where a function makes a difference between them, ``{name!r}`` does so too.
"""

from __future__ import annotations

import functools
import inspect
import string
import types
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, cast
from urllib.parse import quote

P = ParamSpec("P")
T = TypeVar("T")


class _Quoting(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return quote(super().format_field(value, format_spec), safe=" @+,;=!$'()*~")


FORMATTER = _Quoting()


class CachedFunction(Generic[P, T]):
    """A function that asks a cache first. Called, it is what it was: plain, or a coroutine function in asyncio."""

    def __init__(self, cache: Any, function: Callable[P, T], template: str, options: Mapping[str, Any]) -> None:
        self._cache = cache
        self._function = function
        self._signature = inspect.signature(function)
        self._template = template
        self._options = options
        functools.update_wrapper(cast(Any, self), function)
        for _, name, _, _ in string.Formatter().parse(template):
            if name is not None and name.partition(".")[0].partition("[")[0] not in self._signature.parameters:
                raise ValueError(f"{function!r} has no argument {name!r}, which is in the key {template!r}")

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key of the result for these arguments."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return FORMATTER.vformat(self._template, (), bound.arguments)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        loader = functools.partial(self._function, *args, **kwargs)
        return cast(T, self._cache.get_or_load(self.key(*args, **kwargs), loader, **self._options))

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Make the result for these arguments invalid; in asyncio, to be awaited."""
        return self._cache.invalidate(self.key(*args, **kwargs))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)
