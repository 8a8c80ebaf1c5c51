"""Replies are recorded in scenarios from real servers, and judge any server."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.duel import Duel
from conformance.recording import BASE, Judge, RecordingError, Tally, is_real, judge, record, version_of
from conformance.scenario import Scenario, load, parse
from conformance.servers import Server, start_miniredis
from conformance.versions import Version

EVERYTHING = """\
# What a scenario can hold
#  A map, a double, events, moments and several frames.
HSET h f v
HGETALL h
#  A remark in the middle.
ZADD z 0.1 a
ZSCORE z a
OBJECT ENCODING z
RPUSH l a
OBJECT ENCODING l
SET k v EX 100
EXPIRETIME k
PEXPIRETIME k
CLIENT ID
INFO server
CONFIG GET save
alice& BLPOP queue 0
RPUSH queue x
alice<
alice! ECHO a
alice! ECHO b
alice~ 2
alice! ECHO c
bob> QUIT
bob|
alice.
until EXISTS k => (integer) 1
after 1 ms
SUBSCRIBE a b
FOO

# Another
PING
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "family.scenarios"
    path.write_text(EVERYTHING, encoding="utf-8")
    return path


def without_replies(path: Path) -> str:
    return "".join(line for line in path.read_text(encoding="utf-8").splitlines(True) if not line.startswith(" "))


def step_of(path: Path, line: str) -> str:
    """What stands under that step."""
    _, found, rest = path.read_text(encoding="utf-8").partition(f"\n{line}\n")
    assert found
    lines = rest.split("\n")
    return "\n".join(lines[: next(at for at, each in enumerate(lines) if not each.startswith(" "))])


def test_recording_writes_replies_and_leaves_the_rest_alone(file: Path, redis_server: Server) -> None:
    tally = record(redis_server, [file])
    assert (tally.scenarios, len(tally.changed)) == (2, 23)
    assert without_replies(file) == EVERYTHING.replace("FOO\n", "FOO\n1<*\n")
    assert step_of(file, "HGETALL h") == '    1) "f"\n    2) "v"\n  resp3:\n    1# "f" => "v"'
    assert step_of(file, "EXPIRETIME k") in ("    (now + 100 s)", "    (now + 99 s)")  # The server rounds.
    assert step_of(file, "PEXPIRETIME k") == "    (now + 100000 ms)"
    assert step_of(file, "CLIENT ID") == "    (any integer)"
    assert step_of(file, "INFO server") == "    (any bulk string)\n  resp3:\n    (any verbatim string)"
    assert step_of(file, "alice& BLPOP queue 0") == "    (blocked)"
    assert step_of(file, "alice~ 2") == '    "a"\n    ---\n    "b"'
    assert step_of(file, "bob|") == "    (closed)"


def test_what_came_unasked_is_read_at_the_end(file: Path, redis_server: Server) -> None:
    record(redis_server, [file])
    assert "FOO" in step_of(file, "FOO") or "subscribe" in step_of(file, "FOO")
    assert step_of(file, "1<*").startswith("    (error) ERR unknown command 'FOO'")


def test_recording_again_changes_nothing(file: Path, redis_server: Server, valkey_server: Server) -> None:
    for server in (redis_server, valkey_server):
        record(server, [file])
    recorded = file.read_text(encoding="utf-8")
    for server in (redis_server, valkey_server, redis_server):
        assert record(server, [file]).changed == []
    assert file.read_text(encoding="utf-8") == recorded


def test_a_second_server_adds_only_what_it_does_otherwise(
    file: Path, redis_server: Server, valkey_server: Server
) -> None:
    record(redis_server, [file])
    changed = record(valkey_server, [file]).changed
    assert changed == [f"family: What a scenario can hold: {line}" for line in ("ZSCORE z a", "OBJECT ENCODING l")]
    assert step_of(file, "OBJECT ENCODING l") == '    "quicklist"\n  since valkey-9.1:\n    "listpack"'
    assert step_of(file, "ZSCORE z a").split("\n") == [
        '    "0.10000000000000001"',
        "  resp3:",
        "    (double) 0.10000000000000001",
        "  since valkey-9.1:",
        '    "0.1"',
        "  resp3 since valkey-9.1:",
        "    (double) 0.1",
    ]


def test_what_is_not_right_any_more_is_replaced_and_a_variant_that_says_nothing_new_goes(
    file: Path, redis_server: Server, valkey_server: Server
) -> None:
    for server in (redis_server, valkey_server):
        record(server, [file])
    right = file.read_text(encoding="utf-8")
    wrong = right.replace('"quicklist"', '"listpack"').replace("    PONG", "    PING")
    file.write_text(wrong, encoding="utf-8")
    assert len(record(redis_server, [file]).changed) == 2
    assert file.read_text(encoding="utf-8") == right
    file.write_text(right.replace("    PONG", "    PONG\n  since redis-7.2:\n    PONG"), encoding="utf-8")
    record(redis_server, [file])
    assert file.read_text(encoding="utf-8") == right


