"""A server that follows another says so, and answers as a real one: it only reads, and hides what has expired."""

from __future__ import annotations

import re
from typing import Final

import pytest

from conformance.servers import REFERENCES, find_server, start, start_miniredis
from conformance.wire import Wire
from tests.requirements import missing

NOWHERE: Final = "127.0.0.1 1"
"""Where no master is."""

SCENARIOS: Final[dict[str, list[str]]] = {
    "a replica of nobody who is there": [
        f"REPLICAOF {NOWHERE}", f"REPLICAOF {NOWHERE}", "ROLE", "SET a 1", "GET a", "PUBLISH a b", "SYNC", "PSYNC ? -1",
        "WAIT 0 0", "FAILOVER", "INFO replication", "CONFIG GET replicaof", "REPLICAOF NO ONE", "ROLE", "SET a 1",
        "INFO replication", "REPLICAOF no one", "INFO replication",
    ],
    "stale data": [
        "SET a 1", "CONFIG SET replica-serve-stale-data no", "GET a", f"REPLICAOF {NOWHERE}", "GET a", "PING",
        "INFO cpux",
        "MULTI", "GET a", "EXEC", "CONFIG SET replica-serve-stale-data yes", "GET a", "CONFIG SET replica-read-only no",
        "SET a 2", "GET a", "REPLICAOF NO ONE",
    ],
    "transactions": [
        "MULTI", "SET a 1", f"REPLICAOF {NOWHERE}", "SET a 2", "EXEC", "GET a", "MULTI", "GET a", "EXEC", "MULTI",
        "SET a 3",
        "EXEC", "REPLICAOF NO ONE",
    ],
    "keys that have expired": [
        "DEBUG SET-ACTIVE-EXPIRE 0", "SET a 1 PX 1", "SET b 1", "DEBUG SLEEP 0.01", f"REPLICAOF {NOWHERE}", "GET a",
        "TTL a",
        "EXISTS a b", "DBSIZE", "KEYS *", "TYPE a", "RANDOMKEY", "REPLICAOF NO ONE", "DBSIZE", "GET a", "DBSIZE",
    ],
    "clients that follow to the master": [
        "CLIENT CAPA redirect", "SET a 1", f"REPLICAOF {NOWHERE}", "GET a", "SET a 2", "PING", "DBSIZE", "READONLY",
        "GET a", "SET a 2", "EVAL_RO return 0", "READWRITE", "GET a", "EVAL_RO return 0", "EVAL return 0",
        "CLUSTERSCAN 0", "CLUSTER FLUSHSLOT 0", "CLUSTER KEYSLOT a", "ASKING", "MULTI", "PING", "GET a", "EXEC",
        "CONFIG SET replica-serve-stale-data no", "GET a", "READONLY", "GET a", "ASKING", "CLUSTER INFO",
        "CLUSTERSCAN 0", "RESET", "GET a", "INFO errorstats", "REPLICAOF NO ONE", "GET a", "SET a 2",
    ],
    "replicas that are wanted": [
        "CONFIG SET min-replicas-to-write 1", "SET a 1", "GET a", "MULTI", "SET a 1", "EXEC", "PUBLISH a b",
        "INFO replication", "CONFIG SET min-replicas-max-lag 0", "SET a 1", "INFO replication",
    ],
    "what a replica says of itself": [
        "REPLCONF listening-port 1", "REPLCONF listening-port x", "REPLCONF capa eof capa psync2 capa other",
        "REPLCONF ip-address host", "REPLCONF rdb-only 1", "REPLCONF rdb-only 2", "REPLCONF", "REPLCONF a",
        "REPLCONF a b", "INFO replication", "ROLE",
    ],
}  # fmt: skip

AN_ID: Final = re.compile(rb"[0-9a-f]{40}")
NO_ID: Final = b"0" * 40


def ask(wire: Wire, commands: list[str]) -> list[bytes]:
    """What is answered, names of streams replaced by ``ID``."""
    replies = [wire.call(*command.split()).raw for command in commands]
    return [AN_ID.sub(lambda found: NO_ID if found[0] == NO_ID else b"ID", reply) for reply in replies]


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("commands", SCENARIOS.values(), ids=SCENARIOS)
def test_a_server_answers_as_a_real_one_in_its_role(name: str, commands: list[str]) -> None:
    binary = find_server(name)
    if binary is None:
        missing(name)
    with start(binary) as reference, reference.connect() as wire:
        expected = ask(wire, commands)
    with start_miniredis(emulate=name) as target, target.connect() as wire:
        assert dict(enumerate(zip(commands, ask(wire, commands), strict=True))) == dict(
            enumerate(zip(commands, expected, strict=True))
        )
