"""Pairs of a real server and miniredis in its place, each with a reader of its replication stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from conformance.servers import REFERENCES, find_server, start, start_miniredis
from tests.replication.pair import Pair
from tests.requirements import missing


@pytest.fixture(scope="session")
def pairs() -> Iterator[Callable[[str], Pair]]:
    """The pair of a name, started when it is first asked for: servers of our own, as others must not be attached to."""
    with ExitStack() as started:

        @cache
        def pair(name: str) -> Pair:
            binary = find_server(name)
            if binary is None:
                missing(name)
            reference = started.enter_context(start(binary, "--repl-diskless-sync-delay", "0"))
            target = started.enter_context(start_miniredis(emulate=name))
            return started.enter_context(Pair(reference, target))

        yield pair


@pytest.fixture(params=REFERENCES)
def pair(request: pytest.FixtureRequest, pairs: Callable[[str], Pair]) -> Pair:
    """Each real server in turn, and miniredis in its place."""
    return pairs(request.param)
