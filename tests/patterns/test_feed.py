"""Feeds: the latest so many, for so long, and pages in which nothing comes twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Feed, aio
from tests.patterns.conftest import Stage

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.just(0)),
        st.tuples(st.just("pass"), st.sampled_from([1, 400, 999, 1000, 3000])),
        st.tuples(st.just("remove"), st.integers(0, 9)),
    ),
    max_size=40,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, size=st.integers(1, 6))
def test_it_has_the_latest_so_many_for_so_long(fake: Stage, actions: list[Any], size: int) -> None:
    """Against a list of (id, millisecond, value). An entry is shown until just before its time is over."""
    assert fake.mini is not None
    fake.empty()
    start = 1_800_014_400_000
    fake.mini.clock.set(start / 1000)
    feed, now, pushed = Feed(fake.client, "f", size=size, ttl=3), start, 0
    model: list[tuple[str, int, int]] = []
    for action, option in actions:
        if action == "push":
            model = [*model, (feed.push(pushed), now, pushed)][-size:]
            pushed += 1
            assert fake.client.pttl("feed:{f}") == 3000
            assert fake.client.xlen("feed:{f}") <= size
        elif action == "pass":
            now += option
            fake.mini.clock.set(now / 1000)
        elif model:
            assert feed.remove(model[option % len(model)][0])
            del model[option % len(model)]
        model = [each for each in model if now - each[1] < 3000]
        seen = [(each.id, round(each.at * 1000), each.value) for each in feed.latest(100)]
        assert seen == model[::-1]
        assert [each.id for each in feed.since(None, 100)] == [each[0] for each in model]
        for place, each in enumerate(model):
            assert [later.id for later in feed.since(each[0])] == [later[0] for later in model[place + 1 :]]
            assert [earlier.id for earlier in feed.latest(before=each[0])] == [e[0] for e in model[:place][::-1]]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.integers(1, 5), between=st.lists(st.integers(0, 3), min_size=1, max_size=10))
def test_nothing_comes_twice_or_is_skipped_in_pages(stage: Stage, page: int, between: list[int]) -> None:
    stage.empty()
    feed = Feed(stage.client, "f")
    for number in range(12):
        feed.push(number)
    seen: list[int] = []
    before = None
    for pushes in between * 12:
        entries = feed.latest(page, before=before)
        if not entries:
            break
        seen += [each.value for each in entries]
        before = entries[-1].id
        for _ in range(pushes):
            feed.push("meanwhile")
    assert seen == list(range(11, -1, -1))


def test_a_full_feed_forgets_the_oldest(stage: Stage) -> None:
    feed = Feed(stage.client, "f", size=3)
    ids = [feed.push({"n": number}) for number in range(5)]
    assert [(each.id, each.value) for each in feed.latest()] == [(ids[n], {"n": n}) for n in (4, 3, 2)]
    assert [each.value["n"] for each in feed.since(ids[3])] == [4]
    assert [each.value["n"] for each in feed.since(ids[0])] == [2, 3, 4]
    assert feed.latest(before=ids[0]) == []
    assert feed.remove(ids[3])
    assert not feed.remove(ids[3])
    assert 0 < stage.client.pttl("feed:{f}") <= 30 * 86400 * 1000


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        feed = aio.Feed(client, "f")
        first = await feed.push("first")
        await feed.push(None)
        assert [each.value for each in await feed.latest()] == [None, "first"]
        assert [each.value for each in await feed.since(first)] == [None]


def test_a_size_is_positive() -> None:
    with pytest.raises(ValueError, match="a size is"):
        Feed(None, "f", size=0)
