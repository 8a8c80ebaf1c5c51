"""A Redis Cluster and a Sentinel, of real servers on loopback, for the length of a ``with`` block."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.servers import Server, ServerBinary, start

SLOTS = 16384
DEADLINE = 30.0


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


@contextlib.contextmanager
def cluster(binary: ServerBinary, nodes: int = 3) -> Iterator[list[Server]]:
    """A cluster of so many primaries, which share the slots."""
    with contextlib.ExitStack() as stack:
        # The port between nodes is by default 10,000 above the other, where there may be none.
        buses = [free_port() for _ in range(nodes)]
        servers = [
            stack.enter_context(start(binary, "--cluster-enabled", "yes", "--cluster-port", str(bus))) for bus in buses
        ]
        for number, server in enumerate(servers):
            first, last = number * SLOTS // nodes, (number + 1) * SLOTS // nodes - 1
            assert ask(server, "CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == b"+OK\r\n"
            assert ask(server, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)) == b"+OK\r\n"
        for server in servers[1:]:
            meet = ("CLUSTER", "MEET", servers[0].host, str(servers[0].port), str(buses[0]))
            assert ask(server, *meet) == b"+OK\r\n"
        until(
            lambda: all(
                b"cluster_state:ok" in (info := ask(server, "CLUSTER", "INFO"))
                and f"cluster_known_nodes:{nodes}".encode() in info
                for server in servers
            )
        )
        yield servers


@contextlib.contextmanager
def sentinel(binary: ServerBinary, master: Server, name: str = "mymaster") -> Iterator[int]:
    """A Sentinel that watches a server: its port."""
    with tempfile.TemporaryDirectory(prefix="sentinel-") as folder:
        port, path = free_port(), Path(folder) / "sentinel.conf"
        path.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor {name} {master.host} {master.port} 1\n"
            f"sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 5000\n"
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
