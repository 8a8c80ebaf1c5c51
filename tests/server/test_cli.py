"""``python -m miniredis``: redis-server's command line, one line on standard output, exit codes."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import miniredis
from miniredis.engine.version import DEFAULT_VERSION, VERSIONS
from tests.server.conftest import Peer

ROOT = Path(__file__).parents[2]


class Program:
    """A running ``python -m miniredis``, in a *folder* where it may leave its files."""

    def __init__(self, folder: Path, *arguments: object, stdin: str | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-m", "miniredis", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        if stdin is not None:
            self.process.stdin.write(stdin)
        self.process.stdin.close()
        self.process.stdin = None

    @property
    def first_line(self) -> str:
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 10)[0], "it says nothing"
        return self.process.stdout.readline()

    def connect(self) -> Peer:
        found = re.search(r"ready on redis://127\.0\.0\.1:(\d+)$", self.first_line)
        assert found is not None
        return Peer(socket.create_connection(("127.0.0.1", int(found[1]))))

    def end(self) -> tuple[int, str, str]:
        """Exit code, rest of standard output, standard error."""
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts programs, all in one folder; none survives the test."""
    programs: list[Program] = []

    def run(*arguments: object, stdin: str | None = None) -> Program:
        programs.append(Program(tmp_path, *arguments, stdin=stdin))
        return programs[-1]

    yield run
    for program in programs:
        program.process.kill()
        program.process.communicate()


def test_it_says_where_clients_can_connect(run: Callable[..., Program]) -> None:
    peer = run("--port", 0).connect()
    peer.send("SET k v", "GET k")
    peer.receive(b"+OK\r\n$1\r\nv\r\n")
    peer.socket.close()


def test_directives_are_options(run: Callable[..., Program]) -> None:
    program = run(
        "--port", 0, "--bind", "127.0.0.1", "-::1", "--save", "", "--requirepass", "secret", "--maxclients", 7
    )
    peer = program.connect()
    peer.send("GET k")
    peer.receive(b"-NOAUTH Authentication required.\r\n")
    peer.socket.close()


def test_an_option_takes_its_value_whatever_it_looks_like(run: Callable[..., Program]) -> None:
    peer = run("--requirepass", "--abc", "--save", "--port 0").connect()
    peer.send("AUTH --abc", "CONFIG GET save")
    peer.receive(b"+OK\r\n*2\r\n$4\r\nsave\r\n$0\r\n\r\n")
    peer.socket.close()


def test_a_config_file_comes_first_and_the_command_line_wins(run: Callable[..., Program], tmp_path: Path) -> None:
    included = tmp_path / "secret.conf"
    included.write_text('requirepass "se\\x63ret"\n')
    config = tmp_path / "redis.conf"
    config.write_text(f"# a comment\n\nport 1\n  BIND 127.0.0.1\ninclude {included}\nsave 900 1\n")
    peer = run(config, "--port", 0).connect()
    peer.send("GET k")
    peer.receive(b"-NOAUTH Authentication required.\r\n")
    peer.socket.close()


def test_the_config_file_can_be_rewritten(run: Callable[..., Program], tmp_path: Path) -> None:
    config = tmp_path / "redis.conf"
    config.write_text("# mine\nport 0\n")
    peer = run(config).connect()
    peer.send("CONFIG SET timeout 77", "CONFIG REWRITE")
    peer.receive(b"+OK\r\n+OK\r\n")
    port = peer.socket.getpeername()[1]
    peer.socket.close()
    lines = config.read_text().splitlines()
    assert lines[:2] == ["# mine", f"port {port}"]
    assert "timeout 77" in lines


def test_a_free_port_is_the_port_from_then_on(run: Callable[..., Program]) -> None:
    peer = run("--port", 0, "--bind", "127.0.0.1").connect()
    port = b"%d" % peer.socket.getpeername()[1]
    with peer.socket:
        peer.send("CONFIG GET port")
        peer.receive(b"*2\r\n$4\r\nport\r\n$%d\r\n%b\r\n" % (len(port), port))
        peer.send("INFO server", "QUIT")
        said = peer.read_to_the_end()
    assert b"\r\ntcp_port:%b\r\n" % port in said
    assert b"\r\nlistener0:name=tcp,bind=127.0.0.1,port=%b\r\n" % port in said


def test_a_unix_socket_alone(run: Callable[..., Program], tmp_path: Path) -> None:
    for name, *without_tcp in (("a", "--port", 0), ("b", "--bind", "")):
        path = tmp_path / name
        program = run("--unixsocket", path, "--port", 1, *without_tcp)
        assert program.first_line == f"miniredis as {DEFAULT_VERSION.name}, ready on unix://{path}\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            peer = Peer(connection)
            peer.send("CONFIG GET bind", "INFO server", "QUIT")
            said = peer.read_to_the_end()
        assert (b"127.0.0.1 -::1" in said) == (name == "a")
        assert b"\r\ntcp_port:%d\r\n" % (name == "b") in said
        assert f"\r\nlistener1:name=unix,bind={path}\r\n".encode() in said


