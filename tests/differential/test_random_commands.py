"""Random commands of one family after another give the same replies and the same dataset as a real server.

``MINIREDIS_EXAMPLES`` is the number of pipelines per family, reference and protocol: few in the daily run, which always
tries the same ones; thousands by hand, each run others::

    MINIREDIS_EXAMPLES=5000 pytest tests/differential/test_random_commands.py -k sorted-set
"""

from __future__ import annotations

import os
from functools import cache
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings

from conformance.duel import Duel
from conformance.grammar import CommandGrammar, read_grammar
from conformance.random_commands import pipelines
from conformance.servers import Server

EXAMPLES: Final = os.environ.get("MINIREDIS_EXAMPLES")

FAMILIES: Final[dict[str, tuple[bytes, ...]]] = {
    "string": (b"RPUSH other a",),
    "hash": (b"SET other text",),
    "list": (b"SET other text",),
    "set": (b"SET other text", b"SADD k1 1 2 3", b"SADD k2 a b"),
    "sorted-set": (b"SET other text", b"ZADD k1 1 a 2 b 3 c", b"ZADD k2 0 a 0 b 0 c", b"SADD k3 a b x"),
    "generic": (b"SET k1 10", b"RPUSH k2 3 1 2", b"SADD k3 1 2 3", b"HSET other a 1 b 2", b"ZADD k4 1 a 2 b"),
}
"""Redis's name of the family, and what is there when its commands start."""

LEFT_OUT: Final = {
    "SPOP": "what it takes is random, and so the set afterwards",
    "MIGRATE": "needs a second server",
    "WAIT": "blocks",
    "WAITAOF": "blocks",
    "OBJECT HELP": "has a test of its own",
}


@cache
def grammars_of(server: Server) -> list[CommandGrammar]:
    """The commands of the server, as it documents them."""
    with server.connect() as wire:
        return read_grammar(wire)


@pytest.mark.parametrize("family", FAMILIES)
def test_random_commands_answer_as_on_the_reference(duel: Duel, protocol: int, family: str) -> None:
    grammars = grammars_of(duel.reference)
    chosen = [each for each in grammars if each.group == family and not each.blocking and each.name not in LEFT_OUT]
    setup = [tuple(line.split()) for line in FAMILIES[family]]

    @settings(
        max_examples=int(EXAMPLES or 15),
        derandomize=EXAMPLES is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(pipelines(chosen))
    def compare(pipeline: list[tuple[bytes, ...]]) -> None:
        report = duel.play_pipeline(f"random {family} commands", [*setup, *pipeline], protocol)
        assert report.agree, str(report)

    compare()
