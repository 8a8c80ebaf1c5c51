"""What scripts find on a server that has just begun: a real one gave these numbers."""

from __future__ import annotations

import pytest

import miniredis.commands  # noqa: F401
from miniredis.engine.engine import Engine
from miniredis.engine.version import VERSIONS
from miniredis.resp.types import Error, Reply


def eval_on(engine: Engine, script: bytes) -> Reply:
    return engine.execute(engine.connect(lambda reply: None), [b"EVAL", script, b"0"])


@pytest.mark.parametrize("version", ["redis-7.0", "valkey-9.1", "redis-8.2"])
def test_chance_begins_as_on_a_real_server(version: str) -> None:
    engine = Engine(VERSIONS[version])
    script = b"return {math.random(100), math.random(100)}"
    assert [eval_on(engine, script), eval_on(engine, script)] == [[40, 85], [36, 45]]


def test_the_pace_of_the_collector_is_remembered_until_scripts_are_forgotten() -> None:
    engine = Engine(VERSIONS["redis-7.0"])
    script = b"return {collectgarbage('setpause', 150), collectgarbage('setstepmul', 300)}"
    assert [eval_on(engine, script), eval_on(engine, script)] == [[200, 200], [150, 300]]
    engine.execute(engine.connect(lambda reply: None), [b"SCRIPT", b"FLUSH"])
    assert eval_on(engine, script) == [200, 200]


def test_an_error_that_cannot_be_asked_for_its_text_has_none() -> None:
    reply = eval_on(Engine(VERSIONS["redis-7.0"]), b"error(setmetatable({}, {__index=function() error('x') end}))")
    assert isinstance(reply, Error)
    assert reply.message.startswith(b"ERR unknown error")
