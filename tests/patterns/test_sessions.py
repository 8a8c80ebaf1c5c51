"""Sessions: destroyed stays destroyed, an id is moved in one step, and every time to live is kept to."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from patterns import Sessions, aio
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave


def test_a_session_is_loaded_and_saved_until_it_is_destroyed(stage: Stage) -> None:
    sessions = Sessions(stage.client)
    id = sessions.create({"cart": [1]}, user="ann")
    assert sessions.load(id) == {"cart": [1]}
    assert sessions.save(id, {"cart": []})
    assert sessions.load(id) == {"cart": []}
    assert sessions.destroy(id)
    assert not sessions.destroy(id)
    assert sessions.load(id, "none") == "none"
    assert stage.client.keys("*") == []


def test_saving_after_the_logout_revives_nothing(stage: Stage) -> None:
    sessions = Sessions(stage.client)
    for end in (sessions.destroy, lambda id: sessions.destroy_all("ann"), sessions.rotate):
        id = sessions.create({}, user="ann")
        assert end(id)
        assert not sessions.save(id, {"revived": True})
        assert sessions.load(id) is None
        assert sessions.rotate(id) is None


def test_all_sessions_of_a_user_end_at_once_even_if_their_keys_stay(stage: Stage) -> None:
    sessions = Sessions(stage.client)
    ids = [sessions.create(number, user="ann") for number in range(3)]
    other = sessions.create("other", user="bob")
    play = Play(stage.client, Sessions.destroy_all.steps(sessions, "ann"))  # type: ignore[attr-defined]
    while stage.client.exists(*stage.client.keys("*:all")) == 2:
        play.step()
    # It crashed before it could remove the keys.
    assert len(stage.client.keys("sessions:*")) == 5
    assert [sessions.load(id) for id in ids] == [None] * 3
    assert not any(sessions.save(id, "revived") for id in ids)
    assert sessions.load(other) == "other"
    assert sessions.destroy_all("ann") == 0
    assert sessions.destroy_all("bob") == 1


def test_a_session_lives_while_it_is_used_but_not_for_ever(fake: Stage) -> None:
    sessions = Sessions(fake.client, ttl=60, absolute_ttl=150)
    id = sessions.create("data")
    for _ in range(2):
        fake.advance(50)
        assert sessions.load(id) == "data"
    fake.advance(49)
    assert sessions.save(id, "new")
    id = sessions.rotate(id) or ""
    assert sessions.load(id) == "new"
    fake.advance(1)
    assert sessions.load(id) is None
    assert fake.client.keys("*") == []


def test_an_unused_session_ends(fake: Stage) -> None:
    sessions = Sessions(fake.client, ttl=60)
    id = sessions.create("data", user="ann")
    fake.advance(61)
    assert sessions.load(id) is None
    assert not sessions.save(id, "revived")
    assert fake.client.keys("*") == []


def test_redis_does_not_know_the_ids(stage: Stage) -> None:
    sessions = Sessions(stage.client)
    id = sessions.create({"name": "ann"}, user="ann")
    secret = id.partition(".")[2].encode()
    assert len(secret) == 32
    everything = [*stage.client.keys("*"), *stage.client.zrange(stage.client.keys("*:all")[0], 0, -1)]
    assert not any(secret in each for each in everything)


@pytest.mark.parametrize("id", ["", ".", "x", "a" * 32 + "." + "b" * 31, "a" * 32 + "." + "}" * 32, "\n", None])
def test_what_is_no_id_is_no_session(stage: Stage, id: str | None) -> None:
    sessions = Sessions(stage.client)
    assert sessions.load(id) is None
    assert sessions.load(id, "nobody") == "nobody"
    assert (sessions.save(id, 1), sessions.rotate(id), sessions.destroy(id)) == (False, None, False)
    assert stage.client.keys("*") == []


def test_the_keys_of_a_user_are_in_one_slot(stage: Stage) -> None:
    sessions = Sessions(stage.client)
    for _ in range(3):
        sessions.rotate(sessions.create(1, user="ann"))
    assert len({key_slot(key) for key in stage.client.keys("*")}) == 1


def test_of_two_who_rotate_one_succeeds(stage: Stage) -> None:
    sessions = Sessions(stage.client)
    id = sessions.create("data")
    plays = [Play(stage.client, Sessions.rotate.steps(sessions, id)) for _ in range(2)]  # type: ignore[attr-defined]
    interleave(plays, [], lambda: None)
    (new,) = [play.result for play in plays if play.result]
    assert sessions.load(new) == "data"


def test_a_rotation_whose_reply_was_lost_is_not_lost(stage: Stage) -> None:
    """redis-py asks again by itself when a connection breaks: the session has its new id already."""

    class LosesReplies:
        def execute_command(self, *args: Any, **options: Any) -> Any:
            with contextlib.suppress(redis.RedisError):
                stage.client.execute_command(*args, **options)
            return stage.client.execute_command(*args, **options)

    sessions = Sessions(LosesReplies())
    id = sessions.create("data", user="ann")
    new = sessions.rotate(id)
    assert new is not None
    assert (sessions.load(id), sessions.load(new)) == (None, "data")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("create"), st.sampled_from(["ann", "bob"])),
            st.tuples(st.sampled_from(["load", "save", "rotate", "destroy"]), st.integers(0, 9)),
            st.tuples(st.just("destroy all"), st.sampled_from(["ann", "bob"])),
            st.tuples(st.just("advance"), st.integers(1, 40)),
        ),
        max_size=40,
    )
)
def test_sessions_are_what_a_model_says(fake: Stage, actions: list[tuple[str, Any]]) -> None:
    """A model: user, data, beginning, last use; alive for 60.5 s unused, for 200.5 s at most."""
    fake.empty()
    sessions = Sessions(fake.client, ttl=60.5, absolute_ttl=200.5)
    now = 0
    model: dict[str, dict[str, Any]] = {}
    ids: list[str] = []

    def alive(id: str) -> bool:
        return id in model and now < model[id]["used"] + 60.5 and now < model[id]["born"] + 200.5

    for number, (action, argument) in enumerate(actions):
        if action == "create":
            id = sessions.create(number, user=argument)
            model[id] = {"user": argument, "data": number, "born": now, "used": now}
            ids.append(id)
        elif action == "advance":
            now += argument
            fake.advance(argument)
        elif action == "destroy all":
            ended = [id for id in model if alive(id) and model[id]["user"] == argument]
            assert sessions.destroy_all(argument) == len(ended)
            for id in ended:
                del model[id]
        elif ids:
            id = ids[argument % len(ids)]
            lives = alive(id)
            if action == "load":
                assert sessions.load(id) == (model[id]["data"] if lives else None)
            elif action == "save":
                assert sessions.save(id, number) is lives
                if lives:
                    model[id]["data"] = number
            elif action == "rotate":
                new = sessions.rotate(id)
                assert (new is not None) is lives
                if new is not None:
                    model[new] = model.pop(id)
                    ids.append(new)
                    id = new
            elif lives:
                assert sessions.destroy(id)
                del model[id]
                continue
            if lives:
                model[id]["used"] = now
    for id in ids:
        assert sessions.load(id) == (model[id]["data"] if alive(id) else None)
    assert all(fake.client.pttl(key) > 0 for key in fake.client.keys("*"))


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client(decode_responses=True) as client:
        sessions = aio.Sessions(client)
        id = await sessions.create({"ü": 1}, user="ann")
        id = await sessions.rotate(id) or ""
        assert await sessions.load(id) == {"ü": 1}
        assert await sessions.save(id, 2)
        assert await sessions.destroy_all("ann") == 1
        assert await sessions.load(id) is None
