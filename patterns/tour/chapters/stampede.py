"""A stampede: everybody misses the same key at once. By lock, by chance, in the background."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial

from patterns import Cache
from patterns.tour.chapter import chapter
from patterns.tour.crowd import all_at_once
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

PROCESSES = 4
THREADS = 10
QUERY = 0.1
"""How many seconds the database of this chapter takes, on everybody's clock."""

MARKS = 48
REQUESTS_PER_MARK = 4


@chapter(
    "stampede",
    "Stampede prevention",
    "A popular key expires. Everybody who asks misses it, and all of them ask the database for the same row at the "
    "same time: just when it is needed most, the cache is not there.",
)
def stampede(stage: Stage, tell: Narrator) -> None:
    """Lock, early expiration, background refresh."""
    _by_lock(stage, tell)
    _by_chance(stage, tell)
    _in_background(stage, tell)
    tell.remember("One load per key, whoever asks: the first waits for it at most, and with old values nobody does.")


class Database:
    """A slow query, counted."""

    def __init__(self) -> None:
        self.loads = 0
        self._mutex = threading.Lock()

    def query(self) -> str:
        """Takes its time."""
        with self._mutex:
            self.loads += 1
        time.sleep(QUERY)
        return "the front page"


def everybody(ask: Callable[[int], object]) -> None:
    """Let all callers of all processes ask at once."""
    all_at_once([partial(ask, number % PROCESSES) for number in range(PROCESSES * THREADS)])


def _by_lock(stage: Stage, tell: Narrator) -> None:
    r, key = stage.connected("app", PROCESSES * THREADS), stage.key("naive:page")
    naive, leased = Database(), Database()

    @tell.definition("The usual way: GET, load, SET.")
    def ask_naively(process: int) -> object:
        value = r.get(key)
        if value is None:
            value = naive.query()
            r.set(key, value, ex=300)
        return value

    with stage.wire.listening() as sent_naively:

        @tell.step(
            f"{PROCESSES * THREADS} callers in {PROCESSES} processes want a cold key, and the database takes "
            f"{QUERY * 1000:g} ms.",
            wire=4,
        )
        def _() -> None:
            everybody(ask_naively)

    caches = [Cache(stage.client(), prefix=stage.key("leased:")) for _ in range(PROCESSES)]
    query = leased.query
    with stage.wire.listening() as sent_leased:

        @tell.step(
            "By lock. Of each process one caller asks; one of them gets the lease and loads. The others wait at a "
            "stream, until the fill wakes them.",
            wire=20,
        )
        def _() -> None:
            everybody(lambda process: caches[process].get_or_load("page", query))

    tell.bars({"loads, naive": naive.loads, "loads, with a lease": leased.loads})
    tell.bars({"commands, naive": len(sent_naively), "commands, with a lease": len(sent_leased)})


def _by_chance(stage: Stage, tell: Narrator) -> None:
    ttl, load_time, interval = stage.span(60, 0.48), stage.span(3, 0.024), stage.span(1, 0.008)
    beta = {"no beta": None, "beta=1": 1.0}
    caches = {
        label: Cache(
            stage.client(),
            prefix=stage.key(f"{label}:"),
            ttl=ttl,
            jitter=0,
            beta=each,
            random=random.Random(1).random,
            timer=stage.timer,
        )
        for label, each in beta.items()
    }
    tell.say(
        f"By chance (XFetch): a request every {interval:g} s, a time to live of {ttl:g} s, a load of {load_time:g} s. "
        "Near the end each reader throws dice, and one loads early while the others still have the old value. In the "
        "lines below · is answered, ✗ is nothing there and all wait, ↻ is loaded early and nobody else waits."
    )
    tell.gap()
    for label, cache in caches.items():
        happened: list[str] = []
        for _ in stage.beats(REQUESTS_PER_MARK * MARKS, interval):
            before = cache.stats()
            cache.get_or_load("page", lambda: stage.advance(load_time))
            after = cache.stats()
            early, late = after.refreshes > before.refreshes, after.misses > before.misses
            happened.append("↻" if early else "✗" if late else "·")
        tell.lane(label, _marks(happened), f"✗ {happened.count('✗')}  ↻ {happened.count('↻')}")
        tell.figures[f"nothing there, {label}"] = happened.count("✗")
        tell.figures[f"loaded early, {label}"] = happened.count("↻")


def _marks(happened: list[str]) -> list[tuple[str, str]]:
    """Several requests as one mark: the one that matters most."""
    styles = {"·": "dim", "↻": "bold green", "✗": "bold red"}
    marks = []
    for place in range(0, len(happened), REQUESTS_PER_MARK):
        mark = max(happened[place : place + REQUESTS_PER_MARK], key=list(styles).index)
        marks.append((mark, styles[mark]))
    return marks


def _in_background(stage: Stage, tell: Narrator) -> None:
    ttl = stage.span(60, 0.5)
    cache = Cache(stage.client(), prefix=stage.key("stale:"), ttl=ttl, jitter=0, stale=3600, background=True)
    edition = iter(["morning edition", "evening edition", "late edition"])
    cache.get_or_load("page", lambda: next(edition))
    tell.later(ttl)

    @tell.step(
        "In the background: the value is over its time, but kept (stale=3600). A reader has the old one at once.",
        wire=0,
    )
    def _() -> object:
        return cache.get_or_load("page", lambda: next(edition))

    stage.wire.wait_for(lambda: cache.stats().refreshes == 1 and _filled(stage) == 2)

    @tell.step("Meanwhile one refresh has run beside it:", wire=0)
    def _() -> object:
        return cache.get_or_load("page", lambda: next(edition))

    tell.gap()
    tell.figure("readers who waited", cache.stats().misses - 1)
    tell.figure("refreshes", cache.stats().refreshes)


def _filled(stage: Stage) -> int:
    """How many fills of the background's cache have been answered."""
    lines = map(stage.wire.command, (each for each in list(stage.wire.exchanges) if each.reply == 1))
    return sum("cache_fill.lua" in line and f" {stage.key('stale:')}" in line for line in lines)
