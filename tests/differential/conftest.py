"""A reference and a target for every differential test, started once per test process.

The target is miniredis playing the reference's version. ``MINIREDIS_TARGET`` names another: ``reference`` compares
the real server with a second one of its kind (which proves the tests, not the target); a series (``valkey-9.1``)
or the path of an executable compares two versions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache

import pytest

from conformance.duel import Duel
from conformance.servers import REFERENCES, Server, ServerError, find_server, start, start_miniredis


def start_target(reference: Server) -> AbstractContextManager[Server]:
    """The server under test, as the environment names it."""
    wanted = os.environ.get("MINIREDIS_TARGET", "miniredis")
    if wanted == "miniredis":
        return start_miniredis(emulate=reference.name)
    binary = find_server(reference.name if wanted == "reference" else wanted)
    if binary is None:
        raise ServerError(f"no such server: {wanted}")
    return start(binary)


@pytest.fixture(scope="session")
def duels(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Duel]]:
    """The duel against the reference of that name: begun when it is first asked for, and kept to the end."""
    with ExitStack() as started:

        @cache
        def duel(name: str) -> Duel:
            reference: Server = request.getfixturevalue(
                {"redis-7.0": "redis_server", "valkey-9.1": "valkey_server"}[name]
            )
            return started.enter_context(Duel(reference, started.enter_context(start_target(reference))))

        yield duel


@pytest.fixture(params=REFERENCES)
def reference(request: pytest.FixtureRequest) -> str:
    """The name of each of the real servers in turn."""
    name: str = request.param
    return name


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    """The protocol that every connection of the test speaks."""
    version: int = request.param
    return version


@pytest.fixture
def duel(duels: Callable[[str], Duel], reference: str) -> Duel:
    """The reference and the target, ready to be given the same commands."""
    return duels(reference)