def test_a_port_can_be_opened_later(run: Callable[..., Program], tmp_path: Path, unused_tcp_port: int) -> None:
    program = run("--unixsocket", tmp_path / "socket", "--port", 0)
    assert "unix://" in program.first_line
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(tmp_path / "socket"))
        peer = Peer(connection)
        peer.send(f"CONFIG SET port {unused_tcp_port}")
        peer.receive(b"+OK\r\n")
        with socket.create_connection(("127.0.0.1", unused_tcp_port)) as other:
            Peer(other).send("PING")
            Peer(other).receive(b"+PONG\r\n")
        peer.send("CONFIG SET port 0")
        peer.receive(b"+OK\r\n")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", unused_tcp_port))


@pytest.mark.parametrize("in_file", [False, True])
def test_a_replica_from_the_start(run: Callable[..., Program], tmp_path: Path, in_file: bool) -> None:
    config = tmp_path / "redis.conf"
    config.write_text("replicaof 127.0.0.1 1\n")
    peer = run(*([config] if in_file else ["--replicaof", "127.0.0.1", "1"]), "--port", 0).connect()
    peer.send("ROLE", "SET a 1", "CONFIG GET replicaof")
    peer.receive(
        b"*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$7\r\nconnect\r\n:-1\r\n"
        b"-READONLY You can't write against a read only replica.\r\n"
        b"*2\r\n$9\r\nreplicaof\r\n$11\r\n127.0.0.1 1\r\n"
    )
    peer.socket.close()


def test_a_dash_reads_standard_input(run: Callable[..., Program]) -> None:
    peer = run("--port", 0, "-", stdin="requirepass secret\n").connect()
    peer.send("GET k")
    peer.receive(b"-NOAUTH Authentication required.\r\n")
    peer.socket.close()


def test_the_version_to_emulate(run: Callable[..., Program]) -> None:
    for name in VERSIONS:
        assert name in run("--emulate", name, "--port", 0).first_line


def test_only_tls_is_announced_as_such(run: Callable[..., Program], tmp_path: Path) -> None:
    path = tmp_path / "no.pem"
    code, out, err = run("--port", 0, "--tls-port", 1, "--tls-cert-file", path, "--tls-key-file", path).end()
    assert (code, out, len(err.splitlines())) == (1, "", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_at_once_and_cleanly(run: Callable[..., Program], number: signal.Signals) -> None:
    program = run("--port", 0)
    peer = program.connect()
    peer.send("BLPOP list 0")
    started = time.monotonic()
    program.process.send_signal(number)
    code, out, err = program.end()
    assert time.monotonic() - started < 1
    assert (code, out) == (0, "")
    assert "Traceback" not in err
    assert peer.read_to_the_end() == b""
    peer.socket.close()


@pytest.mark.parametrize(("points", "how", "saves"), [("3600 1", "nosave", False), ("", "save", True)])
def test_a_signal_saves_or_not_as_it_is_told(
    run: Callable[..., Program], tmp_path: Path, points: str, how: str, saves: bool
) -> None:
    program = run("--port", 0, "--save", points, "--shutdown-on-sigterm", how, "--shutdown-on-sigint", "default")
    peer = program.connect()
    peer.send("SET k v")
    peer.receive(b"+OK\r\n")
    program.process.terminate()
    assert program.end()[0] == 0
    peer.socket.close()
    assert (tmp_path / "dump.rdb").exists() == saves


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_a_terminal_that_is_closed_does_not_end_it(run: Callable[..., Program]) -> None:
    program = run("--port", 0)
    peer = program.connect()
    program.process.send_signal(signal.SIGHUP)
    peer.send("PING")
    peer.receive(b"+PONG\r\n")
    peer.send("SHUTDOWN")
    assert program.end()[0] == 0
    peer.socket.close()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked")
def test_signals_while_it_ends_change_nothing(run: Callable[..., Program], tmp_path: Path) -> None:
    for _ in range(2):
        program = run("--port", 0)
        peer = program.connect()
        peer.send("SET k v", "SHUTDOWN NOSAVE")
        peer.read_to_the_end()
        peer.socket.close()
        while program.process.poll() is None:
            program.process.send_signal(signal.SIGTERM)
        code, _, err = program.end()
        assert (code, "Exception" in err) == (0, False)
    assert not (tmp_path / "dump.rdb").exists()


def test_a_log_says_that_there_is_no_append_only_file(run: Callable[..., Program]) -> None:
    warning = "appendonly is remembered only: there is no append-only file, neither read nor written"
    for options, commands in (["--appendonly", "yes"], []), ([], ["CONFIG SET appendonly yes"]):
        peer = (program := run("--port", 0, *options)).connect()
        peer.send(*commands, "SHUTDOWN")
        peer.read_to_the_end()
        peer.socket.close()
        assert program.end()[2].count(warning) == 1


def test_the_log_goes_to_standard_error_in_redis_format(run: Callable[..., Program]) -> None:
    program = run("--port", 0)
    program.connect().socket.close()
    program.process.terminate()
    _, _, err = program.end()
    ready = err.splitlines()[0]
    assert re.fullmatch(r"\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} \* Ready to accept connections", ready)


def test_the_log_can_go_to_a_file_and_be_less(run: Callable[..., Program], tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = run("--port", 0, "--logfile", log, "--loglevel", "warning")
    peer = program.connect()
    peer.socket.sendall(b"POST / HTTP/1.1\r\n")
    peer.read_to_the_end()
    peer.socket.close()
    program.process.terminate()
    assert program.end() == (0, "", "")
    assert "Possible SECURITY ATTACK detected" in log.read_text()
    assert "Ready" not in log.read_text()


def test_version_and_help(run: Callable[..., Program]) -> None:
    for option in ("--version", "-v"):
        code, out, err = run(option).end()
        assert (code, err) == (0, "")
        assert out.startswith(f"miniredis v={miniredis.__version__} emulating ")
    for option in ("--help", "-h"):
        code, out, err = run(option).end()
        assert (code, err) == (0, "")
        assert out.startswith("Usage: miniredis ")


# What stops it from starting


def refusal(program: Program) -> str:
    code, out, err = program.end()
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1, err
    return err.rstrip("\n")


def test_a_taken_port(run: Callable[..., Program]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refusal(run("--port", port))
    assert message == (
        f"miniredis: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nosuch", "x"], "--nosuch \"x\": Bad directive or wrong number of arguments"),
        (["--port"], "--port: wrong number of arguments"),
        (["--port", "abc"], "--port \"abc\": argument couldn't be parsed into an integer"),
        (["--port", "70000"], "--port \"70000\": argument must be between 0 and 65535 inclusive"),
        (["--port", "1", "2"], "--port \"1\" \"2\": wrong number of arguments"),
        (["--emulate", "1.0"], f"unknown server version '1.0': choose one of {', '.join(VERSIONS)}"),
        (["--emulate"], "--emulate needs a value"),
        (["--seed", "x"], "--seed takes an integer, not 'x'"),
        (["-x"], "'-x' is no option: options begin with --, see --help"),
        (["/no/such/file"], "Fatal error, can't open config file '/no/such/file': No such file or directory"),
        (["--bind", ""], "Configured to not listen anywhere, exiting."),
        (["--logfile", "/no/such/log"], "Can't open the log file: No such file or directory: /no/such/log"),
    ],
)  # fmt: skip
def test_a_bad_command_line(run: Callable[..., Program], arguments: list[str], message: str) -> None:
    assert refusal(run(*arguments)) == f"miniredis: {message}"


