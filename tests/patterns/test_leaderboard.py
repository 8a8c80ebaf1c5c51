"""Leaderboards: ranks, pages and neighbours are those of a list that is sorted by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Leaderboard, Standing, aio
from patterns.bench.proofs.lost_replies import LosesReplies
from tests.patterns.conftest import Stage

MEMBERS = st.sampled_from(["ada", "bob", "cy", "dot", "eve", "fay", "gus", "é"])
SCORES = st.integers(-3, 3).map(lambda number: number / 2)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["submit", "add"]), MEMBERS, SCORES),
        st.tuples(st.just("remove"), MEMBERS, st.just(0.0)),
    ),
    max_size=25,
)


def standings(scores: dict[str, float]) -> list[Standing]:
    """The whole board. Equals stand in the order of their bytes, the last first, which is how Redis lists them."""
    order = sorted(scores, key=lambda member: (scores[member], member.encode()), reverse=True)
    return [Standing(each, scores[each], 1 + sum(other > scores[each] for other in scores.values())) for each in order]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, keep=st.sampled_from(["last", "best"]), size=st.none() | st.integers(1, 5))
def test_it_is_a_list_that_is_always_sorted(stage: Stage, actions: list[Any], keep: Any, size: int | None) -> None:
    stage.empty()
    board = Leaderboard(stage.client, "b", keep=keep, size=size)
    scores: dict[str, float] = {}
    for action, member, score in actions:
        if action == "remove":
            assert board.remove(member) is (scores.pop(member, None) is not None)
        else:
            before = scores.get(member)
            if action == "add":
                scores[member] = (before or 0.0) + score
            elif keep == "last" or before is None or score > before:
                scores[member] = score
            scores = {each.member: each.score for each in standings(scores)[:size]}
            expected = next((each for each in standings(scores) if each.member == member), None)
            assert getattr(board, action)(member, score) == expected
        whole = standings(scores)
        assert board.size() == len(whole)
        assert board.top(100) == whole
        assert board.top(2, offset=1) == whole[1:3]
        for place, each in enumerate(whole):
            assert board.standing(each.member) == each
            assert board.around(each.member, 1) == whole[max(0, place - 1) : place + 2]
    assert all(stage.client.pttl(each) > 0 for each in stage.client.scan_iter())


def test_who_is_not_there_has_no_standing(stage: Stage) -> None:
    board = Leaderboard(stage.client, "b")
    assert board.standing("nobody") is None
    assert board.around("nobody") == []
    assert board.top() == []
    assert not board.remove("nobody")


def test_the_best_score_stays_in_whatever_order_reports_arrive(stage: Stage) -> None:
    client = LosesReplies(stage.client)
    board = Leaderboard(client, "b", keep="best")
    for score in (3, 9, 7):
        client.losing = 1
        board.submit("ada", score)
    assert board.standing("ada") == Standing("ada", 9, 1)


def test_a_board_ends_after_its_last_change(fake: Stage) -> None:
    board, eternal = Leaderboard(fake.client, "b", ttl=3600), Leaderboard(fake.client, "e", ttl=None)
    board.submit("ada", 1)
    eternal.submit("ada", 1)
    fake.advance(3000)
    board.add("ada", 1)
    fake.advance(3599)
    assert board.size() == 1
    fake.advance(2)
    assert board.size() == 0
    assert eternal.size() == 1
    assert fake.client.ttl("leaderboard:{e}") == -1


async def test_asyncio(stage: Stage) -> None:
    async with stage.new_async_client() as client:
        board = aio.Leaderboard(client, "b")
        assert await board.submit("ada", 2.5) == Standing("ada", 2.5, 1)
        assert await board.add("bob", 2.5) == Standing("bob", 2.5, 1)
        assert await board.top() == [Standing("bob", 2.5, 1), Standing("ada", 2.5, 1)]


def test_what_cannot_be_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="keep is"):
        Leaderboard(None, "b", keep="worst")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a size is"):
        Leaderboard(None, "b", size=0)
    with pytest.raises(ValueError, match="a count is 1 or more"):
        Leaderboard(None, "b").top(0)
    with pytest.raises(ValueError, match="a count is 0 or more"):
        Leaderboard(None, "b").around("ada", -1)
