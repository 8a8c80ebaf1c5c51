"""What every pattern is: a client, operations written as generators, and one of two flavours.

The rule of this file: a flavour adds how to wait and nothing else. ``class CacheOperations(Pattern)`` has the logic;
``class Cache(CacheOperations, Blocking)`` and, in :mod:`patterns.aio`, ``class Cache(CacheOperations, Asyncio)`` have
no code. Each ``@operation`` becomes a real method of either: plain or coroutine, same name, signature and docstring.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload

from patterns.steps import Steps, run, run_async

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", covariant=True)


class operation(Generic[P, T]):  # noqa: N801 - a decorator
    """Marks a generator as a public operation. In a class with a flavour it is a method."""

    def __init__(self, function: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self, instance: Blocking, owner: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: Asyncio, owner: Any = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        raise TypeError(f"{type(instance).__name__} has no flavour: its operations are generators, not methods")

    def blocking(self) -> Callable[..., T]:
        """The method of the blocking flavour."""
        function = self.function

        @functools.wraps(function)
        def method(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
            return run(self.client, function(self, *args, **kwargs))

        return _described(method, function)

    def asyncio(self) -> Callable[..., Coroutine[Any, Any, T]]:
        """The method of the asyncio flavour."""
        function = self.function

        @functools.wraps(function)
        async def method(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
            return await run_async(self.client, function(self, *args, **kwargs))

        return _described(method, function)


def _described(method: F, function: Callable[..., Any]) -> F:
    """The method, whose signature says what it returns, not that it is made of steps."""
    described = cast(Any, method)
    returns = re.fullmatch(r"Steps\[(.*)\]", str(function.__annotations__["return"]))
    if returns is None:
        raise TypeError(f"{function.__qualname__} has to say that it returns Steps[…]")
    del described.__wrapped__
    described.__annotations__ = {**function.__annotations__, "return": returns[1]}
    described.__signature__ = inspect.signature(function).replace(return_annotation=returns[1])
    described.steps = function
    return method


class Pattern:
    """A pattern on a client. ``new_event`` and ``client`` are of the same flavour as the class."""

    client: Any
    new_event: Callable[[], Any]
    _make_method: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls._make_method is None:
            return
        for name in {name for each in cls.__mro__ for name in vars(each)}:
            found = inspect.getattr_static(cls, name)
            if isinstance(found, operation):
                method = cls._make_method(found)
                method.__qualname__ = f"{cls.__qualname__}.{name}"
                method.__module__ = cls.__module__
                setattr(cls, name, method)


class Enters(Protocol[E]):
    """What a pattern has that is used in a ``with`` block."""

    client: Any

    def _enter(self) -> Steps[E]: ...
    def _leave(self, error: BaseException | None) -> Steps[None]: ...


class Blocking(Pattern):
    """The flavour for threads: its operations block, its client is a ``redis.Redis`` or ``redis.RedisCluster``."""

    new_event = threading.Event
    _make_method = operation.blocking

    def __enter__(self: Enters[T]) -> T:
        return run(self.client, self._enter())

    def __exit__(self: Enters[Any], kind: Any, error: BaseException | None, traceback: Any) -> None:
        run(self.client, self._leave(error))


class Asyncio(Pattern):
    """The flavour for asyncio: its operations are coroutines, its client is of ``redis.asyncio``."""

    new_event = asyncio.Event
    _make_method = operation.asyncio

    async def __aenter__(self: Enters[T]) -> T:
        return await run_async(self.client, self._enter())

    async def __aexit__(self: Enters[Any], kind: Any, error: BaseException | None, traceback: Any) -> None:
        await run_async(self.client, self._leave(error))
