"""Results as one HTML page that needs nothing else: no server, no network, no other file.

The rule of this file: everything that comes from a server or a person goes through :func:`_text`, and nothing else
makes text into HTML. Should that ever fail, the page's own security policy allows no script and no style but those
whose hash it names. Without script the page is complete; ``page.js`` adds the filter.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final

from conformance.reports.as_text import again, shortened
from conformance.reports.marks import Marked, Span, marked, printable
from conformance.results import Answer, Case, Line, Party, Results, Tally, Verdict

FOLDER: Final = Path(__file__).parent

MOST_CASES: Final = 1000
"""Differing cases on the page; JSON has all."""

FIRST_ANSWER: Final = 60
"""Characters of an answer beside the title of its case."""


def as_html(results: Results) -> str:
    """The results as a whole HTML document."""
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    title = _text(f"{results.target.name} and {results.reference.name}: conformance")
    parts = (SEARCH, _families(results), _commands(results), _differences(results), _others(results))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{_hash(style)}'; \
script-src '{_hash(script)}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#differences">To the differences</a>
{_header(results)}
<main>
{"".join(parts)}
</main>
<footer>Made by <code>python -m conformance</code>. Every reply was compared byte by byte.</footer>
<script>{script}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _text(text: str) -> str:
    """The text as HTML, every character of it visible."""
    return escape(printable(text), quote=True)


# The head


def _header(results: Results) -> str:
    tally = results.tally()
    differing = tally.verdicts[Verdict.DIFFERS]
    target, reference = _text(results.target.name), _text(results.reference.name)
    if not tally.asked:
        headline, lead = "Nothing was asked", "So nothing is known about the target."
    elif differing:
        headline = f'{target} <span class="differs">differs</span> from {reference}'
        lead = (
            f"In {differing:,} of {tally.asked:,} cases its replies, or the data it held afterwards, were others. "
            f"{tally.percent} % of the cases are right."
        )
    else:
        headline = f'{target} <span class="agrees">agrees</span> with {reference}'
        declared = tally.verdicts[Verdict.DECLARED]
        but = f", but for what is declared to have changed between the two versions ({declared:,} cases)"
        lead = f"In all {tally.asked:,} cases its replies, and the data it held afterwards, were the same"
        lead += f"{but if declared else ''}."
    facts = (
        ("Target", _party(results.target)),
        ("Reference", _party(results.reference)),
        ("Replies compared", f"{tally.steps:,}<small>in {tally.asked:,} cases</small>"),
        ("Seed", f'<span class="mono">{_text(results.seed)}</span>'),
        ("Run", _when(results)),
    )
    listed = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    notes = [f"Not asked: {note}" for note in results.notes]
    notes += [f"It ended early: {results.ended_early}"] if results.ended_early else []
    noted = "".join(f"<p>{_text(note)}</p>" for note in notes)
    return f"""<header>
<p class="eyebrow">Conformance, to the byte</p>
<h1>{headline}</h1>
<p class="lead">{lead}</p>
<dl class="facts">{listed}</dl>
{f'<div class="notes">{noted}</div>' if noted else ""}
</header>"""


def _party(party: Party) -> str:
    return f"{_text(party.name)} {_text(party.version)}<small>{_text(party.address)}</small>"


def _when(results: Results) -> str:
    started = results.started
    minutes, seconds = divmod(round(results.seconds), 60)
    took = f"{minutes:,} min {seconds} s" if minutes else f"{results.seconds:.1f} s"
    return f'<time datetime="{started.isoformat()}">{started:%d %B %Y, %H:%M}</time> UTC<small>took {took}</small>'


SEARCH: Final = """<div class="search" role="search">
<input id="filter" type="search" autocomplete="off" spellcheck="false" aria-label="Filter families, commands and \
differences" placeholder="Filter families, commands and differences  (press /)">
<output id="shown" for="filter" aria-live="polite"></output>
</div>
"""


# Families


def _families(results: Results) -> str:
    protocols = sorted({case.protocol for case in results.cases})
    heads = "".join(f'<th scope="col">RESP{protocol}</th>' for protocol in protocols)
    bodies = "".join(
        f'<tbody data-holds><tr><th scope="rowgroup" colspan="{len(protocols) + 3}">{_text(kind.label.capitalize())}'
        + "</th></tr>"
        + "".join(_family(family, tallies, protocols) for (_, family), tallies in rows)
        + "</tbody>"
        for kind, rows in groupby(results.families().items(), key=lambda item: item[0][0])
    )
    if not bodies:
        return ""
    return f"""<section aria-labelledby="families" data-holds><h2 id="families">Families</h2>
