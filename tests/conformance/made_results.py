"""Results made by hand, for the tests of reports: everything that can be in some, hostile bytes included."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from conformance.results import Answer, Case, Kind, Line, Party, Results, Verdict

HOSTILE = "<script>document.title = 'owned'</script>&\"'"
REFERENCE = Party("redis-7.0", "7.0.15", "/usr/bin/redis-server")
TARGET = Party("miniredis", "7.0.15", "python -m miniredis")


def answer(shown: str, raw: bytes | None = None) -> Answer:
    return Answer(shown, raw)


def agreed(command: str, shown: str = "OK", raw: bytes = b"+OK\r\n") -> Line:
    return Line(command, Answer(shown, raw), Answer(shown, raw))


def differed(command: str, reference: Answer, target: Answer) -> Line:
    return Line(command, reference, target, agree=False)


def case(title: str, verdict: Verdict = Verdict.AGREES, **more: Any) -> Case:
    given: dict[str, Any] = {"kind": Kind.SCENARIO, "family": "strings", "steps": 3, **more}
    return Case(title=title, verdict=verdict, **given)


def results(*cases: Case, **more: Any) -> Results:
    given = {"seed": "42", "started": datetime(2026, 11, 24, 4, 30, tzinfo=UTC), "seconds": 61.5, **more}
    return Results(REFERENCE, TARGET, cases=list(cases), **given)


AGREEING = case("GET what was SET", asked=Counter({"SET": 1, "GET": 1}))
DIFFERING = case(
    "The second reply differs",
    Verdict.DIFFERS,
    protocol=3,
    source="conformance/scenarios/strings.scenarios:12",
    transcript=(
        agreed("SET k v"),
        differed("GET k", answer('"value"', b"$5\r\nvalue\r\n"), answer('"valve"', b"$5\r\nvalve\r\n")),
    ),
    dataset=("db0 b'k' value: b'value' / b'valve'",),
    asked=Counter({"SET": 1, "GET": 1}),
    differed=Counter({"GET": 1}),
)
HOSTILE_CASE = case(
    f"A title {HOSTILE}",
    Verdict.DIFFERS,
    kind=Kind.COMMANDS,
    family="hash",
    seed="42/17",
    transcript=(
        differed(
            f"HGET h {HOSTILE}",
            answer(HOSTILE, b"+<script>\x00\x1b]0;\xff\xfe</script>\r\n"),
            answer("(no reply within 5.0 s)"),
        ),
    ),
    dataset=(f"db0 {HOSTILE}",),
    reason="control \x00 characters \x1b[31m \ud800 \u202e turned",
)
SKIPPED = case("It needs CONFIG", Verdict.SKIPPED, family="server", reason="CONFIG: the target answers 'ERR'", steps=0)
DECLARED = case(
    "As the version has it",
    Verdict.DECLARED,
    family="lists",
    reason="since redis-7.2",
    transcript=(
        Line(
            "OBJECT ENCODING l",
            answer('"quicklist"', b"$9\r\nquicklist\r\n"),
            answer('"listpack"', b"$8\r\nlistpack\r\n"),
            agree=False,
            declared="since redis-7.2",
        ),
    ),
)
VOCABULARY = {"SET": "string", "GET": "string", "HGET": "hash", "CONFIG GET": "server"}
EVERYTHING = results(AGREEING, DIFFERING, HOSTILE_CASE, SKIPPED, DECLARED, vocabulary=VOCABULARY, notes=["a <note>"])


# Any results

texts = st.text(st.characters(), max_size=12)
answers = st.builds(Answer, texts, st.none() | st.binary(max_size=12))
counters = st.dictionaries(texts, st.integers(1, 9), max_size=2).map(Counter)
cases = st.builds(
    Case,
    kind=st.sampled_from(Kind),
    family=texts,
    title=texts,
    verdict=st.sampled_from(Verdict),
    protocol=st.sampled_from((2, 3)),
    steps=st.integers(0, 9),
    seconds=st.floats(0, 100),
    reason=texts,
    source=texts,
    seed=texts,
    transcript=st.lists(st.builds(Line, texts, answers, answers, st.booleans(), texts), max_size=2).map(tuple),
    dataset=st.lists(texts, max_size=2).map(tuple),
    asked=counters,
    differed=counters,
)
parties = st.builds(Party, texts, texts, texts)
made = st.builds(
    Results,
    reference=parties,
    target=parties,
    seed=texts,
    started=st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC)),
    seconds=st.floats(0, 1e6),
    cases=st.lists(cases, max_size=3),
    vocabulary=st.dictionaries(texts, texts, max_size=2),
    notes=st.lists(texts, max_size=2),
    ended_early=texts,
)
