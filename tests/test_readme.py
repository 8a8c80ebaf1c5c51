"""The README tells the truth: every snippet in it runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.servers import Server, start_miniredis
from tests.requirements import missing

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def snippets(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def console_commands() -> list[tuple[str, str]]:
    """What the README types into a shell, comments left out, and what it says comes back."""
    return [
        (command.partition("     #")[0].strip(), answer.strip())
        for snippet in snippets("console")
        for command, answer in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", snippet, re.MULTILINE)
    ]


COMMANDS = console_commands()
REDIS_CLI = [(command, answer) for command, answer in COMMANDS if command.startswith("redis-cli ")]
MODULES = [(command, answer) for command, answer in COMMANDS if command.startswith("python3 -m miniredis")]


@pytest.mark.parametrize("source", snippets("python"))
def test_a_python_snippet_runs(source: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_miniredis() as running:
        yield running


@pytest.mark.parametrize(("command", "answer"), REDIS_CLI)
def test_redis_cli_answers_as_shown(server: Server, command: str, answer: str) -> None:
    if shutil.which("redis-cli") is None:
        missing("redis-cli on PATH")
    words = ["redis-cli", "-p", str(server.port), "--no-raw", *shlex.split(command)[1:]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == answer


@pytest.mark.parametrize(("command", "answer"), MODULES)
def test_the_server_starts_as_shown(command: str, answer: str) -> None:
    """On a port of its own, so only the port may differ from what is shown."""
    words = [sys.executable, *shlex.split(command)[1:], "--port", "0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        process.terminate()
    expected = re.escape(answer).replace("6379", r"\d+") or r".* ready on redis://127\.0\.0\.1:\d+"
    assert re.fullmatch(expected, line)
    assert process.returncode == 0


def test_every_console_command_is_checked_here() -> None:
    others = {command for command, _ in COMMANDS} - {command for command, _ in REDIS_CLI + MODULES}
    assert others == {"make test", "python3 -m pytest tests/differential"}
    assert re.search(r"^test:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert (ROOT / "tests" / "differential").is_dir()


def test_the_pages_it_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
