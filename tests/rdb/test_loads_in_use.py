"""A dataset is replaced under clients who watch, wait and transact: what they notice, they notice on real servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.servers import Server, find_server, start, start_miniredis
from conformance.wire import Wire
from tests.requirements import missing


class Conversation:
    """Several connections to one server, and all that it answered, as bytes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wires: dict[str, Wire] = {}
        self.heard: list[tuple[str, bytes]] = []

    def wire(self, name: str) -> Wire:
        if name not in self._wires:
            self._wires[name] = self._server.connect()
        return self._wires[name]

    def __call__(self, name: str, line: str) -> None:
        """The client of that *name* sends a line and is answered."""
        self.heard.append((f"{name}> {line}", self.wire(name).call(*line.split()).raw))

    def block(self, name: str, line: str) -> None:
        """The client of that *name* waits for something."""
        waiting = sum(each.startswith("waits") for each in self._wires)
        self.wire("waits" + name).send(*line.split())
        while b"blocked_clients:%d\r" % (waiting + 1) not in self.wire("observer").call("INFO", "clients").raw:
            pass

    def awaited(self, name: str) -> None:
        """What that client waited for."""
        self.heard.append((name, self.wire("waits" + name).read().raw))

    def close(self) -> None:
        for wire in self._wires.values():
            wire.close()


def watched_keys(say: Conversation) -> None:
    """Keys that change, go and come by a load."""
    say("b", "SET key 1")
    say("b", "SET comes 1")
    say("b", "SAVE")
    for line in ("DEL comes", "SET goes 1"):
        say("b", line)
    for key in ("key", "goes", "comes", "missing"):
        say("a", f"WATCH {key}")
        say("b", "DEBUG RELOAD NOSAVE")
        for line in ("MULTI", f"GET {key}", "EXEC"):
            say("a", line)
        for line in ("DEL comes", "SET goes 1"):
            say("b", line)


def blocked_clients(say: Conversation) -> None:
    """A list and a stream for which somebody waits come, or stay, by a load."""
    for line in ("RPUSH list 1 2", "XADD stream 1-1 f v", "XADD other 1-1 f v", "XGROUP CREATE other g $", "SAVE"):
        say("b", line)
    say("b", "DEL list stream")
    say.block("pop", "BLPOP list 0")
    say.block("read", "XREAD BLOCK 0 STREAMS stream 0")
    say.block("group", "XREADGROUP GROUP g me BLOCK 0 STREAMS other >")
    say("b", "DEBUG RELOAD NOSAVE")
    for line in ("LLEN list", "RPUSH list 3", "DEL list", "RPUSH list 4", "XADD stream 2-1 f v", "XADD other 2-1 f v"):
        say("b", line)
    for name in ("pop", "read", "group"):
        say.awaited(name)


def transactions_and_scripts(say: Conversation) -> None:
    """A load in the middle of what is done at once."""
    for line in (
        "SET k 1",
        "MULTI",
        "SET q 1",
        "DEBUG RELOAD",
        "GET q",
        "SELECT 3",
        "SET there 1",
        "DEBUG RELOAD",
        "EXEC",
    ):
        say("a", line)
    for line in ("GET there", "DBSIZE", "EVAL return{redis.pcall('DEBUG','RELOAD')} 0"):
        say("a", line)


def events_and_counters(say: Conversation) -> None:
    """Nobody hears of what comes and goes by a load, and it is no change that has to be saved."""
    say("b", "CONFIG SET notify-keyspace-events KEA")
    say("listens", "PSUBSCRIBE *")
    for line in ("SET stays 1", "SAVE", "SET goes 1", "DEBUG RELOAD NOSAVE", "DBSIZE", "DEL stays", "PUBLISH end now"):
        say("b", line)
    while not say.heard[-1][1].endswith(b"now\r\n"):
        say.heard.append(("listens", say.wire("listens").read().raw))
    say("b", "DEBUG RELOAD NOSAVE")
    counted = say.wire("b").call("INFO", "persistence").raw.split(b"\r\n")
    names = (b"rdb_changes_since_last_save", b"rdb_saves", b"rdb_last_load_keys_loaded", b"rdb_last_load_keys_expired")
    say.heard += [("counted", line) for line in counted if line.startswith(names)]


@pytest.mark.parametrize("play", [watched_keys, blocked_clients, transactions_and_scripts, events_and_counters])
@pytest.mark.parametrize("version", ["redis-7.0", "valkey-9.1"])
def test_a_load_in_use(version: str, play: Callable[[Conversation], None]) -> None:
    binary = find_server(version)
    if binary is None:
        missing(f"a real {version} server")
    with start(binary) as real, start_miniredis(emulate=version) as ours:
        heard = []
        for server in (real, ours):
            say = Conversation(server)
            try:
                play(say)
            finally:
                say.close()
            heard.append(say.heard)
    assert heard[0] == heard[1]
    assert len(heard[0]) > 10
