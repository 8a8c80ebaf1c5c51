"""``python -m conformance`` as a person and as CI meet it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.cli import main
from conformance.reports.as_json import as_json, from_json
from conformance.results import Kind, Verdict
from conformance.servers import Server, find_server, find_servers, start
from tests.conformance.made_results import AGREEING, DIFFERING, EVERYTHING, results
from tests.requirements import missing

ROOT = Path(__file__).parents[2]
SMALL = ("--only", "commands", "--family", "string", "--commands", "300")
"""A run of a moment."""

Ended = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run the command; its exit code, what it printed, and what it complained of."""
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments: object) -> Ended:
        try:
            code = main([str(each) for each in arguments])
        except SystemExit as exited:
            code = int(exited.code or 0)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def theirs() -> Iterator[Server]:
    """A real server that somebody else runs."""
    binary = find_server("redis-7.0")
    if binary is None:
        missing("a real redis-7.0 server")
    with start(binary) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def real_server() -> None:
    if not find_servers():
        missing("a real server")


def url(server: Server) -> str:
    return f"redis://{server.host}:{server.port}"


# Asking for help


def test_help_says_what_it_is_and_how_to_begin(run: Callable[..., Ended]) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert "Does a server behave as a real Redis does, to the byte?" in out
    for what in ("examples:", "--target", "recorded", "conformance servers", "exit code: 0", "(default: 30000)"):
        assert what in out
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize("command", ["servers", "report", "upstream"])
def test_each_command_has_help(run: Callable[..., Ended], command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"usage: python -m conformance {command}" in out


def test_servers_are_listed(run: Callable[..., Ended]) -> None:
    code, out, _ = run("servers")
    assert code == 0
    for binary in find_servers():
        assert f"{binary.name} " in out
        assert str(binary.path) in out
    assert "miniredis" in out
    listed = json.loads(run("servers", "--json")[1])
    assert {(each["name"], each["path"]) for each in listed} >= {(b.name, str(b.path)) for b in find_servers()}


@pytest.mark.parametrize(
    ("missing", "words", "code", "says"),
    [
        ("rich", ["servers"], 2, "conformance: needs rich: pip install -e '.[conformance]'\n"),
        ("redis", ["speed"], 2, "conformance: speed needs redis: pip install -e '.[bench]'\n"),
        ("redis", ["servers"], 0, ""),
    ],
)
def test_what_is_not_installed_is_said_by_what_needs_it(missing: str, words: list[str], code: int, says: str) -> None:
    without = (
        f"import sys; sys.modules[{missing!r}] = None; import runpy; "
        "runpy.run_module('conformance', run_name='__main__')"
    )
    command = [sys.executable, "-c", without, *words]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ended.returncode, ended.stderr) == (code, says)


