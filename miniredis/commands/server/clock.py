"""TIME: the engine's clock, as clients see it."""

from __future__ import annotations

from miniredis.engine.command import command
from miniredis.engine.session import Session
from miniredis.resp.types import Reply


@command(
    "TIME",
    arity=1,
    summary="Returns the server time.",
    since="2.6.0",
    group="server",
    complexity="O(1)",
    flags="loading stale fast",
    tips=["nondeterministic_output"],
)
def time(client: Session, argv: list[bytes]) -> Reply:
    seconds, microseconds = divmod(client.engine.clock.ns() // 1000, 1_000_000)
    return [b"%d" % seconds, b"%d" % microseconds]
