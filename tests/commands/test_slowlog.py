"""What the slow log shows: commands as they were sent, without their secrets, once they have ended."""

from __future__ import annotations

import pytest

from miniredis.resp.types import Reply
from tests.commands.client import Client

VERSIONS = ["redis-7.0", "redis-7.2", "valkey-9.1"]


def logged(client: Client) -> list[list[bytes]]:
    """The commands in the slow log, newest first."""
    return [entry[3] for entry in client("SLOWLOG GET")]


@pytest.fixture(params=VERSIONS)
def client(request: pytest.FixtureRequest) -> Client:
    client = Client(request.param)
    client("CONFIG SET slowlog-log-slower-than 0")
    client("SLOWLOG RESET")
    return client


class Waiting:
    """Another client, that waits for the list ``l``."""

    def __init__(self, client: Client, line: str) -> None:
        self.replies: list[Reply] = []
        self.session = client.engine.connect(self.replies.append)
        blocked = client.engine.execute(self.session, line.encode().split())
        blocked.on_done = self.replies.append


def test_a_command_that_waits_is_logged_when_it_is_served(client: Client) -> None:
    Waiting(client, "BLPOP l 0")
    assert [b"BLPOP", b"l", b"0"] not in logged(client)
    client("LPUSH l x")
    assert logged(client).count([b"BLPOP", b"l", b"0"]) == 1


@pytest.mark.parametrize("end", ["TIMEOUT", "ERROR"])
def test_a_command_that_waits_in_vain_is_logged_since_7_2(client: Client, end: str) -> None:
    waiting = Waiting(client, "BLPOP l 0")
    client(f"CLIENT UNBLOCK {waiting.session.id} {end}")
    is_logged = [b"BLPOP", b"l", b"0"] in logged(client)
    assert is_logged == (client.engine.version.redis >= (7, 2))


def test_the_time_spent_waiting_does_not_make_a_command_slow(client: Client) -> None:
    client("CONFIG SET slowlog-log-slower-than 1000000")
    client.engine.clock.freeze()
    Waiting(client, "BLPOP l 0")
    client.engine.clock.advance(5)
    client("LPUSH l x")
    assert [b"BLPOP", b"l", b"0"] not in logged(client)


def test_latency_percentiles_count_a_command_that_waited_when_it_has_ended(client: Client) -> None:
    Waiting(client, "BLPOP l 0")
    assert b"blpop" not in bytes(client("INFO latencystats"))
    client("LPUSH l x")
    assert b"latency_percentiles_usec_blpop" in bytes(client("INFO latencystats"))


def test_credentials_for_another_server_are_redacted(client: Client) -> None:
    client("MIGRATE 127.0.0.1 1 k 9 5000 AUTH secret")
    client("MIGRATE 127.0.0.1 1 k 9 5000 AUTH2 user secret")
    with_name, alone = logged(client)[:2]
    assert with_name[-3:] == [b"AUTH2", b"(redacted)", b"(redacted)"]
    assert alone[-2:] == [b"AUTH", b"(redacted)"]


def test_a_server_that_sleeps_is_slow_once(client: Client) -> None:
    client.engine.config.enable_debug_command = "yes"
    client("CONFIG SET latency-monitor-threshold 10")
    client("CONFIG RESETSTAT")
    client.engine.clock.freeze()
    client("DEBUG SLEEP 0.05")
    client.engine.clock.advance(1)
    assert logged(client).count([b"DEBUG", b"SLEEP", b"0.05"]) == 1
    percentiles = bytes(client("INFO latencystats")).partition(b"latency_percentiles_usec_debug:p50=")[2]
    assert 32768 <= float(percentiles.partition(b",")[0]) <= 67109
    assert client("LATENCY LATEST")[0][0] == b"command"
