"""A database as a mapping, for assertions::

    assert server.db(0)["user:1"] == {"name": "Ann"}
    assert "lock" not in server.db(0)
    assert server.db(0).ttl("session") == 3600

The rule of this file: looking changes nothing, neither access times nor hits and misses. Values are copies in Python's
own types (:mod:`miniredis.testing.python_values`); keys may be given as text or bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from miniredis.engine.values import type_name
from miniredis.testing.patterns import text_of
from miniredis.testing.python_values import as_kept, text, to_python

if TYPE_CHECKING:
    from miniredis.engine.keyspace import Database
    from miniredis.testing.instruments import Instruments

T = TypeVar("T")


class DatabaseView(Mapping[Any, Any]):
    """The keys of one database that exist now, each with its value."""

    def __init__(self, server: Instruments, number: int) -> None:
        databases = server.engine.databases
        if not 0 <= number < len(databases):
            raise ValueError(f"there are databases 0 to {len(databases) - 1}, and no {number}")
        self._server = server
        self._database = databases[number]

    def __getitem__(self, key: str | bytes) -> Any:
        return self._ask(lambda database: to_python(_value(database, key), database.engine.now))

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str | bytes):
            return False
        return self._ask(lambda database: _exists(database, text_of(key)))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask(lambda database: [text(key) for key in database.data if _exists(database, key)]))

    def __len__(self) -> int:
        return self._ask(lambda database: sum(_exists(database, key) for key in database.data))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return False
        return dict(self) == {as_kept(key): value for key, value in other.items()}

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(dict(self))

    def ttl(self, key: str | bytes) -> float | None:
        """The seconds that *key* has to live, to the millisecond; None for ever. Raises ``KeyError`` without it."""

        def remaining(database: Database) -> float | None:
            _value(database, key)
            when = database.expires.get(text_of(key))
            return None if when is None else (when - database.engine.now) / 1000

        return self._ask(remaining)

    def end_of(self, key: str | bytes) -> int | None:
        """The last millisecond (since the epoch) of *key*; None if it has none."""
        return self._ask(lambda database: database.expires.get(text_of(key)))

    def type(self, key: str | bytes) -> str:
        """What TYPE answers. Raises ``KeyError`` if there is no such key."""
        return self._ask(lambda database: type_name(_value(database, key)).decode())

    def _ask(self, function: Callable[[Database], T]) -> T:
        def ask() -> T:
            self._database.engine.run_due()
            return function(self._database)

        return self._server.call(ask)


def _exists(database: Database, key: bytes) -> bool:
    return key in database.data and not database.is_past(key)


def _value(database: Database, key: str | bytes) -> Any:
    name = text_of(key)
    if not _exists(database, name):
        raise KeyError(key)
    return database.data[name]
