"""In its own mode the suite starts its servers itself, in a tree of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import pytest

from conformance import parties
from conformance.servers import ServerError
from conformance.upstream.runner import Limits, run_unit
from conformance.upstream.source import Suite
from conformance.upstream.stage import stage

Write = Callable[..., Suite]

UNIT = """
test Started {
    set said [exec src/redis-server redis.conf --port 1 | cat]
    if {![string match "*PID: *" $said]} {fail {no PID}}
    if {![string match "*redis.conf --port 1 --emulate redis-7.0*" $said]} {fail $said}
}
test Written {close [open tests/tmp/file w]}
"""


@pytest.mark.usefixtures("tclsh")
def test_the_suite_finds_its_server_where_it_looks_for_it(write_suite: Write) -> None:
    suite = write_suite(some=UNIT)
    program = [sys.executable, "-c", "import sys; print(*sys.argv[1:])"]
    launch = partial(stage, suite, program, ["--emulate", "redis-7.0"])
    result = run_unit(suite, "unit/some", launch, Limits())
    assert result.failed == {}
    assert set(result.passed) == {"Started", "Written"}


def test_nothing_is_left_in_the_suite_s_own_tree(write_suite: Write) -> None:
    suite = write_suite(some="")
    with stage(suite, ["true"]) as staged:
        (staged.root / "tests/tmp/file").touch()
        assert (staged.root / "tests/test_helper.tcl").samefile(suite.root / "tests/test_helper.tcl")
    assert not staged.root.exists()
    assert not (suite.root / "tests/tmp").exists()
    assert not (suite.root / "src/redis-server").exists()


def test_a_server_that_somebody_else_started_cannot_be_started_by_the_suite() -> None:
    with pytest.raises(ServerError, match="started by somebody else"):
        parties.named("redis://127.0.0.1:1").program()


def test_miniredis_is_started_as_the_version_it_is_compared_with() -> None:
    program, options = parties.named("miniredis@redis-7.0").program()
    assert program == [sys.executable, "-u", "-m", "miniredis"]
    assert options == ["--emulate", "redis-7.0"]