def test_a_bad_line_of_a_config_file(run: Callable[..., Program], tmp_path: Path) -> None:
    config = tmp_path / "redis.conf"
    config.write_text("# fine\nport 0\nnosuch thing\n")
    assert refusal(run(config)) == (
        f"miniredis: {config}, line 3: nosuch thing: Bad directive or wrong number of arguments"
    )
    config.write_text('requirepass "unbalanced\n')
    assert refusal(run(config)) == (
        f'miniredis: {config}, line 1: requirepass "unbalanced: Unbalanced quotes in configuration line'
    )


def test_it_needs_nothing_that_is_not_in_the_standard_library() -> None:
    code = (
        "import sys, miniredis.cli, miniredis.testing, miniredis.server.tls\n"
        "names = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(names))"
    )
    answer = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "['__main__', 'miniredis']\n"


# The RDB file


def test_it_saves_when_it_ends_and_begins_with_what_was_saved(run: Callable[..., Program], tmp_path: Path) -> None:
    first = run("--port", 0, "--dbfilename", "data.rdb")
    peer = first.connect()
    peer.send("SET k v")
    peer.receive(b"+OK\r\n")
    first.process.send_signal(signal.SIGTERM)
    assert first.end()[0] == 0
    peer.socket.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data.rdb"]
    peer = run("--port", 0, "--dbfilename", "data.rdb", "--save", "").connect()
    peer.send("GET k")
    peer.receive(b"$1\r\nv\r\n")
    peer.socket.close()


def test_without_save_points_it_ends_without_a_file(run: Callable[..., Program], tmp_path: Path) -> None:
    program = run("--port", 0, "--save", "")
    peer = program.connect()
    peer.send("SET k v")
    peer.receive(b"+OK\r\n")
    peer.send("SHUTDOWN")
    assert program.end()[0] == 0
    peer.socket.close()
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_stops_it_with_one_line(run: Callable[..., Program], tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0011\xfe\x00")
    assert run("--port", 0).end() == (
        1,
        "",
        f"miniredis: Fatal error loading the DB: {tmp_path}/dump.rdb: [offset 11] Short read or OOM loading DB. "
        "Unrecoverable error, aborting now.\n",
    )
