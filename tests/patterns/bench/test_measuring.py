"""What is counted, raced and judged, on a small scale and without other libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from conformance.servers import Server
from conformance.speed.figures import Figures, Ratio
from patterns.bench import command, hits, limiters, locks, stampede
from patterns.bench.counting import commands, total
from patterns.bench.verdicts import Verdict, at_most, exactly


@pytest.fixture
def url(redis_server: Server) -> str:
    return f"redis://127.0.0.1:{redis_server.port}/0"


def test_what_connections_say_does_not_count_and_what_scripts_call_does(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.execute_command("CONFIG", "RESETSTAT")
        client.eval("redis.call('SET', KEYS[1], 1) return redis.call('GET', KEYS[1])", 1, "k")
        with redis.Redis.from_url(url) as other:
            other.ping()
        assert commands(client) == {"eval": 1, "set": 1, "get": 1}
        assert total(client) == 3


def test_a_stampede_is_counted_over_both_processes(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        ours = stampede.one(url, client, "patterns", 20)
        naive = stampede.one(url, client, "naive", 20)
    assert ours[stampede.LOADS] == 1
    assert ours[stampede.COMMANDS] <= stampede.ALLOWED_COMMANDS
    assert ours[stampede.WALL] >= 200
    assert naive[stampede.LOADS] > 2
    assert naive[stampede.COMMANDS] == 40 + naive[stampede.LOADS]


def test_threads_stampede_likewise(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        assert stampede.one(url, client, "patterns, threads", 20)[stampede.LOADS] == 1


def test_a_crowd_that_fails_is_an_error(url: str) -> None:
    with redis.Redis.from_url(url) as client, pytest.raises(stampede.StampedeError, match="nobody"):
        stampede.one(url, client, "nobody", 1)


def test_a_decision_is_sent_once(url: str) -> None:
    counted: list[int] = []
    with redis.Redis.from_url(url) as client:
        client.ping()
        with limiters.sent(counted):
            client.get("k")
            client.get("k")
        client.get("k")
    assert len(counted) == 2


@pytest.mark.parametrize("contender", locks.HOLDERS)
def test_a_lock_is_handed_over(url: str, contender: str) -> None:
    with redis.Redis.from_url(url) as client:
        assert 0 < locks.handover(client, contender, 0.05) < 5000


def test_the_fastest_portion_of_a_round_counts() -> None:
    figures, fastest = Figures(), hits.Fastest([hits.BARE])
    for clock, processor in ((3e-3, 1e-3), (2e-3, 2e-3)):
        fastest.note(hits.BARE, (clock, processor))
    fastest.tell(figures, hits.BLOCKING)
    assert figures.median(hits.PART, hits.BLOCKING, hits.BARE) == pytest.approx(2000 / hits.CALLS)
    assert figures.median(hits.PROCESSOR, hits.BLOCKING, hits.BARE) == pytest.approx(1000 / hits.CALLS)


def test_verdicts() -> None:
    assert at_most("p", 1.3, Ratio(1.3, 1.0, 2.0), " ×") == Verdict("p", "≤ 1.3 ×", "1.30 (1.00–2.00) ×", True)
    assert not at_most("p", 1.3, Ratio(1.31, 1.0, 2.0)).kept
    assert not at_most("p", 1.3, None).kept
    assert exactly("p", 1, Ratio(1, 1, 1)).kept
    assert not exactly("p", 1, Ratio(1, 1, 2)).kept
    assert not exactly("p", 1, None).kept


def measure(monkeypatch: pytest.MonkeyPatch, *verdicts: Verdict) -> None:
    monkeypatch.setattr(command, "PROOFS", {"queue-proof": lambda url, length: list(verdicts)})


def test_a_report_holds_verdicts_and_figures(
    redis_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure(monkeypatch, Verdict("queue", "0 lost", "1 lost", False))
    report = tmp_path / "report.json"
    assert command.main(["--only", "queue-proof", "--json", str(report)]) == 0
    assert "missed" in capsys.readouterr().out
    read: dict[str, Any] = json.loads(report.read_text())
    assert read["verdicts"] == [{"promise": "queue", "wanted": "0 lost", "seen": "1 lost", "kept": False}]
    assert command.main(["--only", "queue-proof", "--check"]) == command.MISSED


def test_what_cannot_be_measured_is_said(
    redis_server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--reference", "redis-1.0"]) == command.NOT_MEASURED

    def without(*arguments: Any) -> None:
        raise ImportError("No module named 'cashews'")

    monkeypatch.setattr(command, "RACES", {"hits": without})
    assert command.main(["--only", "hits"]) == command.NOT_MEASURED
    assert "make bench-patterns" in capsys.readouterr().err
