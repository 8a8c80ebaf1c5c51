"""Results as JSON, and back: the whole of what was found out, for programs and for rendering it again later.

One object. ``format`` is ``"conformance results"``; ``version`` is 1, and counts up when a field changes its meaning or
goes (a new field does not count: who reads takes what he knows). Then::

    reference, target   {name, version, address}
    seed                text; what brings the same generated commands again
    started             ISO 8601, UTC
    seconds             how long the run took
    ended_early         why not everything was asked; "" if it was
    notes               [text]; what a server refused, and so was not asked
    vocabulary          {command: group}; every command there is to ask about
    summary             {verdict: cases}, "replies" compared, "agree": for who reads nothing else; not read back
    cases               [{kind, family, title, verdict, protocol, steps, seconds, reason, source, seed, transcript,
                          dataset, asked, differed}]: the fields of ``results.Case``
      transcript        [{command, reference, target, agree, declared}]
        reference, target   {shown, raw}: as redis-cli shows it, and the bytes, each as the character of its number
                            (latin-1), or null where there was no reply

Fields of a case that are empty or have their usual value are left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from conformance.results import Answer, Case, Kind, Line, Party, Results, Verdict

FORMAT: Final = "conformance results"
VERSION: Final = 1


class FormatError(ValueError):
    """A text that is no results, or of a later version; the message says which, in one line."""


def as_json(results: Results) -> str:
    """The results as one JSON object, with a line for each case."""
    tally = results.tally()
    head = {
        "format": FORMAT,
        "version": VERSION,
        "reference": vars(results.reference),
        "target": vars(results.target),
        "seed": results.seed,
        "started": results.started.isoformat(),
        "seconds": results.seconds,
        "ended_early": results.ended_early,
        "notes": results.notes,
        "vocabulary": results.vocabulary,
        "summary": {
            **{str(verdict): tally.verdicts[verdict] for verdict in Verdict},
            "replies": tally.steps,
            "agree": results.agree,
        },
    }
    lines = ",\n".join(json.dumps(_case(case)) for case in results.cases)
    return json.dumps(head, indent=1)[:-2] + f',\n "cases": [\n{lines}\n ]\n}}\n'


def from_json(text: str) -> Results:
    """The results that :func:`as_json` wrote. Raises :class:`FormatError` for anything else."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FormatError(f"no JSON: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError("no results of the conformance suite")
    if data.get("version") != VERSION:
        raise FormatError(f"results of version {data.get('version')!r}; this suite reads version {VERSION}")
    try:
        return _results(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"incomplete results: {type(error).__name__}: {error}") from None


def _case(case: Case) -> dict[str, Any]:
    fields = {name: value for name, value in vars(case).items() if value not in (None, "", (), 0, Counter())}
    if case.transcript:
        fields["transcript"] = [_line(line) for line in case.transcript]
    return fields


def _line(line: Line) -> dict[str, Any]:
    shown = {"command": line.command, "reference": _answer(line.reference), "target": _answer(line.target)}
    return {**shown, "agree": line.agree, **({"declared": line.declared} if line.declared else {})}


def _answer(answer: Answer) -> dict[str, str | None]:
    return {"shown": answer.shown, "raw": None if answer.raw is None else answer.raw.decode("latin-1")}


def _results(data: Mapping[str, Any]) -> Results:
    return Results(
        reference=_party(data["reference"]),
        target=_party(data["target"]),
        seed=data["seed"],
        started=datetime.fromisoformat(data["started"]),
        seconds=data["seconds"],
        cases=[_read_case(case) for case in data["cases"]],
        vocabulary=data.get("vocabulary", {}),
        notes=data.get("notes", []),
        ended_early=data.get("ended_early", ""),
    )


def _party(data: Mapping[str, str]) -> Party:
    return Party(data["name"], data.get("version", ""), data.get("address", ""))


def _read_case(data: Mapping[str, Any]) -> Case:
    return Case(
        kind=Kind(data["kind"]),
        family=data.get("family", ""),
        title=data.get("title", ""),
        verdict=Verdict(data["verdict"]),
        protocol=data.get("protocol", 0),
        steps=data.get("steps", 0),
        seconds=data.get("seconds", 0.0),
        reason=data.get("reason", ""),
        source=data.get("source", ""),
        seed=data.get("seed", ""),
        transcript=tuple(_read_line(line) for line in data.get("transcript", ())),
        dataset=tuple(data.get("dataset", ())),
        asked=Counter(data.get("asked", {})),
        differed=Counter(data.get("differed", {})),
    )


def _read_line(data: Mapping[str, Any]) -> Line:
    answers = (data["reference"], data["target"])
    reference, target = (
        Answer(each["shown"], None if each["raw"] is None else each["raw"].encode("latin-1")) for each in answers
    )
    return Line(data["command"], reference, target, data["agree"], data.get("declared", ""))
