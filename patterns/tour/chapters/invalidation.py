"""Invalidation: by time, by event, by version, by tag; and the load that comes too late."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

from patterns import MISSING, Batches, Cache, Generations, Local
from patterns.tour.chapter import chapter
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

KEYS = 400
COLUMNS = 44
FIRST, LAST = 296_450, 454_850
"""Where the first column begins and the last one ends, in milliseconds."""


@chapter(
    "invalidation",
    "Invalidation",
    "A cached value is a copy, and the original changes. How does the copy go: when its time is over, when somebody "
    "says so, with everything of its kind, or with a tag?",
)
def invalidation(stage: Stage, tell: Narrator) -> None:
    """TTL, event, version, tags, and the race between a load and an invalidation."""
    _by_time(stage, tell)
    _by_event(stage, tell)
    _by_version(stage, tell)
    _by_tag(stage, tell)
    _too_late(stage, tell)
    tell.remember("Time bounds every mistake; events, versions and tags make it short; a fence keeps the past out.")


def _by_time(stage: Stage, tell: Narrator) -> None:
    ttl = stage.span(300, 0.3)
    cache = Cache(stage.client(), prefix=stage.key("ttl:"), ttl=ttl, jitter=0)

    r, key = stage.client(), stage.key

    @tell.step("By time. Every value has a time to live; PTTL says what is left of it, in milliseconds.")
    def _() -> None:
        cache.get_or_load("news", lambda: "yesterday's")
        r.pttl(key("ttl:{news}"))

    tell.later(ttl)

    @tell.step("It is gone by itself.")
    def _() -> object:
        return cache.get("news", default=None)

    tell.say(f"{KEYS} values stored at once expire at once, and all come back to the database together; unless …")
    tell.gap()
    for label, jitter in (("one ttl", 0.0), ("jitter=0.5", 0.5)):
        spread = Cache(stage.client(), prefix=stage.key(f"{label}:"), ttl=300, jitter=jitter)
        spread.get_or_load_many([str(each) for each in range(KEYS)], lambda names: dict.fromkeys(names, 1))
        asked = [("PTTL", spread.store.value_key(str(each))) for each in range(KEYS)]
        lefts = [reply.unwrap() for reply in Batches(r).send(asked)]
        found = Counter((left - FIRST) * COLUMNS // (LAST - FIRST) for left in lefts)
        counts = [found[column] for column in range(COLUMNS)]
        tell.columns(label, counts, f"{max(counts)} at once")
        tell.figures[f"expire together, {label}"] = max(counts)


def _by_event(stage: Stage, tell: Narrator) -> None:
    near = Local()
    shop = Cache(stage.client("shop"), prefix=stage.key("event:"), local=near)
    office = Cache(stage.client("office"), prefix=stage.key("event:"), local=Local())
    price = "10 €"

    @tell.step("By event. Two processes keep the value near, in their own memory: the second look costs no round trip.")
    def _() -> object:
        shop.get_or_load("price", lambda: price)
        return shop.get_or_load("price", lambda: price)

    office.get_or_load("price", lambda: price)
    price = "12 €"

    @tell.step("One of them changes it. The script deletes the value and publishes the key's name.")
    def _() -> object:
        return office.invalidate("price")

    _until(lambda: near.get("price") is MISSING)

    @tell.step("The other one has heard of it, and thrown its copy out.")
    def _() -> object:
        return shop.get_or_load("price", lambda: price)

    tell.gap()
    tell.figure("looks without a round trip", shop.stats().local_hits)
    for each in (shop, office):
        _close(each, stage)


def _by_version(stage: Stage, tell: Narrator) -> None:
    pages = Generations(stage.client(), "shop", prefix=stage.key("pages:"))
    for number in range(50):
        pages.get_or_load(f"page:{number}", lambda: "old")

    @tell.step("By version. 50 pages carry the generation they were made in. One write begins a new one:")
    def _() -> None:
        pages.invalidate()

    @tell.step("and none of the 50 counts any more. Generation and value are read in one round trip.")
    def _() -> object:
        return pages.get("page:7", default=None)

    tell.gap()
    tell.figure("of 50 pages still valid", sum(pages.get(f"page:{number}") is not MISSING for number in range(50)))


def _by_tag(stage: Stage, tell: Narrator) -> None:
    cache = Cache(stage.client(), prefix=stage.key("tag:"), ttl=300)
    for name, tags in (("ann", ["team:1"]), ("bob", ["team:1", "admins"]), ("cat", ["team:2"])):
        cache.set(name, "cached", tags=tags)

    @tell.step("By tag. Three users are cached, two of them carry the tag team:1.")
    def gone() -> int:
        return cache.invalidate_tags("team:1")

    tell.gap()
    tell.figure("values gone", gone)
    tell.figure("values left", sum(cache.get(name) is not MISSING for name in ("ann", "bob", "cat")))


def _too_late(stage: Stage, tell: Narrator) -> None:
    cache = Cache(stage.client(), prefix=stage.key("race:"), ttl=300)
    database = {"stock": 5}

    @tell.definition("The race: while a slow load is on its way, the row changes and is made invalid.")
    def slow_load() -> int:
        found = database["stock"]
        database["stock"] = 4
        cache.invalidate("stock")
        return found

    @tell.step("The load comes too late.")
    def late() -> object:
        return cache.get_or_load("stock", slow_load)

    tell.say("The invalidation took the lease away. So the fill answered 0 and wrote nothing; the next reader loads.")

    @tell.step("What readers get from now on:", wire=0)
    def _() -> object:
        return cache.get_or_load("stock", lambda: database["stock"])

    tell.gap()
    tell.figure("loads that were fenced off", cache.stats().fenced)


def _close(cache: Cache, stage: Stage) -> None:
    """Let a cache stop listening, which it notices at once if it hears something."""
    closing = threading.Thread(target=cache.close)
    closing.start()
    while closing.is_alive():
        stage.client().publish(cache.store.channel, "=nothing")
        closing.join(0.01)


def _until(condition: Callable[[], bool]) -> None:
    """Until a listener has heard, which takes as long as the network does."""
    deadline = time.monotonic() + 5
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the invalidation was not heard")
        time.sleep(0.002)
