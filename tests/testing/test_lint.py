"""The lint finds what it is meant to find, says it once, and leaves in peace what is right."""

from __future__ import annotations

import warnings

import pytest

from miniredis.testing import MiniRedis
from miniredis.testing.lint import LintOptions, LintWarning
from tests.commands.peers import Peer

MANY = {f"m{number}" for number in range(20)}


def lint(*lines: str, **options: object) -> list[str]:
    """What the lint finds in *lines*: rule and sentence."""
    server = MiniRedis()
    server.load({"few": ["a"], "list": sorted(MANY), "set": MANY, "hash": dict.fromkeys(MANY, "x"), "n": 1})
    server.load({"zset{a}": ["b"], "one": {"a"}})
    peer = Peer(server.engine)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        settings: LintOptions = {"large": 10, **options}  # type: ignore[typeddict-item]
        with server.lint(**settings) as findings:
            for line in lines:
                peer.send(line)
    assert [str(warning.message) for warning in caught] == [str(finding) for finding in findings]
    return [f"{finding.rule}: {finding.message}" for finding in findings]


# KEYS


def test_keys() -> None:
    assert lint("KEYS *") == ["keys: KEYS goes through all 7 keys while everybody waits; SCAN goes step by step"]
    assert lint("SCAN 0") == []
    assert len(lint("EVAL return(redis.call('keys','*')) 0")) == 1
    assert len(lint("MULTI", "KEYS *", "EXEC")) == 1
    assert lint("MULTI", "KEYS *", "DISCARD") == []


# Commands that are slow on large keys


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("SMEMBERS set", 'SMEMBERS goes through "set", which has 20 elements'),
        ("HGETALL hash", 'HGETALL goes through "hash", which has 20 elements'),
        ("LREM list 0 x", 'LREM goes through "list", which has 20 elements'),
        ("SUNION one set", 'SUNION goes through "set", which has 20 elements'),
        ("SORT list ALPHA", 'SORT goes through "list", which has 20 elements'),
        ("LRANGE list 0 -1", "LRANGE answers with 20 elements at once"),
    ],
)
def test_slow_commands_on_large_keys(line: str, sentence: str) -> None:
    assert f"slow-command: {sentence}" in lint(line, ignore=["cross-slot"])
    assert lint(line, large=20, ignore=["cross-slot"]) == []


@pytest.mark.parametrize("line", ["SMEMBERS set", "LRANGE list 0 -1", "ZRANGE z 0 -1"])
def test_the_same_in_transactions_and_scripts(line: str) -> None:
    z = "ZADD z " + " ".join(f"{number} {number}" for number in range(20))
    name, key, *rest = line.split()
    called = ",".join(f"'{word}'" for word in [name, key, *rest])
    (sentence,) = lint(z, line)
    assert lint(z, "MULTI", line, "EXEC") == [sentence]
    assert lint(z, "MULTI", line, "DISCARD") == []
    assert lint(z, f"EVAL return(#redis.call({called})) 0", ignore=["undeclared-key"]) == [sentence]


def test_the_same_commands_on_small_keys_and_others_on_large_ones() -> None:
    assert lint("SMEMBERS one", "LRANGE list 0 3", "SISMEMBER set a", "LPUSH list a", "SSCAN set 0", "GET n") == []


# Keys without an end


def test_keys_that_should_end() -> None:
    assert lint("SET cache:1 x", needs_ttl="cache:*") == ['no-ttl: "cache:1" has no time to live']
    assert lint("SET session:1 x", needs_ttl=["cache:*", b"session:*"]) == ['no-ttl: "session:1" has no time to live']
    assert lint("SET cache:1 x EX 10", "SET other x", "GET cache:2", needs_ttl="cache:*") == []
    assert len(lint("SET cache:1 x EX 10", "SET cache:1 x", needs_ttl="cache:*")) == 1
    assert lint("SET cache:1 x") == []
    assert lint("GET n", needs_ttl="n") == []


def test_a_transaction_or_script_is_looked_at_when_it_has_ended() -> None:
    assert lint("MULTI", "INCR cache:1", "EXPIRE cache:1 10", "EXEC", needs_ttl="cache:*") == []
    assert lint("MULTI", "SET n x EX 10", "EXEC", needs_ttl="n") == []
    assert len(lint("MULTI", "INCR cache:1", "EXEC", needs_ttl="cache:*")) == 1
    script = "EVAL redis.call('incr',KEYS[1]){} 1 cache:1"
    assert lint(script.format(";redis.call('expire',KEYS[1],9)"), needs_ttl="cache:*") == []
    assert len(lint(script.format(""), needs_ttl="cache:*")) == 1


def test_a_key_that_is_gone_needs_no_end() -> None:
    assert lint("SET cache:1 x EX 10", "DEL cache:1", needs_ttl="cache:*") == []


