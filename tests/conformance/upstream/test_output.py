"""What the suite prints says which tests passed, which did not, and how a run ended."""

from __future__ import annotations

from conformance.upstream.output import Outcome, parse

HEAD = "Cleanup: may take some time... OK\nStarting test server at port 21079\n[ready]: 4711\nTesting unit/some\n"


def test_passed_and_failed_tests_in_their_order() -> None:
    transcript = parse(
        HEAD + "[ok]: One (0 ms)\n"
        "[err]: Two in tests/unit/some.tcl\n"
        "Expected '1' to be equal to '2' (context: type eval line 3)\n"
        "[skip]: Three\n"
        "[ignore]: Four: Not supported on external server\n"
        "[ok]: Five (2101 ms)\n"
        "[1/1 done]: unit/some (3 seconds)\n\n                   The End\n\n"
        "!!! WARNING The following tests failed:\n\n*** [err]: Two in tests/unit/some.tcl\n[ok]: no test\n"
    )
    assert transcript.outcomes == [
        Outcome("One", True),
        Outcome("Two", False, "Expected '1' to be equal to '2' (context: type eval line 3)"),
        Outcome("Five", True),
    ]
    assert transcript.ignored == ["Four: Not supported on external server"]
    assert transcript.complete


def test_colours_are_no_part_of_it_and_redis_6_prints_no_times() -> None:
    printed = "[\x1b[0;32;49mok\x1b[0m]: One\n[\x1b[0;31;49merr\x1b[0m]: Two in tests/unit/some.tcl\nwrong\n"
    assert parse(printed).outcomes == [Outcome("One", True), Outcome("Two", False, "wrong")]


def test_an_error_that_is_no_assertion_is_told_whole_and_without_the_stack() -> None:
    (outcome,) = parse(
        "[err]: One in tests/unit/some.tcl\n"
        "n command 'dump', with args beginning with: 'k'\n"
        "ERR unknown command 'dump', with args beginning with: 'k'\n"
        '    while executing\n"[srv $level "client"] {*}$args"\n    (procedure "r" line 7)\n'
        "[1/1 done]: unit/some (0 seconds)\n"
    ).outcomes
    assert outcome.detail == "ERR unknown command 'dump', with args beginning with: 'k'"


def test_an_error_of_several_lines_is_told_whole() -> None:
    (outcome,) = parse(
        "[err]: One in tests/unit/some.tcl\n"
        "n_stream error. Received '-ERR no\n' as count.\n"
        "replication_stream error. Received '-ERR no\n' as count.\n"
        "    while executing\nmore\n"
    ).outcomes
    assert outcome.detail == "replication_stream error. Received '-ERR no\n' as count."


def test_an_error_between_tests_leaves_the_unit_incomplete() -> None:
    transcript = parse(
        "[ok]: One (0 ms)\n[err]: \ncan't read x\n    while executing\n"
        "[ok]: Two (0 ms)\n[1/1 done]: unit/some (0 seconds)\n"
    )
    assert [outcome.name for outcome in transcript.outcomes] == ["One", "Two"]
    assert len(transcript.outside) == 1
    assert not transcript.complete


def test_an_exception_ends_the_run() -> None:
    transcript = parse(
        "[ok]: One (0 ms)\n[exception]: Executing test client: couldn't open socket: connection refused.\n"
        '    while executing\n"socket $server $port"\n'
    )
    assert transcript.aborted.startswith("Executing test client: couldn't open socket: connection refused.")
    assert transcript.failures() == []


def test_the_test_that_hangs_is_a_failure() -> None:
    transcript = parse(
        "[ok]: One (0 ms)\n[TIMEOUT]: clients state report follows.\n"
        "sock5642fe3be940 => (IN PROGRESS) Two\n\n                   The End\n"
    )
    assert transcript.hung == "Two"
    assert [failure.name for failure in transcript.failures()] == ["Two"]
    assert not transcript.complete


def test_a_hang_between_tests_names_the_one_before() -> None:
    transcript = parse("[ok]: One (0 ms)\n[TIMEOUT]: clients state report follows.\nsock1 => (OK) One\n")
    assert transcript.hung == ""
    assert "after One" in transcript.aborted


def test_a_run_that_just_ends_was_not_complete() -> None:
    assert not parse(HEAD + "[ok]: One (0 ms)\n").complete
    assert not parse("").complete
