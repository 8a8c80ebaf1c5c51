"""A reference and a target for every differential test, started once per test process.

The target is miniredis playing the reference's version. ``MINIREDIS_TARGET`` names another: ``reference`` compares
the real server with a second one of its kind (which proves the tests, not the target); a series (``valkey-9.1``)
or the path of an executable compares two versions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from conformance.duel import Duel
from conformance.servers import Server, ServerError, find_server, start, start_miniredis

REFERENCES = ("redis-7.0", "valkey-9.1")


def start_target(reference: Server) -> AbstractContextManager[Server]:
    """The server under test, as the environment names it."""
    wanted = os.environ.get("MINIREDIS_TARGET", "miniredis")
    if wanted == "miniredis":
        return start_miniredis(emulate=reference.name)
    binary = find_server(reference.name if wanted == "reference" else wanted)
    if binary is None:
        raise ServerError(f"no such server: {wanted}")
    return start(binary)


@pytest.fixture(scope="session", params=REFERENCES)
def reference(request: pytest.FixtureRequest) -> Server:
    """Each of the real servers in turn."""
    server: Server = request.getfixturevalue(
        {"redis-7.0": "redis_server", "valkey-9.1": "valkey_server"}[request.param]
    )
    return server


@pytest.fixture(scope="session")
def duel(reference: Server) -> Iterator[Duel]:
    """The reference and the target, ready to be given the same commands."""
    with start_target(reference) as target, Duel(reference, target) as duel:
        yield duel


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def protocol(request: pytest.FixtureRequest) -> int:
    """The protocol that every connection of the test speaks."""
    version: int = request.param
    return version