<div class="scroll"><table><thead><tr><th scope="col">Family</th>{heads}<th scope="col" class="number">Cases</th>\
<th scope="col" class="number">Replies</th></tr></thead>{bodies}</table></div></section>
"""


def _family(family: str, tallies: dict[int, Tally], protocols: Iterable[int]) -> str:
    shares = "".join(f"<td>{_share(tallies.get(protocol))}</td>" for protocol in protocols)
    asked = sum(tally.asked for tally in tallies.values())
    replies = sum(tally.steps for tally in tallies.values())
    return (
        f'<tr data-find="{_text(family)}"><td>{_text(family)}</td>{shares}'
        f'<td class="number">{asked:,}</td><td class="number">{replies:,}</td></tr>'
    )


def _share(tally: Tally | None) -> str:
    if tally is None or not tally.asked:
        return '<span class="muted">not asked</span>'
    wrong = tally.asked - tally.right
    shown = f"{tally.percent:g} %"
    bar = (
        f'<svg class="bar{" broken" if not tally.right else ""}" viewBox="0 0 100 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{tally.percent}" height="1"/></svg>'
    )
    differ = f'<span class="differs">{wrong:,} differ{"s" if wrong == 1 else ""}</span>' if wrong else "<span></span>"
    return f'<div class="share">{bar}<span class="mono">{shown}</span>{differ}</div>'


# Commands


def _commands(results: Results) -> str:
    found = results.commands()
    groups: dict[str, list[str]] = {}
    for name in sorted(results.vocabulary.keys() | found.keys()):
        groups.setdefault(results.vocabulary.get(name, "other"), []).append(name)
    if not groups:
        return ""
    states = [_state(*found.get(name, (0, 0))) for names in groups.values() for name in names]
    legend = "".join(
        f'<li class="{css}">{states.count(css):,} {what}</li>'
        for css, what in (
            ("is-asked", "asked, all replies right"),
            ("is-differed", "with replies that differ"),
            ("is-unasked", "never asked"),
        )
    )
    shown = "".join(
        f'<div class="group" data-holds="{_text(group)}"><h3>{_text(group)}</h3><ul class="chips">'
        + "".join(_chip(name, *found.get(name, (0, 0))) for name in names)
        + "</ul></div>"
        for group, names in sorted(groups.items())
    )
    count = f"<small>{len(states):,}</small>"
    return f"""<section aria-labelledby="commands" data-holds><h2 id="commands">Commands {count}</h2>
<ul class="legend">{legend}</ul>
<div class="groups">{shown}</div></section>
"""


def _state(asked: int, differed: int) -> str:
    return "is-differed" if differed else "is-asked" if asked else "is-unasked"


def _chip(name: str, asked: int, differed: int) -> str:
    told = f"{differed:,} of {asked:,} replies differ" if differed else f"{asked:,} replies" if asked else "never asked"
    return f'<li class="{_state(asked, differed)}" data-find="{_text(name)}" title="{told}">{_text(name)}</li>'


# Differences


def _differences(results: Results) -> str:
    failures = list(results.failures())
    count = f" <small>{len(failures):,}</small>" if failures else ""
    head = f'<section aria-labelledby="differences"><h2 id="differences">Differences{count}</h2>'
    if not failures:
        return f'{head}<p class="empty">None.</p></section>\n'
    shown = "".join(_difference(number, case, results) for number, case in enumerate(failures[:MOST_CASES], 1))
    rest = f"<p>… and {len(failures) - MOST_CASES:,} more.</p>" if len(failures) > MOST_CASES else ""
    tools = (
        '<div class="tools"><button type="button" id="open-all">Open all</button>'
        '<button type="button" id="close-all">Close all</button></div>'
    )
    return f"{head}{tools}{shown}{rest}</section>\n"


def _difference(number: int, case: Case, results: Results) -> str:
    first = next((line for line in case.transcript if line.differs), None)
    find = " ".join([case.name, f"resp{case.protocol}", case.source, *(line.command for line in case.transcript)])
    seed = f"seed {case.seed}" if case.seed else ""
    where = " · ".join(filter(None, (case.family, f"RESP{case.protocol}", seed)))
    beginning = _beginning(first) if first else case.reason.partition("\n")[0] or "the datasets differ afterwards"
    reason = f'<p class="reason">{_text(case.reason)}</p>' if case.reason else ""
    names = (results.reference.name, results.target.name)
    origin = "<br>".join(_text(each) for each in (case.source, again(case)) if each)
    copy = '<button type="button" class="copy">Copy the commands</button>' if case.transcript else ""
    return f"""<details class="case" id="case-{number}" data-find="{_text(find)}">
