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
TOUR = [(command, answer) for command, answer in COMMANDS if "python -m patterns" in command]
CONFORMANCE = [(command, answer) for command, answer in COMMANDS if "python -m conformance" in command]


@pytest.mark.parametrize("source", snippets("python"))
def test_a_python_snippet_runs(source: str, tmp_path: Path) -> None:
    """By itself, or by pytest if it uses that."""
    words, folder = ["-W", "error", "-c", source], ROOT
    if "@pytest" in source:
        (tmp_path / "test_snippet.py").write_text(source)
        words, folder = ["-m", "pytest", "-q", "test_snippet.py"], tmp_path
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start_miniredis() as running:
        yield running


def test_redis_cli_answers_as_shown(server: Server) -> None:
    """One after the other, for one command's answer may depend on what another one did."""
    if shutil.which("redis-cli") is None:
        missing("redis-cli on PATH")
    for command, answer in REDIS_CLI:
        words = ["redis-cli", "-p", str(server.port), "--no-raw", *shlex.split(command)[1:]]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert (command, done.stdout.strip()) == (command, answer)


@pytest.mark.parametrize(("command", "answer"), MODULES)
def test_the_server_starts_as_shown(command: str, answer: str, tmp_path: Path) -> None:
    """On a port of its own, so only the port may differ from what is shown. What it saves at its end goes elsewhere."""
    words = [sys.executable, *shlex.split(command)[1:], "--port", "0", "--dir", str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        process.terminate()
    expected = re.escape(answer).replace("6379", r"\d+") or r".* ready on redis://127\.0\.0\.1:\d+"
    assert re.fullmatch(expected, line)
    assert process.returncode == 0


def test_every_console_command_is_checked_here() -> None:
    others = {command for command, _ in COMMANDS} - {command for command, _ in REDIS_CLI + MODULES + CONFORMANCE + TOUR}
    assert others == {"make test", "make demo"}
    for command in others:
        assert re.search(rf"^{command.removeprefix('make ')}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("command", "answer"), TOUR)
def test_the_tour_shows_what_is_shown(command: str, answer: str, server: Server) -> None:
    """The lines of the answer, in their order; … stands for those that are left out."""
    words = [sys.executable, *shlex.split(command.replace("6379", str(server.port)))[1:]]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    shown = iter(line.strip() for line in done.stdout.splitlines())
    for line in answer.splitlines():
        assert line == "…" or line.strip() in shown, line


@pytest.mark.parametrize("command", [command for command, _ in CONFORMANCE])
def test_the_conformance_suite_knows_the_options_shown(command: str) -> None:
    """Each command is asked for its help with these options: what it does with them is tested in tests/conformance."""
    words = [sys.executable, *shlex.split(command)[1:], "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for option in re.findall(r"--[a-z-]+", command):
        assert option in done.stdout


def test_the_pages_it_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
