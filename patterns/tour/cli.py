"""``python -m patterns``: the command line of the tour.

The rule of this file: whatever goes wrong is one line on standard error. Exit codes: 0; 1, the server refused
something on the way; 2, wrong words on the command line, or a server that cannot be reached; 130, interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError
from rich.console import Console

from patterns.tour.chapter import Chapter
from patterns.tour.chapters import CHAPTERS
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

NAMES: Final = ", ".join(each.name for each in CHAPTERS)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The words of the command line."""
    described = Parser(
        prog="python -m patterns",
        description="A tour of caching with Redis: each pattern at work, with its code, its commands and its figures.",
        epilog=f"Chapters: {NAMES}",
        allow_abbrev=False,
    )
    described.add_argument(
        "--url",
        help="a server to run on, instead of a miniredis started for this: redis://host:6379/0, rediss://, unix://, "
        "redis+sentinel://host/master. Only keys under a prefix of the tour's own are touched, and gone at the end",
    )
    described.add_argument(
        "--only", metavar="CHAPTER", action="append", default=[], help="this chapter; may be given several times"
    )
    described.add_argument("--list", action="store_true", help="name the chapters, and end")
    described.add_argument("--pause", action="store_true", help="wait for Enter after each chapter")
    return described


def main(words: Sequence[str] | None = None) -> int:
    """Run the tour; the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an encoding without arrows is no reason to fail
    options = parser().parse_args(words)
    unknown = [name for name in options.only if name not in {each.name for each in CHAPTERS}]
    if unknown:
        return _complain(f"no chapter {unknown[0]!r}; there are: {NAMES}", 2)
    chosen = [each for each in CHAPTERS if not options.only or each.name in options.only]
    try:
        if options.list:
            _list(chosen)
            return 0
        return _run(chosen, options.url, options.pause)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        # Who reads has gone. Python would complain at exit when it flushes what nobody wants.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _list(chapters: Sequence[Chapter]) -> None:
    width = max(len(each.name) for each in CHAPTERS)
    for each in chapters:
        print(f"{each.name:<{width}}  {each.title}")
    sys.stdout.flush()  # here, where it is noticed if nobody reads


def _run(chapters: Sequence[Chapter], url: str | None, pause: bool) -> int:
    console = Console(highlight=False, emoji=False, markup=False)
    try:
        stage = _embedded() if url is None else Stage(url)
        about = stage.description
    except (RedisError, ValueError, OSError) as error:
        return _complain(f"cannot use {public(url or 'a miniredis')}: {error}", 2)
    tell = Narrator(console, stage)
    playing = ""
    try:
        try:
            tell.opening("Caching with Redis: a tour of the patterns", about)
            for place, each in enumerate(chapters):
                playing = each.name
                each.play(stage, tell)
                if pause and console.is_terminal and place + 1 < len(chapters):
                    with contextlib.suppress(EOFError):
                        console.input("\n[Enter] ")
            console.print()
        finally:
            stage.close()
    except RedisError as error:
        return _complain(f"{public(stage.url)} failed in chapter {playing}: {error}", 1)
    return 0


def public(url: str) -> str:
    """A URL without its user and password, and without its options, where there may be one as well."""
    start, separator, rest = url.partition("://")
    return start + separator + rest.partition("?")[0].rpartition("@")[2]


def _embedded() -> Stage:
    from patterns.tour.embedded import EmbeddedStage

    return EmbeddedStage()


def _complain(message: str, code: int) -> int:
    print(f"python -m patterns: {' '.join(message.split())}", file=sys.stderr)
    return code
