"""What came of playing something, as a :class:`~conformance.results.Case`: the one shape that every report reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from conformance.exchange import Exchange, Report
from conformance.results import Answer, Case, Kind, Line, Verdict
from conformance.scenario import NotationError, parse_step
from conformance.side import Outcome
from conformance.vocabulary import name_of


def case_of(
    report: Report,
    *,
    kind: Kind,
    family: str,
    title: str,
    commands: Sequence[Sequence[bytes]],
    known: Mapping[str, str],
    seconds: float = 0.0,
    source: str = "",
    seed: str = "",
) -> Case:
    """The case that *report* is the evidence of. *commands*: what was asked, step by step; *known*: see ``name_of``."""
    names = [name_of(argv, known) for argv in commands]
    asked = Counter(name for name in names if name)
    differed = Counter(
        name for name, exchange in zip(names, report.exchanges, strict=False) if name and not exchange.is_right
    )
    declared = dict.fromkeys(each.declared for each in report.exchanges if each.declared)
    is_declared = bool(declared or report.declared_state)
    verdict = Verdict.DIFFERS if not report.agree else Verdict.DECLARED if is_declared else Verdict.AGREES
    reason = ", ".join(declared) or "in how values are kept"
    return Case(
        kind,
        family,
        title,
        verdict,
        report.protocol,
        steps=len(report.exchanges),
        seconds=seconds,
        reason=reason if verdict is Verdict.DECLARED else "",
        source=source,
        seed=seed,
        transcript=() if verdict is Verdict.AGREES else tuple(map(line_of, report.exchanges)),
        dataset=(*report.state, *report.declared_state),
        asked=asked,
        differed=differed,
    )


def line_of(exchange: Exchange) -> Line:
    """One step with both answers."""
    return Line(
        exchange.line, answer_of(exchange.reference), answer_of(exchange.target), exchange.agree, exchange.declared
    )


def answer_of(outcome: Outcome) -> Answer:
    """What one server did, as redis-cli shows it, and its bytes."""
    raw = b"".join(frame.raw for frame in outcome.all_frames)
    return Answer(str(outcome), raw if outcome.all_frames else None)


def argv_of(line: str) -> tuple[bytes, ...]:
    """The command of a line of a transcript; nothing for one that is no step."""
    try:
        return parse_step(line).argv
    except NotationError:
        return ()
