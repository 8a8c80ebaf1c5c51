"""Links: both ends always agree, and sets of them are those of a set of pairs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Links, aio
from patterns.bench.proofs.lost_replies import LosesReplies
from tests.patterns.conftest import Stage

THINGS = st.sampled_from(["ada", "bob", "cy", "é{1}"])
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["link", "link", "unlink", "forget"]), THINGS, st.lists(THINGS, max_size=3), st.booleans()
    ),
    max_size=15,
)
ALL = ["ada", "bob", "cy", "é{1}"]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_it_is_a_set_of_pairs_seen_from_both_ends(stage: Stage, actions: list[Any]) -> None:
    stage.empty()
    client = LosesReplies(stage.client)
    links = Links(client, "follows")
    pairs: set[tuple[str, str]] = set()
    for action, thing, others, lost in actions:
        before = set(pairs)
        new = {(thing, other) for other in others}
        client.losing = int(lost)
        if action == "forget":
            links.forget(thing)
            pairs = {pair for pair in pairs if thing not in pair}
        else:
            pairs = pairs | new if action == "link" else pairs - new
            assert getattr(links, action)(thing, *others) == (0 if lost else len(pairs ^ before))
        client.losing = 0
        for each in ALL:
            assert links.of(each) == {b for a, b in pairs if a == each}
            assert links.to(each) == {a for a, b in pairs if b == each}
            assert links.count_of(each) == len(links.of(each))
            assert links.count_to(each) == len(links.to(each))
            assert links.mutual(each) == {b for a, b in pairs if a == each and (b, a) in pairs}
        assert links.of_all("ada", "bob") == {each for each in ALL if {("ada", each), ("bob", each)} <= pairs}
        assert links.to_all("ada", "bob") == {each for each in ALL if {(each, "ada"), (each, "bob")} <= pairs}
        assert links.to_any("ada", "bob") == {a for a, b in pairs if b in ("ada", "bob")}
        assert links.linked("ada", "cy") is (("ada", "cy") in pairs)
    if not pairs:
        assert stage.client.dbsize() == 0


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        tags = aio.Links(client, "tags")
        assert await tags.link("post:1", "red", "new") == 2
        assert await tags.link("post:2", "red") == 1
        assert await tags.to_all("red", "new") == {"post:1"}
        await tags.forget("red")
        assert await tags.of("post:2") == set()


def test_no_thing_is_one_of_another_namespace(stage: Stage) -> None:
    Links(stage.client, "a").link("b}:of:c", "x")
    assert Links(stage.client, "a}:of:b").of("c") == set()


def test_nothing_is_said_of_nothing() -> None:
    with pytest.raises(ValueError, match="of no things"):
        Links(None, "tags").to_all()
