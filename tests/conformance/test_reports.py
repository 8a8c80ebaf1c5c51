"""Reports tell what was found out, all of it, and survive whatever bytes a server sends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from io import StringIO
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from conformance.reports.as_json import FormatError, as_json, from_json
from conformance.reports.as_junit import as_junit
from conformance.reports.as_text import again, as_scenarios, transcript, underlined
from conformance.reports.marks import escaped, marked
from conformance.reports.terminal import show
from conformance.results import Answer, Line, Results, Verdict
from conformance.scenario import parse_step
from tests.conformance.made_results import (
    AGREEING,
    DECLARED,
    DIFFERING,
    EVERYTHING,
    HOSTILE,
    HOSTILE_CASE,
    SKIPPED,
    answer,
    case,
    differed,
    made,
    results,
)

# What differs is marked


def marks(reference: bytes, target: bytes) -> tuple[str, str]:
    """Both replies, what is marked in brackets."""
    both = marked(Line("GET k", Answer("", reference), Answer("", target), agree=False))
    left, right = ("".join(f"[{span.text}]" if span.differs else span.text for span in side) for side in both)
    return left, right


@pytest.mark.parametrize(
    ("reference", "target", "shown"),
    [
        (b"+OK\r\n", b"$2\r\nOK\r\n", (r"[+]OK\r\n", r"[$2\r\n]OK\r\n")),
        (b":1\r\n", b":2\r\n", (r":[1]\r\n", r":[2]\r\n")),
        (b"$-1\r\n", b"*-1\r\n", (r"[$]-1\r\n", r"[*]-1\r\n")),
        (b"$1\r\na\r\n", b"$2\r\naa\r\n", (r"$[1]\r\na\r\n", r"$[2]\r\n[a]a\r\n")),
        (b"$1\r\n\x00\r\n", b"$1\r\n\xff\r\n", (r"$1\r\n[\x00]\r\n", r"$1\r\n[\xff]\r\n")),
        (b"", b":1\r\n", ("", r"[:1\r\n]")),
    ],
)
def test_the_differing_bytes_are_marked(reference: bytes, target: bytes, shown: tuple[str, str]) -> None:
    ours, theirs = marks(reference, target)
    assert ours.replace("[", "").replace("]", "") == escaped(reference)
    assert theirs.replace("[", "").replace("]", "") == escaped(target)
    assert (ours, theirs) == shown


def test_a_long_reply_is_shown_around_what_differs() -> None:
    reference, target = b"+" + b"a" * 5000 + b"X" + b"b" * 5000, b"+" + b"a" * 5000 + b"Y" + b"b" * 5000
    left, _ = marked(Line("GET k", Answer("", reference), Answer("", target), agree=False))
    assert [span.left_out for span in left if span.left_out] == [4905, 4904]
    assert [span.text for span in left if span.differs] == ["X"]
    assert sum(len(span.text) + span.left_out for span in left) == len(reference)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_marking_loses_nothing(reference: bytes, target: bytes) -> None:
    for data, spans in zip(
        (reference, target), marked(Line("", Answer("", reference), Answer("", target), agree=False)), strict=True
    ):
        assert "".join(span.text for span in spans) == escaped(data)
    unmarked = [
        "".join(span.text for span in side if not span.differs)
        for side in marked(Line("", Answer("", reference), Answer("", target), agree=False))
    ]
    assert unmarked[0] == unmarked[1]


def test_what_differs_is_underlined() -> None:
    _, right = marked(Line("", answer("", b":1\r\n"), answer("", b":22\r\n"), agree=False))
    assert list(underlined(right)) == [r":22\r\n", " ^^"]
    assert list(underlined(right, width=3)) == [":22", " ^^", r"\r\\"[:3], "n"]


# The transcript


def test_a_transcript_has_the_commands_and_both_replies() -> None:
    assert transcript(DIFFERING, "redis-7.0", "miniredis").splitlines() == [
        "SET k v",
        "    OK",
        "GET k",
        "  ! redis-7.0:",
        '    "value"',
        r"    $5\r\nvalue\r\n",
        "             ^",
        "  ! miniredis:",
        '    "valve"',
        r"    $5\r\nvalve\r\n",
        "             ^",
        "The datasets afterwards (redis-7.0 / miniredis):",
        "    db0 b'k' value: b'value' / b'valve'",
    ]


def test_it_is_said_how_to_ask_again() -> None:
    assert again(DIFFERING) == (
        "python -m conformance --only scenarios --family strings --protocol 3 -k '\"The second reply differs\"'"
    )
    assert again(HOSTILE_CASE) == "python -m conformance --only commands --family hash --protocol 2 --seed 42/17"
    assert again(replace(DIFFERING, title="both \" and '")).endswith("--protocol 3")
    assert again(DIFFERING) in printed(EVERYTHING, width=200)


def test_what_differs_is_saved_as_scenarios_that_can_be_read() -> None:
    crowd = replace(
        DIFFERING, transcript=(*DIFFERING.transcript, differed("1< (left unread)", answer(""), answer("x")))
    )
    text = as_scenarios(results(AGREEING, crowd))
    assert text == "# strings: The second reply differs @resp3\nSET k v\nGET k\n"
    assert [parse_step(line).argv for line in text.splitlines()[1:]] == [(b"SET", b"k", b"v"), (b"GET", b"k")]


# The terminal


def printed(found: Results, *, width: int = 100, quiet: bool = False, colour: bool = False) -> str:
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour, highlight=False)
    show(found, console, quiet=quiet)
    return out.getvalue()


def test_the_terminal_tells_of_families_and_differences() -> None:
    text = printed(EVERYTHING)
    rows = [line.split() for line in text.splitlines()]
    assert ["family", "RESP2", "RESP3", "cases", "replies"] in rows
    assert ["strings", "100", "%", "1", "differ", "0.0", "%", "2", "6"] in rows
    assert ["lists", "100", "%", "–", "1", "3"] in rows
    assert ["server", "–", "–", "0", "0"] in rows
    assert "GET k\n" in text
    assert text.count("^") >= 2
    assert "Not asked: a <note>" in text
    assert "miniredis differs from redis-7.0 in 2 of 4 cases (50.0 % right)." in text
    assert "12 replies compared, 1 declared, 1 not asked, in 61.5 s; seed 42." in text


def test_without_colour_nothing_but_text_is_printed() -> None:
    text = printed(EVERYTHING)
    assert text.isprintable() or set(text) - {"\n"} == {each for each in text if each.isprintable()}
    assert "\x1b[" in printed(EVERYTHING, colour=True)


def test_quiet_is_the_verdict_alone() -> None:
    assert printed(results(AGREEING), quiet=True).splitlines() == [
        "miniredis agrees with redis-7.0 in 1 case. 3 replies compared, in 61.5 s; seed 42."
    ]


def test_what_ended_early_and_what_asked_nothing_is_said() -> None:
    assert "It ended early: interrupted." in printed(results(AGREEING, ended_early="interrupted"))
    assert "Nothing was asked, so nothing is known." in printed(results(SKIPPED))


def test_a_narrow_terminal_is_no_problem() -> None:
    assert "GET k" in printed(EVERYTHING, width=40)


# JSON


def test_json_has_a_summary_for_who_reads_nothing_else() -> None:
    import json

    data = json.loads(as_json(EVERYTHING))
    assert (data["format"], data["version"]) == ("conformance results", 1)
    assert data["summary"] == {
        "agrees": 1,
        "declared": 1,
        "differs": 2,
        "skipped": 1,
        "replies": 12,
        "agree": False,
    }


def test_json_brings_everything_back() -> None:
    assert from_json(as_json(EVERYTHING)) == EVERYTHING


@given(made)
def test_any_results_come_back_from_json(found: Results) -> None:
    assert from_json(as_json(found)) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("[]", "no results"),
        ('{"format": "conformance results", "version": 2}', "version 2"),
        ('{"format": "conformance results", "version": 1}', "incomplete"),
        ('{"format": "conformance results", "version": 1, "reference": 1, "target": 2}', "incomplete"),
    ],
)
def test_what_is_no_results_is_refused_in_a_line(text: str, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        from_json(text)


# JUnit


def junit(found: Results) -> ElementTree.Element:
    return ElementTree.fromstring(as_junit(found))


def test_junit_has_a_suite_for_each_family_and_protocol() -> None:
    root = junit(EVERYTHING)
    assert root.tag == "testsuites"
    assert [root.get(name) for name in ("tests", "failures", "errors")] == ["5", "2", "0"]
    assert [suite.get("skipped") for suite in root] == ["0", "0", "0", "1", "0"]
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("scenario.strings.resp2", "1", "0"),
        ("scenario.strings.resp3", "1", "1"),
        ("commands.hash.resp2", "1", "1"),
        ("scenario.server.resp2", "1", "0"),
        ("scenario.lists.resp2", "1", "0"),
    ]


def test_junit_keeps_to_what_jenkins_and_gitlab_read() -> None:
    for suite in junit(EVERYTHING):
        assert suite.tag == "testsuite"
        assert datetime.fromisoformat(suite.attrib["timestamp"]).tzinfo is None
        assert float(suite.attrib["time"]) >= 0
        assert next(iter(suite)).tag == "properties"
        for test in suite.iter("testcase"):
            assert set(test.attrib) == {"classname", "name", "time"}
            assert {child.tag for child in test} <= {"failure", "skipped", "system-out"}


def test_junit_tells_what_differed_and_what_was_skipped() -> None:
    tests = {test.get("name"): test for test in junit(EVERYTHING).iter("testcase")}
    failure = tests["The second reply differs"].find("failure")
    assert failure is not None
    assert failure.get("message") == 'GET k: "value" / "valve"'
    assert failure.text is not None
    assert "strings.scenarios:12" in failure.text
    assert transcript(DIFFERING, "redis-7.0", "miniredis") in failure.text
    skipped = tests["It needs CONFIG"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == SKIPPED.reason
    assert tests["As the version has it"].findtext("system-out") == "declared: since redis-7.2"


def test_junit_survives_what_xml_does_not_allow() -> None:
    (test,) = junit(results(HOSTILE_CASE)).iter("testcase")
    assert test.get("name") == f"A title {HOSTILE} (seed 42/17)"
    failure = test.find("failure")
    assert failure is not None
    assert failure.get("message") == r"control \x00 characters \x1b[31m \ud800 \u202e turned"


@given(made)
def test_any_results_make_junit_that_parses(found: Results) -> None:
    assert junit(found).get("tests") == str(len(found.cases))


def test_a_case_whose_datasets_alone_differ_says_so() -> None:
    (failure,) = junit(results(case("t", Verdict.DIFFERS, dataset=("db0",)))).iter("failure")
    assert failure.get("message") == "the datasets differ afterwards"


def test_a_declared_difference_is_no_failure() -> None:
    assert junit(results(DECLARED)).get("failures") == "0"