# Reading, then writing


def test_get_then_set() -> None:
    found = lint("GET n", "SET n 2")
    assert len(found) == 1
    assert found[0].startswith('read-then-write: "n" was read, and now is set without WATCH')
    assert len(lint("MGET n", "MSET n 2")) == 1
    assert len(lint("GET n", "MULTI", "SET n 2", "EXEC")) == 1
    assert len(lint("MULTI", "GET n", "EXEC", "SET n 2")) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ["WATCH n", "GET n", "MULTI", "SET n 2", "EXEC"],
        ["GET n", "INCR n"],
        ["GET nothing", "SET nothing 1"],
        ["MGET nothing", "SET nothing 1"],
        ["GET list", "SET list 1"],
        ["MULTI", "GET n", "DISCARD", "SET n 2"],
        ["WATCH n", "GET n", "MULTI", "SET n 2", "EXEC", "SET n 3"],
        ["GET n", "SET n 1 NX"],
        ["SET n 2"],
        ["MULTI", "GET n", "SET n 2", "EXEC", "SET n 3"],
        ["MULTI", "GET n", "INCR n", "EXEC", "SET n 3"],
        ["MULTI", "GET nothing", "EXEC", "SET nothing 1"],
        ["EVAL return(redis.call('get',KEYS[1])) 1 n", "EVAL redis.call('set',KEYS[1],1) 1 n"],
        ["GET n", "SELECT 1", "SET n 2"],
        ["EVAL redis.call('get',KEYS[1]);redis.call('set',KEYS[1],1) 1 n"],
        ["GET n", "SET other 1"],
    ],
)
def test_what_is_no_lost_update(lines: list[str]) -> None:
    assert lint(*lines) == []


# Clusters


def test_keys_of_several_slots() -> None:
    assert lint("MGET a b") == ['cross-slot: MGET has keys of several slots, such as "a" and "b": a cluster refuses it']
    assert lint("MGET {x}a {x}b", "GET a", "GET b", "PING") == []
    assert len(lint("EVAL return(1) 2 a b")) == 1
    assert len(lint("RENAME a b")) == 1


def test_a_transaction_over_several_slots() -> None:
    assert lint("MULTI", "SET a 1", "SET b 1", "EXEC") == [
        'cross-slot: a transaction has keys of several slots, such as "a" and "b": a cluster refuses it'
    ]
    assert lint("MULTI", "SET {x}a 1", "SET {x}b 1", "EXEC") == []
    assert lint("MULTI", "SET a 1", "EXEC", "MULTI", "SET b 1", "EXEC") == []
    assert lint("MULTI", "SET a 1", "DISCARD", "MULTI", "SET b 1", "EXEC") == []


# Scripts


def test_keys_that_a_script_does_not_declare() -> None:
    assert lint("EVAL return(redis.call('get','n')) 0") == [
        'undeclared-key: the script touches "n" (GET), which is not among its KEYS'
    ]
    assert lint("EVAL return(redis.call('get',KEYS[1])) 1 n") == []
    assert len(lint("MULTI", "EVAL return(redis.call('get','n')) 0", "EXEC")) == 1
    assert lint("MULTI", "EVAL return(redis.call('get',KEYS[1])) 1 n", "GET few", "EXEC", ignore=["cross-slot"]) == []


# The lint as a whole


def test_a_finding_shows_the_call_and_is_made_once() -> None:
    server = MiniRedis()
    peer = Peer(server.engine)
    with pytest.warns(LintWarning, match="keys: KEYS goes through") as caught, server.lint() as findings:
        peer.send("KEYS *", "KEYS *")
    assert len(caught) == len(findings) == 1
    assert "\n    " in str(findings[0])
    assert 'KEYS "*" -> []' in str(findings[0])
    assert findings[0].call.name == "keys"


def test_strictly_a_finding_is_an_error() -> None:
    server = MiniRedis()
    peer = Peer(server.engine)
    with pytest.raises(AssertionError, match="keys: KEYS goes through"), server.lint(strict=True):
        peer("KEYS *")
    with server.lint(strict=True):
        peer("PING")
    assert server.engine.interceptor is server.engine.observer is None


def test_rules_can_be_left_out() -> None:
    assert lint("KEYS *", "MGET a b", ignore=["keys", "cross-slot"]) == []
    with pytest.raises(ValueError, match="no such rules: nosuch; there are: keys, slow-command, "):
        MiniRedis().lint(ignore=["nosuch"])


def test_the_error_of_the_block_comes_first() -> None:
    server = MiniRedis()
    peer = Peer(server.engine)
    with pytest.raises(ZeroDivisionError), server.lint(strict=True):
        raise ZeroDivisionError(peer("KEYS *"))
