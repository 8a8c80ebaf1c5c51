"""Results as JUnit's XML, as Jenkins, GitLab and GitHub's actions read it: a suite per family and protocol.

XML 1.0 cannot say every character, replies can hold every byte: what XML does not allow is written ``\\xHH``.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from conformance.reports.as_text import again, transcript
from conformance.reports.marks import printable
from conformance.results import Case, Results, Verdict


def as_junit(results: Results) -> str:
    """The results as one XML document."""
    root = Element("testsuites", name="conformance")
    _count(root, results.cases, results.seconds)
    del root.attrib["skipped"]  # the schema has it for a suite only
    groups: dict[str, list[Case]] = {}
    for case in results.cases:
        groups.setdefault(f"{case.kind}.{case.family}.resp{case.protocol}", []).append(case)
    for name, cases in groups.items():
        _suite(root, name, cases, results)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _suite(root: Element, name: str, cases: list[Case], results: Results) -> None:
    suite = SubElement(root, "testsuite", name=printable(name))
    _count(suite, cases, sum(case.seconds for case in cases))
    suite.set("timestamp", results.started.replace(tzinfo=None).isoformat(timespec="seconds"))
    suite.set("hostname", "localhost")
    properties = SubElement(suite, "properties")
    for role, party in (("target", results.target), ("reference", results.reference)):
        value = f"{party.name} {party.version} {party.address}".strip()
        SubElement(properties, "property", name=role, value=printable(value))
    SubElement(properties, "property", name="seed", value=printable(results.seed))
    for case in cases:
        _case(suite, name, case, results)


def _case(suite: Element, classname: str, case: Case, results: Results) -> None:
    title = case.title + (f" (seed {case.seed})" if case.seed else "")
    element = SubElement(suite, "testcase", classname=printable(classname), name=printable(title))
    element.set("time", f"{case.seconds:.3f}")
    if case.verdict is Verdict.SKIPPED:
        SubElement(element, "skipped", message=printable(case.reason))
    elif case.verdict is Verdict.DIFFERS:
        failure = SubElement(element, "failure", type="difference", message=printable(_message(case)))
        parts = (case.source, again(case), case.reason, transcript(case, results.reference.name, results.target.name))
        failure.text = printable("\n\n".join(filter(None, parts)))
    elif case.verdict is Verdict.DECLARED:
        SubElement(element, "system-out").text = printable(f"declared: {case.reason}")


def _message(case: Case) -> str:
    first = next((line for line in case.transcript if line.differs), None)
    if case.reason:
        return case.reason.partition("\n")[0]
    if first is None:
        return "the datasets differ afterwards"
    return f"{first.command}: {_first(first.reference.shown)} / {_first(first.target.shown)}"


def _first(shown: str) -> str:
    """The beginning of an answer, on one line."""
    line, _, rest = shown.partition("\n")
    return line[:80] + ("…" if rest or len(line) > 80 else "")


def _count(element: Element, cases: Iterable[Case], seconds: float) -> None:
    verdicts = [case.verdict for case in cases]
    element.set("tests", str(len(verdicts)))
    element.set("failures", str(verdicts.count(Verdict.DIFFERS)))
    element.set("errors", "0")
    element.set("skipped", str(verdicts.count(Verdict.SKIPPED)))
    element.set("time", f"{seconds:.3f}")
