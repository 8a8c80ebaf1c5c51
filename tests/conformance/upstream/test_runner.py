"""A unit is run until every test in it has had its fair turn, or there is no hope of that."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from conformance.upstream import runner
from conformance.upstream.runner import Limits, UnitResult, run_unit
from conformance.upstream.source import Suite, SuiteError
from tests.conformance.upstream.conftest import Servers

Write = Callable[..., Suite]

pytestmark = pytest.mark.usefixtures("tclsh")


def run(suite: Suite, servers: Servers, **limits: float) -> UnitResult:
    return run_unit(suite, "unit/some", servers.launch, Limits(**limits))  # type: ignore[arg-type]


def test_a_unit_that_passes_is_run_once(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="test One {set a 1}\ntest Two {set a 2}"), servers)
    assert result.passed == {"One": 1, "Two": 1}
    assert (result.failed, result.incomplete, result.runs, servers.started) == ({}, "", 1, 1)


def test_the_last_of_all_failing_needs_no_second_run(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="test One {}\ntest Two {fail wrong}\ntest Three {}"), servers)
    assert set(result.passed) == {"One", "Three"}
    assert result.failed == {"Two": "wrong"}
    assert result.runs == 1


def test_what_fails_only_because_of_another_is_run_without_that(write_suite: Write, servers: Servers) -> None:
    unit = "test One {set ::open 1; error {no such thing}}\ntest Two {if {[info exists ::open]} {fail {still open}}}"
    result = run(write_suite(some=unit), servers)
    assert set(result.passed) == {"Two"}
    assert result.failed == {"One": "no such thing"}
    assert (result.runs, servers.started) == (2, 2)


def test_what_fails_for_itself_fails_again_without_the_others(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="".join(f"test {name} {{fail {name}}}\n" for name in "ABC")), servers)
    assert result.failed == {"A": "A", "B": "B", "C": "C"}
    assert (result.runs, result.unjudged) == (3, 0)


def test_for_want_of_a_command_tests_are_believed_together(write_suite: Write, servers: Servers) -> None:
    unit = "".join(f"test {name} {{error {{ERR unknown command '{name}'}}}}\n" for name in "ABCDEFGHIJ")
    result = run(write_suite(some=unit), servers)
    assert len(result.failed) == 10
    assert result.runs == 1


def test_runs_are_bounded_and_the_rest_is_called_unjudged(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="".join(f"test {name} {{fail {name}}}\n" for name in "ABCDE")), servers, runs=3)
    assert list(result.failed) == list("ABCDE")
    assert (result.runs, result.unjudged) == (3, 2)


def test_a_test_that_hangs_is_left_out_and_the_unit_goes_on(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="test One {}\ntest Two {hang}\ntest Three {}"), servers)
    assert set(result.passed) == {"One", "Three"}
    assert "Two" in result.failed
    assert result.incomplete == ""


def test_a_test_after_which_the_unit_breaks_off_is_left_out(write_suite: Write, servers: Servers) -> None:
    unit = "test One {}\ntest Two {set ::open 1}\nif {[info exists ::open]} {break_off}\ntest Three {}"
    result = run(write_suite(some=unit), servers)
    assert set(result.passed) == {"One", "Two", "Three"}
    assert result.incomplete == ""


def test_a_unit_that_breaks_off_whatever_is_left_out_is_given_up(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="test One {}\ntest Two {}\nbreak_off\ntest Three {}"), servers)
    assert set(result.passed) == {"One", "Two"}
    assert "broken off" in result.incomplete
    assert result.runs == 2


def test_the_hard_limit_ends_a_run_that_says_nothing(write_suite: Write, servers: Servers) -> None:
    begun = time.monotonic()
    result = run(write_suite(some="test One {}\ntest Two {freeze}"), servers, unit=0.3, grace=0.2, runs=1)
    assert time.monotonic() - begun < 10
    assert set(result.passed) == {"One"}
    assert "not done after" in result.incomplete


def test_a_run_can_be_given_up(write_suite: Write, servers: Servers) -> None:
    stop = Event()
    with ThreadPoolExecutor() as pool:
        run = pool.submit(run_unit, write_suite(some="test One {freeze}"), "unit/some", servers.launch, Limits(), stop)
        stop.set()
        with pytest.raises(SuiteError, match="given up"):
            run.result(10)


def test_nothing_that_a_run_started_is_left_behind(write_suite: Write, servers: Servers, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    unit = f"test One {{set f [open {pid_file} w]; puts $f [exec sleep 600 >/dev/null &]; close $f}}"
    assert set(run(write_suite(some=unit), servers).passed) == {"One"}
    program, deadline = int(pid_file.read_text()), time.monotonic() + 10
    while runs(program):
        assert time.monotonic() < deadline, "the program still runs"
        time.sleep(0.005)


def runs(pid: int) -> bool:
    """Whether the process runs; one that nobody has buried does not."""
    if Path("/proc/self/stat").exists():
        stat = Path(f"/proc/{pid}/stat")
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_tests_that_share_a_name_are_counted(write_suite: Write, servers: Servers) -> None:
    result = run(write_suite(some="test Twice {}\ntest Twice {}\ntest Mixed {}\ntest Mixed {fail wrong}"), servers)
    assert result.passed == {"Twice": 2}
    assert result.failed == {"Mixed": "wrong"}


def test_a_unit_that_is_not_there_is_an_error(write_suite: Write, servers: Servers) -> None:
    with pytest.raises(SuiteError, match="no unit/some"):
        run(write_suite(other="test One {}"), servers)


def test_without_tcl_there_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SuiteError, match="tclsh"):
        runner.find_tclsh()