<summary><span class="dot"></span><span class="title">{_text(case.title)}</span>\
<span class="where">{_text(where)}</span><span class="first">{_text(beginning)}</span></summary>
<div class="body"><div class="meta"><span class="mono">{origin}</span>{copy}</div>{reason}\
{"".join(_step(line, names) for line in case.transcript)}{_dataset(case, names)}</div>
</details>
"""


def _beginning(line: Line) -> str:
    answers = (each.shown.replace("\n", " ") for each in (line.reference, line.target))
    left, right = (text[:FIRST_ANSWER] + ("…" if len(text) > FIRST_ANSWER else "") for text in answers)
    return f"{line.command}   {left}  /  {right}"


def _step(line: Line, names: tuple[str, str]) -> str:
    command = f'<pre class="command">{_text(line.command)}</pre>'
    if line.agree:
        reply = f'<pre class="reply">{_shown(line.reference)}</pre>' if line.reference.shown else ""
        return f'<div class="step">{command}{reply}</div>'
    answers = zip(names, (line.reference, line.target), marked(line), strict=True)
    both = "".join(f"<div>{_answer(name, answer, spans)}</div>" for name, answer, spans in answers)
    excused = f'<p class="declared">Declared: {_text(line.declared)}</p>' if line.declared else ""
    css = "step wrong excused" if line.declared else "step wrong"
    return f'<div class="{css}">{command}{excused}<div class="both">{both}</div></div>'


def _answer(name: str, answer: Answer, spans: Marked) -> str:
    who = f'<div class="who">{_text(name)}</div>'
    if answer.raw is None:
        return f"{who}<pre>{_spans(spans)}</pre>"
    return f'{who}<pre>{_shown(answer)}</pre><pre class="bytes">{_spans(spans)}</pre>'


def _spans(spans: Marked) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    if span.left_out:
        return f'<span class="gap"> … {span.left_out:,} equal bytes … </span>'
    return f"<mark>{_text(span.text)}</mark>" if span.differs else _text(span.text)


def _shown(answer: Answer) -> str:
    return _text("\n".join(shortened(answer.shown)))


def _dataset(case: Case, names: tuple[str, str]) -> str:
    if not case.dataset:
        return ""
    lines = "\n".join(map(_text, case.dataset))
    who = " / ".join(map(_text, names))
    return f'<div class="dataset"><h3>The datasets afterwards ({who})</h3><pre>{lines}</pre></div>'


# What is no difference, and no agreement either


def _others(results: Results) -> str:
    sections = []
    for verdict, title, what in (
        (Verdict.DECLARED, "Declared differences", "Known to have changed between the two versions."),
        (Verdict.SKIPPED, "Not asked", "Nothing is known about these."),
    ):
        cases = [case for case in results.cases if case.verdict is verdict]
        if not cases:
            continue
        rows = "".join(
            f'<tr data-find="{_text(case.name + " " + case.reason)}"><td>{_text(case.family)}: {_text(case.title)}</td>'
            f'<td class="muted">RESP{case.protocol}</td><td class="muted">{_text(case.reason)}</td></tr>'
            for case in cases[:MOST_CASES]
        )
        sections.append(
            f"<section data-holds><h2>{title} <small>{len(cases):,}</small></h2>"
            f'<p class="muted">{what}</p><div class="scroll"><table><tbody>{rows}</tbody></table></div></section>\n'
        )
    return "".join(sections)
