"""Events: each once, in the order of time, for as long as they are kept."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Events, aio
from patterns.bench.proofs.lost_replies import LosesReplies
from tests.patterns.conftest import Stage
from tests.patterns.given_time import GivenTime

NOON = 1_800_014_400
RETENTION = 60
SECONDS = st.integers(-70, 70)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.none() | SECONDS, st.booleans()),
        st.tuples(st.just("pass"), st.sampled_from([1, 29, 60, 61]), st.just(False)),
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, start=SECONDS, length=st.integers(0, 60))
def test_each_is_there_once_for_its_time(stage: Stage, actions: list[Any], start: int, length: int) -> None:
    """Against a list of (second, id). Ids rise, so that events of one moment are in a known order."""
    stage.empty()
    now, given_time = NOON, GivenTime(stage.client, NOON * 1_000_000)
    client = LosesReplies(stage.client if stage.mini is not None else given_time)
    if stage.mini is not None:
        stage.mini.clock.set(NOON)
    events, model = Events(client, "e", retention=RETENTION), []
    for number, (action, option, lost) in enumerate(actions):
        if action == "pass":
            now += option
            given_time.now = now * 1_000_000
            if stage.mini is not None:
                stage.mini.clock.set(now)
        else:
            at = now if option is None else now + option
            kept = at > now - RETENTION
            client.losing = int(lost)
            added = events.add("same", at=None if option is None else at, id=f"{number:03}")
            assert added == (at if kept else None)
            client.losing = 0
            if kept:
                model.append((at, f"{number:03}"))
                assert stage.client.pttl("events:{e}") > 0
                assert stage.client.pttl("events:{e}:values") > 0
        model = sorted(each for each in model if each[0] > now - RETENTION)
        assert [(each.at, each.id) for each in events.between(None, None)] == model
        assert [(each.at, each.id) for each in events.latest(3)] == model[::-1][:3]
        first, last = now + start, now + start + length
        within = [each for each in model if first <= each[0] < last]
        assert [(each.at, each.id) for each in events.between(first, last)] == within
        assert events.count(first, last) == len(within)
        assert events.count() == len(model)
    events.add("last")
    assert stage.client.hlen("events:{e}:values") == events.count()


def test_equal_events_are_as_many_as_they_were(stage: Stage) -> None:
    events = Events(stage.client, "e")
    for _ in range(3):
        events.add({"door": "open"}, at=None)
    assert [each.value for each in events.latest()] == [{"door": "open"}] * 3


def test_an_event_of_the_same_id_is_the_same_however_it_is_written(stage: Stage) -> None:
    events = Events(stage.client, "e")
    first = events.add({"door": 1, "open": True}, id="an id")
    assert events.add({"open": True, "door": 1}, id="an id") == first
    assert [(each.id, each.at, each.value) for each in events.latest()] == [("an id", first, {"door": 1, "open": True})]


def test_keys_are_gone_with_their_last_event(fake: Stage) -> None:
    events = Events(fake.client, "e", retention=60)
    assert fake.mini is not None
    events.add("now")
    events.add("later", at=fake.mini.clock.time() + 30)
    fake.advance(89)
    assert [each.value for each in events.latest()] == ["later"]
    fake.advance(1.01)
    assert fake.client.dbsize() == 0


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        events = aio.Events(client, "e")
        at = await events.add("first")
        assert at is not None
        assert [each.value for each in await events.between(at, None)] == ["first"]
        assert await events.between(None, at) == []