# Being wrong


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--protocol", "4"], "invalid choice: 4"),
        (["--commands", "0"], "0 is not above 0"),
        (["--commands", "many"], "invalid number value: 'many'"),
        (["--family", "nonsense"], "there is no family 'nonsense'; there are"),
        (["-k", "and"], "-k 'and'"),
        (["-k", "nothing has such a name"], "'has' is not expected"),
        (["-k", "nonsense"], "nothing is picked"),
        (["--target", "nonsense"], "there is no 'nonsense' here. Found: "),
        (["--reference", "redis-0.1"], "there is no 'redis-0.1' here"),
        (["--target", "redis://127.0.0.1:1"], "redis://127.0.0.1:1 cannot be asked"),
        (["--target", "/bin/sh"], "no executable of Redis"),
        (["--reference", "recorded", "--only", "commands"], "nothing is picked"),
        (["--reference", "recorded@redis-7.2"], "nothing is recorded of redis-7.2: name one of recorded@redis-7.0 and"),
        (["--reference", "recorded", "--target", "miniredis@redis-8.2"], "nothing is recorded of redis-8.2: name"),
        (["--json", "/proc/no/such/folder/x.json"], "No such file or directory"),
        (["report", "/no/such/file"], "No such file or directory: /no/such/file"),
        (["report"], "the following arguments are required: results"),
    ],
)
def test_what_is_wrong_is_said_and_exits_with_2(
    run: Callable[..., Ended], arguments: list[str], complaint: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert complaint in err
    assert "Traceback" not in out + err


def test_a_file_that_is_no_results_is_refused(run: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert run("report", tmp_path / "x.json")[::2] == (2, "conformance: no results of the conformance suite\n")


# Running


def test_who_agrees_exits_with_0_and_every_report_is_written(run: Callable[..., Ended], tmp_path: Path) -> None:
    files = {name: tmp_path / "new" / name for name in ("json", "junit", "html", "save")}
    options = [part for name, file in files.items() for part in (f"--{name}", file)]
    code, out, err = run("--target", "redis-7.0", "--reference", "redis-7.0", "--seed", "5", *SMALL, *options)
    assert (code, err) == (0, "")
    assert re.search(r"redis-7\.0 agrees with redis-7\.0 in 2 cases\. \d+ replies compared", out)
    assert "seed 5." in out
    found = from_json(files["json"].read_text())
    assert [(case.kind, case.family, case.protocol) for case in found.cases] == [
        (Kind.COMMANDS, "string", 2),
        (Kind.COMMANDS, "string", 3),
    ]
    assert found.vocabulary["CONFIG GET"] == "server"
    assert ElementTree.parse(files["junit"]).getroot().get("tests") == "2"
    assert "<!doctype html>" in files["html"].read_text()
    assert files["save"].read_text() == ""


def test_who_differs_exits_with_1(run: Callable[..., Ended], theirs: Server, tmp_path: Path) -> None:
    with theirs.connect() as wire:
        wire.call("CONFIG", "SET", "hash-max-listpack-entries", "0")
    file = tmp_path / "saved.scenarios"
    options = ("--only", "scenarios", "--family", "hashes", "--protocol", "2", "--save", file)
    code, out, _ = run("--target", url(theirs), "--reference", "redis-7.0", *options)
    assert code == 1
    assert "redis-7.0 differs from redis-7.0 in" in out
    assert "encoding: b'listpack' / b'hashtable'" in out
    assert file.read_text().startswith("# hashes: ")


def test_k_picks_by_name_and_by_protocol(run: Callable[..., Ended], tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    options = ("--only", "scenarios", "-k", "lists: and LPUSH and not resp3", "--json", file, "--quiet")
    code, out, _ = run("--target", "redis-7.0", "--reference", "redis-7.0", *options)
    assert code == 0
    assert len(out.splitlines()) == 1
    found = from_json(file.read_text()).cases
    assert found
    assert all(case.family == "lists" and "LPUSH" in case.title and case.protocol == 2 for case in found)


def test_recorded_replies_judge_where_there_is_no_reference(run: Callable[..., Ended]) -> None:
    options = ("--family", "strings", "-k", "strings:", "--quiet")
    assert run("--target", "redis-7.0", "--reference", "recorded", *options)[0] == 0
    for reference, series in (
        ("recorded", "redis-7.0"),
        ("recorded@redis-7.0", "redis-7.0"),
        ("recorded@valkey-9.1", "valkey-9.1"),
    ):
        assert f"miniredis agrees with recorded {series}" in run("--reference", reference, *options)[1]


def test_colour_can_be_refused(run: Callable[..., Ended]) -> None:
    assert "\x1b" not in run("--target", "redis-7.0", "--reference", "redis-7.0", "--no-color", *SMALL)[1]


# Servers of other people


def test_a_server_with_data_is_not_touched_without_flush(run: Callable[..., Ended], theirs: Server) -> None:
    options = ("--target", url(theirs), "--reference", "redis-7.0", *SMALL)
    with theirs.connect() as wire:
        wire.call("SET", "theirs", "v")
        code, _, err = run(*options)
        assert code == 2
        assert "not empty (1 keys in database 0)" in err
        assert wire.call("GET", "theirs").value == b"v"
        assert run(*options, "--flush")[0] == 0
        assert wire.call("DBSIZE").value == 0


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$999999999999\r\n", b""])
def test_what_is_no_server_is_said_to_be_none(run: Callable[..., Ended], answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_all() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(answer)

        threading.Thread(target=_until_closed, args=(answer_all,), daemon=True).start()
        code, out, err = run("--target", f"redis://127.0.0.1:{listener.getsockname()[1]}", *SMALL)
        listener.shutdown(socket.SHUT_RDWR)
    assert (code, out) == (2, "")
    assert "cannot be asked" in err
    assert len(err.splitlines()) == 1


def _until_closed(serve: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):
        serve()


def test_one_server_cannot_be_both(run: Callable[..., Ended], theirs: Server) -> None:
    code, _, err = run("--target", url(theirs), "--reference", url(theirs), *SMALL)
    assert code == 2
    assert "one and the same server" in err


# Rendering again


def test_results_are_rendered_again(run: Callable[..., Ended], tmp_path: Path) -> None:
    source = tmp_path / "results.json"
    source.write_text(as_json(EVERYTHING))
    files = {name: tmp_path / name for name in ("json", "junit", "html", "save")}
    code, out, _ = run("report", source, *(part for name, file in files.items() for part in (f"--{name}", file)))
    assert code == 1
    assert "miniredis differs from redis-7.0 in 2 of 4 cases" in out
    assert from_json(files["json"].read_text()) == EVERYTHING
    assert "The second reply differs" in files["html"].read_text()


def test_rendering_exits_as_the_run_did(run: Callable[..., Ended], tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    for found, code in ((results(AGREEING), 0), (results(DIFFERING), 1), (results(), 2)):
        file.write_text(as_json(found))
        assert run("report", file, "--quiet")[0] == code


# Ending early


LOSES_THE_SIGNAL = """
import os, signal, sys
from conformance import cli

class Ended:
    def __del__(self):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):  # by now the signal is handled
                pass
        except KeyboardInterrupt:
            os.write(1, b"ignored from here on")
            raise

def cases(*arguments):
    for case in made(*arguments):
        Ended()
        yield case

made, cli.cases = cli.cases, cases
sys.exit(cli.main())
"""


@pytest.fixture
def begun(theirs: Server, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins a run of an hour in a process of its own, which has asked something (or ended), and writes x.json."""
    processes: list[subprocess.Popen[str]] = []

    def begin(*program: str) -> subprocess.Popen[str]:
        command = [sys.executable, *(program or ("-m", "conformance")), "--target", url(theirs)]
        command += ["--reference", "redis-7.0", "--only", "commands", "--seconds", "3600"]
        command += ["--json", str(tmp_path / "x.json")]
        processes.append(
            process := subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "COLUMNS": "200"},
                cwd=ROOT,
            )
        )
        with theirs.connect() as wire:
            while process.poll() is None and b"cmdstat_lpush:" not in wire.call("INFO", "commandstats").raw:
                time.sleep(0.01)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_what_was_found_so_far(
    begun: Callable[..., subprocess.Popen[str]], theirs: Server, tmp_path: Path, number: signal.Signals
) -> None:
    process = begun()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "It ended early: interrupted." in out
    assert err == ""
    found = from_json((tmp_path / "x.json").read_text())
    assert found.ended_early == "interrupted"
    assert found.cases
    with theirs.connect() as wire:
        assert wire.call("DBSIZE").value == 0


def test_it_ends_though_the_interpreter_ignores_what_the_signal_raises(
    begun: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = begun("-c", LOSES_THE_SIGNAL)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "ignored from here on" in out
    assert err == ""
    assert from_json((tmp_path / "x.json").read_text()).ended_early == "interrupted"


def test_a_target_that_dies_is_a_difference(
    begun: Callable[..., subprocess.Popen[str]], theirs: Server, tmp_path: Path
) -> None:
    process = begun()
    assert theirs.pid is not None
    os.kill(theirs.pid, signal.SIGKILL)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Traceback" not in out + err
    found = from_json((tmp_path / "x.json").read_text())
    assert found.cases[-1].verdict is Verdict.DIFFERS
    assert found.cases[-1].reason.startswith("the target is gone")
    assert found.ended_early == f"the target ({url(theirs)}) is gone"