def test_only_chosen_scenarios_are_recorded(file: Path, redis_server: Server) -> None:
    tally = record(redis_server, [file], chosen=lambda scenario: scenario.title == "Another")
    assert tally == Tally(1, 2, ["family: Another: PING"])


def test_the_oldest_server_is_recorded_first(file: Path, valkey_server: Server) -> None:
    with pytest.raises(RecordingError, match=r"record redis-7\.0 first"):
        record(valkey_server, [file])
    assert file.read_text(encoding="utf-8") == EVERYTHING


def test_a_scenario_that_is_for_others_is_left_to_them(
    tmp_path: Path, redis_server: Server, valkey_server: Server
) -> None:
    path = tmp_path / "f.scenarios"
    path.write_text("# Valkey's own @valkey @resp3\nHELLO 3\n", encoding="utf-8")
    assert record(redis_server, [path]).scenarios == 0
    assert record(valkey_server, [path]).scenarios == 1
    (scenario,) = load(path)
    assert [str(each.condition) for each in scenario.steps[0].recorded] == [""]


def test_a_scenario_that_waits_in_vain_is_not_recorded(
    tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.side.DEADLINE", 0.05)
    path = tmp_path / "f.scenarios"
    path.write_text("# Nobody answers\nPING\n1<\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"Nobody answers .*no reply"):
        record(redis_server, [path])


def test_miniredis_proves_nothing(file: Path, redis_server: Server) -> None:
    assert is_real(redis_server)
    with start_miniredis(emulate="redis-7.0") as server:
        assert not is_real(server)
        with pytest.raises(RecordingError, match="no real server"):
            record(server, [file])
        assert record(server, [file], force=True).scenarios == 2


def scenario(text: str) -> Scenario:
    (parsed,) = parse(text, "family")
    return parsed


def verdicts(server: Server, text: str, version: str = "redis-7.0") -> list[bool]:
    report = judge(server, scenario(text), 2, version)
    return [exchange.agree for exchange in report.exchanges]


def test_a_server_is_judged_byte_for_byte(redis_server: Server) -> None:
    assert verdicts(redis_server, '# T\nPING\n    PONG\nPING\n    "PONG"\nGET k\n    (nil array)\n') == [
        True,
        False,
        False,
    ]


def test_a_server_is_judged_as_the_version_that_it_is(redis_server: Server) -> None:
    text = '# T\nRPUSH l a\n    (integer) 1\nOBJECT ENCODING l\n    "quicklist"\n  since redis-7.2:\n    "listpack"\n'
    assert version_of(redis_server).series == BASE
    with Judge(redis_server) as opened:
        assert opened.play(scenario(text), 2).agree
    assert verdicts(redis_server, text, "valkey-9.1") == [True, False]


def test_a_freedom_of_the_command_is_granted_and_no_other(redis_server: Server) -> None:
    assert verdicts(
        redis_server, "# T\nCLIENT ID\n    (any integer)\nDBSIZE\n    (any integer)\nPING\n    (any simple string)\n"
    ) == [
        True,
        True,  # It is 0, which is what these words stand for.
        False,
    ]
    assert verdicts(redis_server, '# T\nMSET a 1 b 2\n    OK\nKEYS *\n    1) "b"\n    2) "a"\n') == [True, True]
    assert (
        verdicts(redis_server, '# T\nRPUSH l a b\n    (integer) 2\nLRANGE l 0 -1\n    1) "b"\n    2) "a"\n')[1] is False
    )


def test_nothing_may_be_left_unread_and_nothing_unrecorded(redis_server: Server) -> None:
    assert verdicts(redis_server, "# T\nPING\n") == [False]
    report = judge(redis_server, scenario("# T\n1! PING\n"), 2, "redis-7.0")
    assert [str(each.target) for each in report.exchanges if not each.agree] == ["PONG"]


def test_a_declared_difference_is_told_from_one_that_is_not(redis_server: Server, valkey_server: Server) -> None:
    recorded = (
        '# T\nRPUSH l a\n    (integer) 1\nOBJECT ENCODING l\n    "quicklist"\n  since redis-7.2:\n    "listpack"\n'
    )
    versions = (Version.parse("redis-7.0"), Version.parse("valkey-9.1"))
    with Duel(redis_server, valkey_server) as duel:
        declared = duel.play(scenario(recorded), 2, versions)
        assert declared.agree
        assert [exchange.declared for exchange in declared.exchanges] == ["", "since redis-7.2"]
        assert declared.declared_state == ["db0 b'l' encoding: b'quicklist' / b'listpack' (since redis-7.2)"]
        assert not duel.play(scenario(recorded), 2).agree
        undeclared = duel.play(scenario(recorded.replace('"listpack"', '"ziplist"')), 2, versions)
        assert [exchange.is_right for exchange in undeclared.exchanges] == [True, False]
