"""The HTML page, in a real browser: it tells everything, its filter works, and no reply becomes a part of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

from conformance.reports.as_html import as_html
from conformance.results import Results, Verdict
from tests.conformance.made_results import AGREEING, DECLARED, EVERYTHING, SKIPPED, case, made, results
from tests.requirements import missing

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@cache
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing("Chromium")
    return found


class Element:
    """An element of the page as the browser has it after its scripts have run."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag, self.attributes, self.text = tag, attributes, ""

    @property
    def classes(self) -> set[str]:
        return set((self.attributes.get("class") or "").split())

    @property
    def is_hidden(self) -> bool:
        return "hidden" in self.attributes


class Page(HTMLParser):
    """Every element in order, each with all the text that is in it."""

    VOID = frozenset({"meta", "input", "br", "link", "img", "rect"})

    def __init__(self, html: str, log: str = "") -> None:
        super().__init__()
        self.log = log
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attributes)))
        if tag not in self.VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, css: str = "") -> list[Element]:
        return [each for each in self.elements if each.tag == tag and (not css or css in each.classes)]

    def one(self, tag: str, css: str = "") -> Element:
        (element,) = self.all(tag, css)
        return element


def page(found: Results) -> Page:
    """The page as it is written."""
    return Page(as_html(found))


def opened(found: Results, folder: Path, address: str = "") -> Page:
    """The page as a browser shows it, with what it logged."""
    file = folder / "page.html"
    file.write_text(as_html(found), encoding="utf-8")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]
    options += [f"--user-data-dir={folder / 'profile'}", "--disable-dev-shm-usage", "--no-first-run"]
    shown = subprocess.run(
        [browser(), *options, f"file://{file}{address}"], capture_output=True, text=True, timeout=90, check=True
    )
    log = "\n".join(line for line in shown.stderr.splitlines() if "CONSOLE" in line)
    return Page(shown.stdout, log)


def by_title(page: Page) -> dict[str, Element]:
    """The differences, each by the title in its summary."""
    titles = [each.text for each in page.all("span", "title")]
    return dict(zip(titles, page.all("details", "case"), strict=True))


# What is on it


def test_the_page_says_who_was_compared_and_what_came_of_it() -> None:
    shown = page(EVERYTHING)
    assert shown.one("h1").text == "miniredis differs from redis-7.0"
    facts = shown.one("dl").text
    for fact in ("redis-7.0 7.0.15", "/usr/bin/redis-server", "42", "24 November 2026, 04:30", "1 min 2 s", "12"):
        assert fact in facts
    assert "a <note>" in shown.one("div", "notes").text
    assert page(results(AGREEING)).one("h1").text == "miniredis agrees with redis-7.0"
    assert page(results(DECLARED)).one("p", "lead").text.endswith("changed between the two versions (1 cases).")
    assert page(results(SKIPPED)).one("h1").text == "Nothing was asked"


def test_each_command_has_its_state() -> None:
    states = {each.text: each.classes for each in page(EVERYTHING).all("li") if "data-find" in each.attributes}
    assert states == {
        "CONFIG GET": {"is-unasked"},
        "GET": {"is-differed"},
        "HGET": {"is-unasked"},
        "SET": {"is-asked"},
    }


def test_both_replies_stand_there_with_the_differing_bytes_marked() -> None:
    shown = page(EVERYTHING)
    assert [each.text for each in shown.all("mark")][:1] == ["u"]
    assert r"$5\r\nvalue\r\n" in [each.text for each in shown.all("pre", "bytes")]
    assert r"$5\r\nvalve\r\n" in [each.text for each in shown.all("pre", "bytes")]


def test_what_was_declared_and_what_was_not_asked_is_told_apart() -> None:
    text = [each.text for each in page(EVERYTHING).all("section")]
    assert any("Declared differences" in each and "since redis-7.2" in each for each in text)
    assert any("Not asked" in each and "It needs CONFIG" in each for each in text)


def test_the_page_asks_the_network_for_nothing() -> None:
    html = as_html(EVERYTHING)
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\(|https?://""", html)


def test_no_reply_becomes_a_part_of_the_page() -> None:
    shown = page(EVERYTHING)
    assert len(shown.all("script")) == 1
    assert r"+<script>\x00\x1b]0;\xff\xfe</script>\r\n" in [each.text for each in shown.all("pre", "bytes")]
    assert not set(as_html(EVERYTHING)) & set("\x00\x1b\u202e\ud800")
    as_html(EVERYTHING).encode()


@given(made)
def test_any_results_make_a_page_that_is_whole(found: Results) -> None:
    shown = page(found)  # which sees to it that what is opened is closed
    assert len(shown.all("script")) == 1
    assert len(shown.all("details", "case")) == len(list(found.failures()))
    assert {each.tag for each in shown.elements}.isdisjoint({"img", "iframe", "object", "form", "link"})


def test_differences_beyond_the_most_are_counted() -> None:
    many = results(*(case(str(number), Verdict.DIFFERS) for number in range(1001)))
    assert len(page(many).all("details")) == 1000
    assert "… and 1 more." in as_html(many)


# What it does


def test_the_scripts_run_without_an_error(tmp_path: Path) -> None:
    shown = opened(EVERYTHING, tmp_path)
    assert "js" in shown.one("html").classes
    assert shown.log == ""
    assert shown.one("title").text == "miniredis and redis-7.0: conformance"
    assert not any(each.is_hidden for each in shown.elements)


def test_the_filter_leaves_what_has_every_word(tmp_path: Path) -> None:
    shown = opened(EVERYTHING, tmp_path, "#filter=resp3%20GET%20second")
    assert {title: each.is_hidden for title, each in by_title(shown).items()} == {
        "The second reply differs": False,
        "A title <script>document.title = 'owned'</script>&\"'": True,
    }
    assert shown.one("output").text == "1 of 2 differences"
    assert shown.log == ""


def test_the_filter_finds_families_and_commands(tmp_path: Path) -> None:
    shown = opened(EVERYTHING, tmp_path, "#filter=hget")
    left = [each.text for each in shown.elements if each.attributes.get("data-find") and not each.is_hidden]
    assert left[0] == "HGET"
    assert len(left) == 2  # and the case that asks it
    groups = {each.attributes["data-holds"]: each.is_hidden for each in shown.all("div", "group")}
    assert groups == {"hash": False, "server": True, "string": True}


def test_a_difference_opens_by_its_address(tmp_path: Path) -> None:
    shown = opened(EVERYTHING, tmp_path, "#case-2")
    assert ["open" in each.attributes for each in shown.all("details", "case")] == [False, True]


@pytest.mark.parametrize(
    "found", [results(), results(AGREEING), results(SKIPPED)], ids=["nothing", "agreeing", "skipped"]
)
def test_a_page_with_little_on_it_works_too(found: Results, tmp_path: Path) -> None:
    assert opened(found, tmp_path).log == ""
