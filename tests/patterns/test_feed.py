"""Feeds: the latest so many, for so long, and pages in which nothing comes twice."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Feed, Feeds, SignedPickle, UndeliveredError, aio
from patterns.bench.proofs.lost_replies import LosesReplies
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


def test_a_push_that_is_sent_again_adds_one_entry(stage: Stage) -> None:
    client = LosesReplies(stage.client)
    feed, feeds = Feed(client, "f"), Feeds(client)
    feed.push("first")  # its script is known from now on
    client.meanwhile, client.losing = lambda: Feed(stage.client, "f").push("meanwhile"), 1
    id = feed.push("second")
    client.meanwhile, client.losing = lambda: None, 1
    ids = feeds.push("third", ["f", "g"])
    assert client.losing == 0
    assert [each.value for each in feed.latest()] == ["third", "meanwhile", "second", "first"]
    assert [(each.id, each.value) for each in feeds["g"].latest()] == [(ids["g"], "third")]
    assert feed.latest()[2].id == id


def test_who_asks_for_no_entries_gets_none(stage: Stage) -> None:
    feed = Feed(stage.client, "f")
    feed.push("entry")
    for count in (0, -1):
        assert feed.latest(count) == feed.since(None, count) == []


def test_an_entry_that_cannot_be_read_keeps_nobody_from_the_others(stage: Stage) -> None:
    feed = Feed(stage.client, "f")
    feed.push("before")
    Feed(stage.client, "f", codec=SignedPickle(b"a secret of ours")).push("ours")
    feed.push("after")
    after, unreadable, before = feed.latest()
    assert (after.value, before.value) == ("after", "before")
    assert isinstance(unreadable.value, bytes)


def test_a_size_is_positive() -> None:
    with pytest.raises(ValueError, match="a size is"):
        Feed(None, "f", size=0)


PUSHES = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.lists(st.sampled_from("abcd"), max_size=6)),
        st.tuples(st.just("pass"), st.sampled_from([400, 1000, 2999, 3000])),
    ),
    max_size=20,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=PUSHES, size=st.integers(1, 4))
def test_each_follower_has_the_latest_of_what_was_pushed_to_it(fake: Stage, actions: list[Any], size: int) -> None:
    assert fake.mini is not None
    fake.empty()
    start = 1_800_014_400_000
    now, pushed, feeds = start, 0, Feeds(fake.client, size=size, ttl=3)
    fake.mini.clock.set(start / 1000)
    model: dict[str, list[tuple[int, int]]] = {name: [] for name in "abcd"}
    for action, option in actions:
        if action == "push":
            assert feeds.push(pushed, option) == {name: feeds[name].latest(1)[0].id for name in option}
            for name in set(option):
                model[name] = [*model[name], (now, pushed)][-size:]
                assert fake.client.pttl(f"feed:{{{name}}}") == 3000
            pushed += 1
        else:
            now += option
            fake.mini.clock.set(now / 1000)
        for name, entries in model.items():
            there = [value for at, value in entries if now - at < 3000]
            assert [each.value for each in feeds[name].latest()] == there[::-1]


def test_many_followers_are_a_few_round_trips_and_one_that_fails_keeps_no_other_from_it(stage: Stage) -> None:
    feeds, names = Feeds(stage.client, size=2), [f"name {number}" for number in range(1500)]
    stage.client.set("feed:{name 7}", "no feed")
    with pytest.raises(
        UndeliveredError, match=r"1 of 1500 feeds did not get the entry; 'name 7': .*WRONGTYPE"
    ) as caught:
        feeds.push("one", names)
    assert list(caught.value.errors) == ["name 7"]
    assert list(caught.value.ids) == [name for name in names if name != "name 7"]
    stage.client.delete("feed:{name 7}")
    assert list(feeds.push("again", caught.value.errors)) == ["name 7"]
    assert feeds.push("none", []) == {}
    assert [each.value for each in feeds["name 7"].latest()] == ["again"]
    assert [each.value for each in feeds["name 1499"].latest()] == ["one"]


class Breaks:
    """Stands before a client whose connection breaks when the second pipeline is sent: nobody knows what was done."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.sent = 0

    def pipeline(self, **options: Any) -> Any:
        self.sent += 1
        if self.sent == 2:
            raise redis.exceptions.ConnectionError("the connection broke")
        return self.client.pipeline(**options)


def test_a_connection_that_breaks_leaves_nobody_in_doubt_who_has_the_entry(stage: Stage) -> None:
    Feed(stage.client, "warm").push("one")  # the script is known: each batch is one pipeline
    names = [f"name {number}" for number in range(2500)]
    with pytest.raises(UndeliveredError, match=r"1000 of 2500 feeds did not get the entry; .*broke") as caught:
        Feeds(Breaks(stage.client)).push("one", names)
    assert list(caught.value.ids) == names[:1000] + names[2000:]
    assert list(caught.value.errors) == names[1000:2000]


async def test_followers_in_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        feeds = aio.Feeds(client)
        ids = await feeds.push({"n": 1}, ["ann", "bob"])
        for name in ("ann", "bob"):
            assert [(each.id, each.value) for each in await feeds[name].latest()] == [(ids[name], {"n": 1})]


def test_an_option_that_is_none_is_an_error_at_once() -> None:
    with pytest.raises(ValueError, match="a size is"):
        Feeds(None, size=0)
