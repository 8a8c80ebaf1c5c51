"""Rate limits: five strategies, one and the same traffic."""

from __future__ import annotations

from typing import Any

from patterns import GCRA, FixedWindow, SlidingLog, SlidingWindow, TokenBucket
from patterns.tour.chapter import chapter
from patterns.tour.narrator import BLOCKS, Narrator
from patterns.tour.stage import Stage

SLOTS = 12
"""Slots per period."""

TRAFFIC = (0,) * 8 + (4,) * 8 + (0,) * 2 + (1,) * 18
"""Hits per slot: quiet, a burst around the end of the first period, then a steady trickle."""

LIMIT = 10


@chapter(
    "ratelimit",
    "Rate limits",
    "“No more than 10 a minute.” Count with INCR and a window, and around its border 20 pass at once. Count by the "
    "clients' clocks, and each client has another window.",
)
def ratelimit(stage: Stage, tell: Narrator) -> None:
    """One decision on the wire, then all strategies over time."""
    period = stage.span(60, 1)
    rate = f"{LIMIT}/{period:g} seconds"
    prefix = stage.key("limit:")
    limiter = TokenBucket(stage.client(), "2/hour", prefix=prefix)

    @tell.step(
        "A decision is one script on the server, by the server's clock. The reply says how long to wait, exactly."
    )
    def _() -> object:
        allowed = [bool(limiter.hit("ann")) for _ in range(3)]
        return allowed, limiter.hit("ann").retry_after

    strategies: dict[str, Any] = {
        "fixed window": FixedWindow(stage.client(), rate, prefix=prefix),
        "sliding window": SlidingWindow(stage.client(), rate, prefix=prefix),
        "sliding log": SlidingLog(stage.client(), rate, prefix=prefix),
        "token bucket": TokenBucket(stage.client(), rate, prefix=prefix),
        "GCRA, burst=1": GCRA(stage.client(), rate, burst=1, prefix=prefix),
    }
    admitted: dict[str, list[int]] = {name: [] for name in strategies}
    for slot in stage.beats(len(TRAFFIC), period / SLOTS, align=period):
        for name, each in strategies.items():
            admitted[name].append(sum(bool(each.hit("bob")) for _ in range(TRAFFIC[slot])))

    tell.say(
        f"The same traffic for five strategies, {rate}. A column is {period / SLOTS:.2g} s, as high as what was "
        "admitted; × means all refused. Marks below: a fixed window begins anew. At the right: the most in any period."
    )
    tell.gap()
    tell.lane("asked", [(BLOCKS[2 * hits], "cyan") for hits in TRAFFIC], "4 at a time")
    for name, passed in admitted.items():
        most = max(sum(passed[start : start + SLOTS]) for start in range(len(passed) - SLOTS + 1))
        tell.figures[f"most in a period, {name}"] = most
        tell.figures[f"admitted, {name}"] = sum(passed)
        tell.lane(name, map(_cell, TRAFFIC, passed), f"{most} in {period:g} s")
    tell.lane("", [("╵" if slot % SLOTS == 0 else " ", "dim") for slot in range(len(TRAFFIC))])
    tell.gap()
    tell.table(
        [
            ("fixed window", "simplest; twice the limit around a border"),
            ("sliding window", "two counters and an estimate: nearly exact"),
            ("sliding log", "exact, an entry for each hit"),
            ("token bucket", "a burst, then the rate"),
            ("GCRA", "one number; burst=1 spaces hits evenly"),
        ]
    )
    tell.remember("A refused hit costs nothing, and is told when to come again.")


def _cell(asked: int, admitted: int) -> tuple[str, str]:
    if not asked:
        return " ", ""
    return (BLOCKS[2 * admitted], "green") if admitted else ("×", "red")
