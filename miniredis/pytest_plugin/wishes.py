"""What a test asks for: ``@pytest.mark.redis(version="redis-7.0", seed=1, frozen=True, data={"key": "value"})``.

The rule of this file: the marker may stand on the test, its class and its module, and what stands nearer counts; of
``data``, key by key. Many projects have a marker of this name for purposes of their own; it is read only for tests that
ask for a fixture of this plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import pytest

MARKER: Final = "redis"

DESCRIPTION: Final = (
    "redis(version=None, seed=None, frozen=False, data=None): the server that the fixtures of miniredis give: "
    'which one to be ("redis-7.0", "redis-7.2", "redis-8.2", "redis-8.4", "valkey-9.1"), what makes it repeatable, '
    "whether its clock stands, and what is in it."
)


@dataclass(frozen=True)
class Wishes:
    """The arguments of a test's markers, taken together."""

    version: str | None = None
    seed: int | None = None
    frozen: bool = False
    data: Mapping[Any, Any] = field(default_factory=dict)


def wishes_of(item: pytest.Item) -> Wishes:
    """What the markers of *item* say. Fails the test if one of them cannot be read."""
    wanted: dict[str, Any] = {}
    known = [each.name for each in fields(Wishes)]
    for mark in reversed(list(item.iter_markers(MARKER))):
        unknown = [name for name in mark.kwargs if name not in known]
        if mark.args or unknown:
            what = f"no {unknown[0]!r}" if unknown else "no arguments without a name"
            pytest.fail(f"@pytest.mark.redis takes {what}: it takes {', '.join(known)}", pytrace=False)
        data = {**wanted.get("data", {}), **(mark.kwargs.get("data") or {})}
        wanted = {**wanted, **mark.kwargs, "data": data}
    return Wishes(**wanted)
