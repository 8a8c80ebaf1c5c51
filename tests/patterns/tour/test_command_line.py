"""``python -m patterns``: what it accepts, what it refuses in one line, and what it leaves behind: nothing."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from conformance.servers import Server
from miniredis import MiniRedis
from patterns.tour import cli
from patterns.tour.chapter import Chapter
from patterns.tour.chapters import CHAPTERS
from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

ROOT = Path(__file__).parents[3]
COLOUR = re.compile(rb"\x1b\[[0-9;]*\b(?:3[0-7]|9[0-7])\b[0-9;]*m")

Capture = pytest.CaptureFixture[str]


def refused(capsys: Capture, *words: str) -> tuple[int, str]:
    """The exit code and the one line."""
    try:
        code = cli.main(words)
    except SystemExit as end:
        code = int(str(end.code))
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert complaint.startswith("python -m patterns: ")
    return code, complaint


def test_list_names_the_chapters(capsys: Capture) -> None:
    assert cli.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [each.name for each in CHAPTERS]


def test_without_redis_py_it_says_what_it_needs() -> None:
    command = [sys.executable, "-S", "-m", "patterns", "--list"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "patterns needs redis-py: pip install -e '.[patterns]'" in ended.stderr


def test_only_picks_chapters_which_come_in_the_order_of_the_tour(capsys: Capture) -> None:
    assert cli.main(["--only", "cluster", "--only", "replication"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"--only (\S+)", out) == ["replication", "cluster"]
    assert "\x1b" not in out  # no terminal, no colours
    assert "on a miniredis at redis://127.0.0.1:" in out


def test_an_unknown_chapter_is_told_which_there_are(capsys: Capture) -> None:
    code, complaint = refused(capsys, "--only", "nonsense")
    assert code == 2
    assert "no chapter 'nonsense'" in complaint
    assert all(each.name in complaint for each in CHAPTERS)


def test_an_unknown_option(capsys: Capture) -> None:
    assert refused(capsys, "--nonsense")[0] == 2


@pytest.mark.parametrize(
    "url",
    ["redis://ann:secret@127.0.0.1:1", "http://ann:secret@localhost", "unix:///nowhere.sock", "redis+cluster://h:1"],
)
def test_a_server_that_cannot_be_had_is_one_line_without_passwords(url: str, capsys: Capture) -> None:
    code, complaint = refused(capsys, "--url", url)
    assert code == 2
    assert "cannot use" in complaint
    assert "secret" not in complaint


def test_a_wrong_password(capsys: Capture) -> None:
    with MiniRedis(requirepass="right") as server:
        code, complaint = refused(capsys, "--url", server.url.replace("//", "//:wrong@"))
    assert code == 2
    assert "wrong" not in complaint


def test_what_the_server_refuses_on_the_way_is_one_line(capsys: Capture) -> None:
    with MiniRedis() as server, redis.Redis(port=server.port) as client:
        client.execute_command("ACL", "SETUSER", "default", "-hset")
        code, complaint = refused(capsys, "--url", server.url, "--only", "structures")
        assert code == 1
        assert "failed in chapter structures: " in complaint
        assert client.dbsize() == 0


def test_nobody_elses_keys_are_touched(redis_server: Server, capsys: Capture) -> None:
    url = f"redis://127.0.0.1:{redis_server.port}/6"
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.flushdb()
        client.mset({"user:7": "mine", "tour": "mine", "views": "1"})
        assert cli.main(["--url", url, "--only", "structures", "--only", "queue"]) == 0
        assert client.mget("user:7", "tour", "views") == ["mine", "mine", "1"]
        assert client.dbsize() == 3
        client.flushdb()
    assert re.search(r"on a Redis 7\.0\.\d+, in keys under tour-[0-9a-f]{8}:\*", capsys.readouterr().out)


def broken(error: BaseException) -> Callable[[Stage, Narrator], None]:
    def play(stage: Stage, tell: Narrator) -> None:
        stage.client().set(stage.key("left"), "behind")
        raise error

    return play


def test_interrupted_it_cleans_up(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(cli, "CHAPTERS", (Chapter("one", "One", "", broken(KeyboardInterrupt())),))
    with MiniRedis() as server, redis.Redis(port=server.port) as client:
        assert refused(capsys, "--url", server.url)[0] == 130
        assert client.dbsize() == 0


def test_a_server_that_dies_on_the_way(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    with MiniRedis() as server:

        def play(stage: Stage, tell: Narrator) -> None:
            server.stop()
            stage.client().get("key")

        monkeypatch.setattr(cli, "CHAPTERS", (Chapter("one", "One", "", play),))
        code, complaint = refused(capsys, "--url", server.url)
    assert code == 1
    assert "failed in chapter one" in complaint


def run(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, cwd=ROOT, capture_output=True, timeout=60, check=False)


def test_without_rich_it_says_what_to_install() -> None:
    source = "import sys, runpy; sys.modules['rich'] = None; runpy.run_module('patterns', run_name='__main__')"
    done = run(sys.executable, "-c", source)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"the tour needs rich: pip install -e '.[demo]', or run make demo\n"


def test_the_library_itself_needs_none_of_it() -> None:
    source = "import sys, patterns, patterns.aio; print({'rich', 'miniredis', 'patterns.tour'} & set(sys.modules))"
    assert run(sys.executable, "-c", source).stdout == b"set()\n"


def test_who_stops_reading_is_not_complained_to() -> None:
    words = [sys.executable, "-m", "patterns", "--list"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What a terminal is shown of one chapter."""
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def watch() -> None:
        with contextlib.suppress(OSError):  # Linux's way of saying that the other end was closed
            while data := os.read(ours, 65536):
                shown.append(data)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with monkeypatch.context() as patched, open(theirs, "w", encoding="utf-8") as terminal:
        patched.setattr(sys, "stdout", terminal)
        assert cli.main(["--only", "replication"]) == 0
    watcher.join()
    os.close(ours)
    return b"".join(shown)


def test_on_a_terminal_there_are_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert COLOUR.search(on_terminal(monkeypatch))


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = on_terminal(monkeypatch)
    assert b"ROLE" in shown
    assert not COLOUR.search(shown)


def test_an_encoding_without_arrows_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert cli.main(["--only", "replication"]) == 0
    sys.stdout.flush()
    assert b"? WAIT 1 20" in shown.getvalue()


def test_pause_waits_for_enter_between_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setattr("rich.console.Console.input", lambda console, prompt: asked.append(prompt))
    assert cli.main(["--only", "replication", "--only", "cluster", "--pause"]) == 0
    assert asked == ["\n[Enter] "]


def test_where_nobody_can_press_enter_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(console: object, prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setattr("rich.console.Console.input", ends)
    assert cli.main(["--only", "replication", "--only", "cluster", "--pause"]) == 0
