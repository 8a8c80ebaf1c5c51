"""Timers: in order, and no burden once they are cancelled."""

from __future__ import annotations

import miniredis.commands  # noqa: F401
from miniredis.engine.blocking import Blocked
from miniredis.engine.engine import Engine
from miniredis.engine.timers import Timers


def test_timers_fire_in_order_and_cancelled_ones_do_not() -> None:
    timers, fired = Timers(), []
    set_timers = [timers.call_at(when, lambda when=when: fired.append(when)) for when in (3, 1, 2, 1)]  # type: ignore[misc]
    set_timers[2].cancel()
    while (callback := timers.pop_due(3)) is not None:
        callback()
    assert fired == [1, 1, 3]
    assert timers.next_due() is None


def test_cancelling_a_timer_that_has_fired_changes_nothing() -> None:
    timers = Timers()
    fired = [timers.call_at(1, lambda: None) for _ in range(1000)]
    timers.call_at(2, lambda: None)
    while timers.pop_due(1) is not None:
        pass
    for timer in fired:
        timer.cancel()
    assert timers.next_due() == 2


def test_waits_that_end_before_their_time_leave_no_timers_behind() -> None:
    engine = Engine()
    waiter, giver = engine.connect(lambda _: None), engine.connect(lambda _: None)
    never = engine.connect(lambda _: None)
    assert isinstance(engine.execute(never, [b"BLPOP", b"never", b"2000"]), Blocked)
    for _ in range(5000):
        assert isinstance(engine.execute(waiter, [b"BLPOP", b"list", b"1000"]), Blocked)
        engine.execute(giver, [b"LPUSH", b"list", b"element"])
    assert len(engine.timers._heap) < 1000
    engine.clock.advance(2001)
    assert not engine.blocked_clients.clients


def test_a_driver_is_told_the_first_time_of_all_that_is_due() -> None:
    engine = Engine()
    engine.clock.freeze()
    told: list[int] = []
    engine.on_earlier = told.append
    client, other = engine.connect(lambda _: None), engine.connect(lambda _: None)
    engine.execute(client, [b"BLPOP", b"list", b"1"])
    engine.execute(other, [b"SET", b"key", b"value", b"EX", b"100"])
    engine.execute(other, [b"SELECT", b"1"])
    engine.execute(other, [b"SET", b"key", b"value", b"EX", b"50"])
    assert set(told) == {engine.now + 1000}


def test_after_a_pause_the_driver_is_told_again_when_keys_expire() -> None:
    engine = Engine()
    engine.clock.freeze()
    told: list[int] = []
    client = engine.connect(lambda _: None)
    engine.execute(client, [b"SET", b"key", b"value", b"EX", b"1"])
    engine.on_earlier = told.append
    engine.pause.begin(engine.now + 1_000_000, writes_only=True)
    engine.pause.end()
    assert told[-1] == engine.now + 1001


def test_a_key_expires_in_time_though_an_earlier_one_went_while_nobody_was_to_wake_up() -> None:
    engine = Engine()
    engine.clock.freeze()
    told: list[int] = []
    engine.on_earlier = told.append
    client = engine.connect(lambda _: None)
    engine.execute(client, [b"SET", b"key", b"value", b"PX", b"100"])
    engine.execute(client, [b"DEL", b"key"])
    engine.clock.advance(1)  # the alarm for the first time goes off, with nothing to expire
    engine.execute(client, [b"SET", b"key", b"value", b"PX", b"100"])
    assert told[-1] == engine.now + 101


def test_a_driver_is_not_told_when_the_only_key_lives_longer() -> None:
    engine = Engine()
    engine.clock.freeze()
    told: list[int] = []
    engine.on_earlier = told.append
    client = engine.connect(lambda _: None)
    begin = engine.now
    engine.execute(client, [b"SET", b"key", b"value", b"EX", b"100"])
    engine.execute(client, [b"EXPIRE", b"key", b"200"])
    assert told == [begin + 100_001]
    engine.execute(client, [b"EXPIRE", b"key", b"50"])
    assert told == [begin + 100_001, begin + 50_001]
    engine.execute(client, [b"EXPIRE", b"key", b"300"])
    engine.run_due()  # too early, as the driver was told
    assert engine.next_due() == begin + 300_001
    engine.execute(client, [b"PERSIST", b"key"])
    engine.execute(client, [b"EXPIRE", b"key", b"400"])
    assert told[-1] == begin + 400_001


def test_a_client_that_goes_in_a_pause_leaves_nothing_of_its_commands() -> None:
    engine = Engine()
    engine.pause.begin(engine.now + 1_000_000, writes_only=False)
    for _ in range(3):
        client = engine.connect(lambda _: None)
        assert isinstance(engine.execute(client, [b"SET", b"key", b"value"]), Blocked)
        engine.disconnect(client)
    assert not engine.pause._postponed
    engine.pause.end()
    assert not engine.databases[0].data


def test_times_to_live_that_were_taken_back_are_forgotten_little_by_little() -> None:
    engine = Engine()
    engine.clock.freeze()
    client = engine.connect(lambda _: None)
    engine.execute(client, [b"SET", b"last", b"value", b"EX", b"20"])
    for number in range(20_000):
        key = b"key%d" % number
        engine.execute(client, [b"SET", key, b"value", b"EX", b"10"])
        engine.execute(client, [b"PERSIST", key])
        if number % 3 == 0:
            engine.execute(client, [b"EXPIRE", key, b"30"])
    heap = engine.databases[0]._expire_heap
    before = len(heap)
    engine.next_due()
    engine.run_due()
    assert before - len(heap) <= 1000  # at once they would hold everybody up
    engine.clock.advance(20)
    assert b"last" in engine.databases[0].data
    engine.clock.advance(0.001)
    assert b"last" not in engine.databases[0].data
    engine.clock.advance(20)
    assert len(engine.databases[0].data) == 20_000 - 6_667
    assert engine.next_due() is None
