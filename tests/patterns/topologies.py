"""A Redis Cluster and a Sentinel, of real servers on loopback, for the length of a ``with`` block; and failovers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.crc import key_slot

from conformance.servers import Server, ServerBinary, find_server, start
from tests.requirements import missing

SLOTS = 16384
DEADLINE = 30.0
AT_ONCE = ("--repl-diskless-sync-delay", "0")
"""A primary begins to copy itself to a replica without waiting for others."""


def until(condition: Callable[[], Any]) -> None:
    """Until servers have agreed: they tell each other, but nobody who asks from outside."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the servers do not come to an agreement")
        time.sleep(0.02)


def ask(server: Server, *command: str) -> bytes:
    with server.connect() as wire:
        return wire.call(*command).raw


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def binary_of(name: str) -> ServerBinary:
    binary = find_server(name)
    if binary is None:
        missing(f"a real {name} server")
    return binary


@contextlib.contextmanager
def cluster(binary: ServerBinary, *options: str, nodes: int = 3, replicas: int = 0) -> Iterator[list[Server]]:
    """A cluster of so many primaries, which share the slots, and then so many replicas of the first."""
    with contextlib.ExitStack() as stack:
        # The port between nodes is by default 10,000 above the other, where there may be none.
        buses = [free_port() for _ in range(nodes + replicas)]
        servers = [
            stack.enter_context(start(binary, "--cluster-enabled", "yes", "--cluster-port", str(bus), *options))
            for bus in buses
        ]
        for number, server in enumerate(servers[:nodes]):
            first, last = number * SLOTS // nodes, (number + 1) * SLOTS // nodes - 1
            assert ask(server, "CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == b"+OK\r\n"
            assert ask(server, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)) == b"+OK\r\n"
        for server in servers[1:]:
            meet = ("CLUSTER", "MEET", servers[0].host, str(servers[0].port), str(buses[0]))
            assert ask(server, *meet) == b"+OK\r\n"
        # What is published on a node reaches those to which it is connected.
        until(
            lambda: all(
                b"cluster_state:ok" in ask(server, "CLUSTER", "INFO")
                and (known := ask(server, "CLUSTER", "NODES")).count(b" connected") == nodes + replicas
                and b"handshake" not in known
                for server in servers
            )
        )
        name = ask(servers[0], "CLUSTER", "MYID").split()[1].decode()
        for replica in servers[nodes:]:
            assert ask(replica, "CLUSTER", "REPLICATE", name) == b"+OK\r\n"
            until(lambda replica=replica: b"master_link_status:up" in ask(replica, "INFO", "replication"))
        # A primary votes for a replica that it knows as one.
        until(
            lambda: all(
                ask(server, "CLUSTER", "NODES").count(f"slave {name}".encode()) == replicas for server in servers
            )
        )
        yield servers


def cluster_url(nodes: Sequence[Server]) -> str:
    return "redis+cluster://" + ",".join(f"{node.host}:{node.port}" for node in nodes)


@contextlib.contextmanager
def sentinel(binary: ServerBinary, master: Server, name: str = "mymaster") -> Iterator[int]:
    """A Sentinel that watches a server, which may be busy for a minute: its port."""
    with tempfile.TemporaryDirectory(prefix="sentinel-") as folder:
        port, path = free_port(), Path(folder) / "sentinel.conf"
        path.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor {name} {master.host} {master.port} 1\n"
            f"sentinel down-after-milliseconds {name} 60000\nsentinel failover-timeout {name} 5000\n"
        )
        process = subprocess.Popen([binary.path, path, "--sentinel"], stdout=subprocess.DEVNULL)
        try:
            until(lambda: listens(port))
            yield port
        finally:
            process.terminate()
            process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Pair:
    """A primary and its replica, who follows when the primary is killed; and the URL for those who ask them."""

    primary: Server
    replica: Server
    url: str
    names: Iterator[str]
    """Names of things that the primary has, or would have, each another one."""
    hurry: Callable[[], Any]
    """Lets those who watch it, and were patient with a busy machine, be quick to believe that it is dead."""

    def replicate(self) -> None:
        """Until the replica knows all that the primary knows."""
        until(lambda: _offset(self.primary, b"master_repl_offset") == _offset(self.replica, b"slave_repl_offset"))

    def deafen(self) -> None:
        """From here on the replica learns nothing: it stands still, and the connection to it is cut."""
        assert self.replica.pid is not None
        os.kill(self.replica.pid, signal.SIGSTOP)
        assert ask(self.primary, "CLIENT", "KILL", "TYPE", "replica") == b":1\r\n"

    def kill(self) -> None:
        """Kill the primary, and wait until the replica has followed it."""
        assert self.primary.pid is not None
        os.kill(self.primary.pid, signal.SIGKILL)
        self.revive()
        self.hurry()
        until(self._is_promoted)

    def _is_promoted(self) -> bool:
        try:
            return b"role:master" in ask(self.replica, "INFO", "replication")
        except OSError:  # whoever is connected when it becomes a primary is cut off
            return False

    def revive(self) -> None:
        """Let the replica go on."""
        assert self.replica.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.replica.pid, signal.SIGCONT)


def _offset(server: Server, name: bytes) -> bytes | None:
    found = re.search(rb"\n%b:(\d+)" % name, ask(server, "INFO", "replication"))
    return found[1] if found else None


def _names(most: int) -> Iterator[str]:
    return (name for number in range(SLOTS) if key_slot((name := f"name {number}").encode()) < most)


@contextlib.contextmanager
def watched_pair(binary: ServerBinary) -> Iterator[Pair]:
    """A primary and its replica, watched by a Sentinel."""
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(start(binary, *AT_ONCE))
        replica = stack.enter_context(start(binary, "--replicaof", primary.host, str(primary.port)))
        until(lambda: b"master_link_status:up" in ask(replica, "INFO", "replication"))
        port = stack.enter_context(sentinel(binary, primary))
        watching = Server("sentinel", "127.0.0.1", port)
        until(lambda: b"num-slaves\r\n$1\r\n1" in ask(watching, "SENTINEL", "MASTER", "mymaster"))

        def hurry() -> None:
            ask(watching, "SENTINEL", "SET", "mymaster", "down-after-milliseconds", "500")

        pair = Pair(primary, replica, f"redis+sentinel://127.0.0.1:{port}/mymaster", _names(SLOTS), hurry)
        stack.callback(pair.revive)
        yield pair


@contextlib.contextmanager
def cluster_pair(binary: ServerBinary) -> Iterator[Pair]:
    """A primary and its replica in a cluster with two other primaries."""
    # The others go on with their slots; and a replica that stood still for a moment may follow all the same.
    options = ("--cluster-node-timeout", "60000", "--cluster-replica-validity-factor", "0", *AT_ONCE)
    with cluster(binary, *options, "--cluster-require-full-coverage", "no", replicas=1) as servers:
        primary, *others, replica = servers

        def hurry() -> None:
            for server in (*others, replica):
                ask(server, "CONFIG", "SET", "cluster-node-timeout", "1000")

        pair = Pair(primary, replica, cluster_url([primary, *others]), _names(SLOTS // 3), hurry)
        try:
            yield pair
        finally:
            pair.revive()
