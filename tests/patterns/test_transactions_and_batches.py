"""Transactions are linearizable, and tried so many times at most; batches keep order, and each command's own error."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patterns import Batches, ContentionError, Transaction, aio
from tests.patterns.conftest import Stage
from tests.patterns.interleaving import Play, interleave


def transfer(source: str, target: str, amount: int) -> Any:
    def function(pipeline: Any) -> bool:
        balance = int(pipeline.get(source) or 0)
        if balance < amount:
            return False
        pipeline.multi()
        pipeline.decrby(source, amount)
        pipeline.incrby(target, amount)
        return True

    return function


def test_what_was_queued_is_executed_as_a_whole(stage: Stage) -> None:
    stage.client.set("a", 10)
    committed = Transaction(stage.client).run(transfer("a", "b", 4), "a", "b")
    assert (committed.value, committed.replies, committed.attempts) == (True, [6, 4], 1)
    assert Transaction(stage.client).run(transfer("a", "b", 40), "a", "b").value is False
    assert stage.client.mget("a", "b") == [b"6", b"4"]


def test_an_exception_writes_nothing_and_leaves_the_connection_clean(stage: Stage) -> None:
    def fails(pipeline: Any) -> None:
        pipeline.multi()
        pipeline.set("a", 1)
        raise LookupError

    with stage.new_client(max_connections=1) as client:
        with pytest.raises(LookupError):
            Transaction(client).run(fails, "a")
        assert client.get("a") is None
        stage.client.set("a", 2)
        assert Transaction(client).run(transfer("a", "b", 1), "a").attempts == 1


def test_it_is_tried_again_but_not_for_ever(stage: Stage) -> None:
    runs = []

    def disturbed(pipeline: Any) -> None:
        runs.append(1)
        stage.client.incr("a")
        pipeline.multi()
        pipeline.set("written", 1)

    with pytest.raises(ContentionError, match="3 attempts"):
        Transaction(stage.client, attempts=3, random=lambda: 0.0).run(disturbed, "a")
    assert len(runs) == 3
    assert stage.client.get("written") is None
    with pytest.raises(ValueError, match="once"):
        Transaction(stage.client, attempts=0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    transfers=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(1, 9)), min_size=2, max_size=5
    ),
    order=st.lists(st.integers(0, 4), max_size=50),
)
def test_transfers_in_any_order_are_as_if_one_had_followed_the_other(
    stage: Stage, transfers: list[Any], order: list[int]
) -> None:
    """In the order in which they were executed, a model comes to the same decisions and the same balances."""
    stage.empty()
    stage.client.mset(dict.fromkeys("abc", 10))

    def logged(number: int) -> Any:
        source, target, amount = transfers[number]

        def function(pipeline: Any) -> bool:
            moves = int(pipeline.get(source)) >= amount
            pipeline.multi()
            pipeline.rpush("log", number)
            if moves:
                pipeline.decrby(source, amount)
                pipeline.incrby(target, amount)
            return moves

        return function

    transaction = Transaction(stage.client, attempts=1000, random=lambda: 0.0)
    steps = Transaction.run.steps  # type: ignore[attr-defined]
    plays = [Play(stage.client, steps(transaction, logged(number), *"abc")) for number in range(len(transfers))]
    interleave(plays, order, lambda: None)
    assert [play.error for play in plays] == [None] * len(plays)
    executed = [int(number) for number in stage.client.lrange("log", 0, -1)]
    assert sorted(executed) == list(range(len(transfers)))
    model = dict.fromkeys("abc", 10)
    for number in executed:
        source, target, amount = transfers[number]
        moves = model[source] >= amount
        assert plays[number].result.value is moves
        if moves:
            model[source] -= amount
            model[target] += amount
    assert dict(zip("abc", map(int, stage.client.mget(*"abc")), strict=True)) == model


def test_threads_that_share_a_client_lose_no_update(stage: Stage) -> None:
    def increment(pipeline: Any) -> None:
        value = int(pipeline.get("n") or 0)
        pipeline.multi()
        pipeline.set("n", value + 1)

    transaction = Transaction(stage.client, attempts=1000)
    threads = [threading.Thread(target=lambda: [transaction.run(increment, "n") for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stage.client.get("n") == b"80"


def lose_replies_to_exec(monkeypatch: pytest.MonkeyPatch, lost: list[Any]) -> None:
    """Every connection breaks when the server has executed a transaction, before its client hears of it."""

    def lose(reply: Any) -> Any:
        if isinstance(reply, list):
            lost.append(reply)
            raise redis.ConnectionError("the reply is lost")
        return reply

    blocking, asyncio = redis.connection.AbstractConnection, redis.asyncio.connection.AbstractConnection
    read, read_async = blocking.read_response, asyncio.read_response

    async def lose_async(self: Any, *args: Any, **options: Any) -> Any:
        return lose(await read_async(self, *args, **options))

    monkeypatch.setattr(blocking, "read_response", lambda *args, **options: lose(read(*args, **options)))
    monkeypatch.setattr(asyncio, "read_response", lose_async)


def test_it_is_not_run_again_if_nobody_knows_whether_it_was_executed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.client.set("a", 10)
    lost: list[Any] = []
    with monkeypatch.context() as meanwhile, stage.new_client() as client:
        lose_replies_to_exec(meanwhile, lost)
        with pytest.raises(redis.ConnectionError, match="the reply is lost"):
            Transaction(client).run(transfer("a", "b", 4), "a", "b")
    assert lost == [[6, 4]]
    assert stage.client.mget("a", "b") == [b"6", b"4"]


def test_on_a_cluster_neither(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client.set("{t}a", 10)
    lost: list[Any] = []
    with monkeypatch.context() as meanwhile:
        lose_replies_to_exec(meanwhile, lost)
        with pytest.raises(redis.ConnectionError, match="the reply is lost"):
            Transaction(client).run(transfer("{t}a", "{t}b", 4), "{t}a", "{t}b")
    assert lost == [[6, 4]]
    assert client.mget("{t}a", "{t}b") == [b"6", b"4"]


def test_contention_is_contention_even_where_a_connection_was_lost_before(stage: Stage) -> None:
    """An exception that its caller handles meanwhile is no reason for a null EXEC."""
    disturbances = iter([True])

    def disturbed(pipeline: Any) -> None:
        if next(disturbances, False):
            stage.client.incr("a")
        pipeline.multi()
        pipeline.set("written", 1)

    try:
        raise redis.ConnectionError
    except redis.ConnectionError:
        assert Transaction(stage.client).run(disturbed, "a").attempts == 2


async def test_transactions_in_asyncio(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def increment(pipeline: Any) -> int:
        value = int(await pipeline.get("n") or 0)
        pipeline.multi()
        pipeline.set("n", value + 1)
        return value

    async with stage.new_async_client() as client:
        transaction = aio.Transaction(client)
        assert [(await transaction.run(increment, "n")).value for _ in range(3)] == [0, 1, 2]
        lost: list[Any] = []
        with monkeypatch.context() as meanwhile:
            lose_replies_to_exec(meanwhile, lost)
            with pytest.raises(redis.ConnectionError, match="the reply is lost"):
                await transaction.run(increment, "n")
    assert lost == [[b"OK"]]
    assert stage.client.get("n") == b"4"


COMMANDS = st.sampled_from(
    [("INCR", "n"), ("INCR", "s"), ("SET", "s", "x"), ("LPUSH", "l", "x"), ("GET", "l"), ("NOSUCH",), ("GET", "s")]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(commands=st.lists(COMMANDS, max_size=12), size=st.integers(1, 5))
def test_a_batch_answers_what_the_commands_answer_one_by_one(stage: Stage, commands: list[Any], size: int) -> None:
    stage.empty()
    expected: list[Any] = []
    for command in commands:
        try:
            expected.append(stage.client.execute_command(*command))
        except redis.ResponseError as error:
            expected.append(str(error))
    stage.empty()
    replies = Batches(stage.client, size=size).send(commands)
    assert [reply.command for reply in replies] == commands
    assert [str(reply.error) if reply.error else reply.value for reply in replies] == expected


def test_an_error_is_raised_when_its_reply_is_wanted(stage: Stage) -> None:
    good, bad = Batches(stage.client).send([("SET", "s", "x"), ("INCR", "s")])
    assert good.unwrap() is True
    with pytest.raises(redis.ResponseError, match="not an integer"):
        bad.unwrap()


def test_a_connection_that_breaks_takes_no_reply_along_that_was_there(stage: Stage) -> None:
    class Breaks:
        def __init__(self, batches: int) -> None:
            self.batches = batches

        def pipeline(self, **options: Any) -> Any:
            self.batches -= 1
            if self.batches < 0:
                raise redis.ConnectionError("it broke")
            return stage.client.pipeline(**options)

    commands = [("INCR", "n")] * 7
    replies = Batches(Breaks(2), size=2).send(commands)
    assert [reply.value for reply in replies] == [1, 2, 3, 4, None, None, None]
    assert [reply.command for reply in replies] == commands
    for reply in replies[4:]:
        with pytest.raises(redis.ConnectionError, match="it broke"):
            reply.unwrap()
    with pytest.raises(redis.ConnectionError, match="it broke"):
        Batches(Breaks(0)).send(commands)


async def test_batches_in_asyncio(stage: Stage) -> None:
    async with stage.new_async_client(decode_responses=True) as client:
        replies = await aio.Batches(client).send([("SET", "s", b"\xff"), ("GET", "s"), ("NOSUCH",)])
        assert [reply.value for reply in replies] == [True, b"\xff", None]
        assert isinstance(replies[2].error, redis.ResponseError)
