"""AUTH, HELLO, PING, ECHO, SELECT, RESET, QUIT, and in which order a command is refused.

Every expectation was answered by Redis 7.0.15 and, where it differs, Valkey 9.1.
"""

from __future__ import annotations

import pytest

from miniredis.engine.engine import Engine
from miniredis.resp.types import OK, PONG, QUEUED, Error, Reply, SimpleString
from tests.commands.client import SYNTAX, arity
from tests.commands.peers import Peer, frozen_engine

WRONGPASS = Error("WRONGPASS invalid username-password pair or user is disabled.")
NOAUTH = Error("NOAUTH Authentication required.")
NAME_ERROR = Error("ERR Client names cannot contain spaces, newlines or special characters.")


@pytest.fixture
def engine() -> Engine:
    return frozen_engine()


@pytest.fixture
def a(engine: Engine) -> Peer:
    return Peer(engine)


@pytest.fixture
def guarded() -> Engine:
    """An engine with a password."""
    engine = frozen_engine()
    engine.config.set([(b"requirepass", b"secret")])
    return engine


def run(peer: Peer, *lines: str) -> list[Reply]:
    """What *peer* sees of *lines*."""
    peer.send(*lines)
    return peer.seen()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("PING", PONG),
        ("ping hello", b"hello"),
        ("PING ", b""),
        ("PING a b", arity("ping")),
        ("ECHO x", b"x"),
        ("ECHO", arity("echo")),
        ("SELECT 15", OK),
        ("SELECT 16", Error("ERR DB index is out of range")),
        ("SELECT -1", Error("ERR DB index is out of range")),
        ("SELECT a", Error("ERR value is not an integer or out of range")),
        (
            "SELECT 99999999999",
            Error("ERR value is out of range, value must between -2147483648 and 2147483647"),
        ),
        ("QUIT", OK),
        ("QUIT now", OK),
        ("RESET x", arity("reset")),
    ],
)
def test_simple_commands(a: Peer, line: str, reply: Reply) -> None:
    assert a(line) == reply


def test_select_is_the_connections_own(a: Peer) -> None:
    b = Peer(a.engine)
    run(a, "SELECT 5", "SET k v")
    assert b("GET k") is None
    assert run(b, "SELECT 5", "GET k") == [OK, b"v"]


def test_quit_answers_and_then_closes(a: Peer) -> None:
    assert a("QUIT") == OK
    assert a.session.closing


# HELLO


def test_hello_introduces_the_server(a: Peer) -> None:
    greeting = {
        b"server": b"redis",
        b"version": b"7.2.4",
        b"proto": 2,
        b"id": a.session.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }
    assert a("HELLO") == greeting
    assert a("HELLO 3") == greeting | {b"proto": 3}
    assert a("HELLO") == greeting | {b"proto": 3}
    assert a("HELLO 2") == greeting


def test_valkey_introduces_itself_with_its_lua_module() -> None:
    greeting = Peer(frozen_engine("valkey-9.1"))("HELLO")
    assert greeting[b"server"] == b"valkey"
    assert greeting[b"version"] == b"9.1.2"
    assert greeting[b"modules"] == [{b"name": b"lua", b"ver": 1, b"path": b"lua", b"args": []}]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("HELLO 1", "NOPROTO unsupported protocol version"),
        ("HELLO 4", "NOPROTO unsupported protocol version"),
        ("HELLO 3a", "ERR Protocol version is not an integer or out of range"),
        ("HELLO SETNAME x", "ERR Protocol version is not an integer or out of range"),
        ("HELLO 3 FOO", "ERR Syntax error in HELLO option 'FOO'"),
        ("HELLO 3 fo\0o", "ERR Syntax error in HELLO option 'fo'"),
        ("HELLO 3 setname", "ERR Syntax error in HELLO option 'setname'"),
        ("HELLO 3 AUTH default", "ERR Syntax error in HELLO option 'AUTH'"),
        ("HELLO 3 AUTH nobody x", WRONGPASS.message.decode()),
        ("HELLO 3 SETNAME a\nb", NAME_ERROR.message.decode()),
    ],
)
def test_a_hello_that_fails_changes_nothing(a: Peer, line: str, error: str) -> None:
    assert a(line) == Error(error)
    assert a.session.protocol == 2
    assert a("CLIENT GETNAME") is None


def test_hello_names_and_authenticates(guarded: Engine) -> None:
    a = Peer(guarded)
    assert a("HELLO 3 AUTH default secret SETNAME me")[b"proto"] == 3
    assert a("CLIENT GETNAME") == b"me"


def test_hello_does_not_greet_who_is_not_authenticated(guarded: Engine) -> None:
    reply = Peer(guarded)("HELLO 3")
    assert reply.message.startswith(b"NOAUTH HELLO must be called with the client already authenticated, otherwise")
    assert Peer(guarded)("HELLO 3 AUTH default wrong") == WRONGPASS


def test_hello_reads_all_its_options_before_it_obeys_one(a: Peer) -> None:
    assert a("HELLO 3 SETNAME me FOO") == Error("ERR Syntax error in HELLO option 'FOO'")
    assert a("CLIENT GETNAME") is None
    assert a("HELLO 2 AUTH nobody x FOO") == Error("ERR Syntax error in HELLO option 'FOO'")


def test_in_redis_7_0_it_obeys_each_at_once() -> None:
    a = Peer(frozen_engine("redis-7.0"))
    assert a("HELLO 3 SETNAME me FOO") == Error("ERR Syntax error in HELLO option 'FOO'")
    assert a("CLIENT GETNAME") == b"me"
    assert a("HELLO 2 AUTH nobody x FOO") == WRONGPASS


# AUTH


def test_without_a_password_any_is_right_for_the_default_user(a: Peer) -> None:
    assert a("AUTH secret") == Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your"
        " configuration is correct?"
    )
    assert a("AUTH default anything") == OK
    assert a("AUTH nobody anything") == WRONGPASS
    assert a("AUTH a b c") == SYNTAX
    assert a("AUTH") == arity("auth")


def test_nothing_but_introductions_is_heard_before_the_password(guarded: Engine) -> None:
    a = Peer(guarded)
    assert run(a, "PING", "MULTI", "SUBSCRIBE x", "CLIENT GETNAME") == [NOAUTH] * 4
    assert a("AUTH wrong") == WRONGPASS
    assert a("AUTH default wrong") == WRONGPASS
    assert a("PING") == NOAUTH
    assert a("AUTH secret") == OK
    assert a("PING") == PONG
    assert a("RESET") == SimpleString(b"RESET")
    assert a("PING") == NOAUTH
    assert a("QUIT") == OK


def test_a_mistake_is_told_before_the_password_is_asked_for(guarded: Engine) -> None:
    a = Peer(guarded)
    assert a("GET") == arity("get")
    assert a("FOO") == Error("ERR unknown command 'FOO', with args beginning with: ")
    assert a("EXEC") == Error("EXECABORT Transaction discarded because of: NOAUTH Authentication required.")


def test_who_is_connected_stays_so_when_a_password_comes_and_may_all_when_it_goes(engine: Engine) -> None:
    before = Peer(engine)
    engine.config.set([(b"requirepass", b"secret")])
    after = Peer(engine)
    assert before("PING") == PONG
    assert after("PING") == NOAUTH
    engine.config.set([(b"requirepass", b"")])
    assert after("PING") == PONG


def test_no_password_is_shown_to_a_monitor(guarded: Engine) -> None:
    monitor, a = Peer(guarded), Peer(guarded)
    run(monitor, "AUTH secret", "MONITOR")
    run(a, "AUTH secret", "AUTH default secret", "HELLO 3 AUTH default secret")
    assert b"secret" not in b"".join(monitor.seen())


# RESET


def test_reset_makes_the_connection_new(a: Peer) -> None:
    run(a, "HELLO 3 SETNAME me", "SELECT 3", "WATCH k", "CLIENT NO-TOUCH on", "CLIENT NO-EVICT on", "MULTI")
    assert a("RESET") == SimpleString(b"RESET")
    assert a("CLIENT GETNAME") is None
    session = a.session
    assert (session.protocol, session.db.number, session.watched, session.transaction) == (2, 0, {}, None)
    assert (session.no_touch, session.no_evict) == (False, False)
    assert not session.gate


def test_reset_keeps_the_library_and_in_redis_7_0_the_protection_from_eviction() -> None:
    a = Peer(frozen_engine())
    run(a, "CLIENT SETINFO LIB-NAME redis-py", "RESET")
    assert a.session.lib_name == b"redis-py"
    b = Peer(frozen_engine("redis-7.0"))
    run(b, "CLIENT NO-EVICT on", "RESET")
    assert b.session.no_evict


def test_reset_ends_monitoring(a: Peer) -> None:
    b = Peer(a.engine)
    run(a, "MONITOR", "RESET")
    b("PING")
    assert a.seen() == []
    assert a("GET k") is None


def test_reset_speaks_to_a_silent_client_but_not_when_it_is_to_be_skipped(a: Peer) -> None:
    assert run(a, "CLIENT REPLY OFF", "RESET", "PING") == [SimpleString(b"RESET"), PONG]
    assert run(a, "CLIENT REPLY SKIP", "RESET", "PING") == [PONG]


# The order of refusals


def test_unknown_commands_show_the_beginning_of_their_arguments(a: Peer) -> None:
    assert a("foo a b") == Error("ERR unknown command 'foo', with args beginning with: 'a' 'b' ")
    assert a("foo " + 200 * "x") == Error(f"ERR unknown command 'foo', with args beginning with: '{128 * 'x'}' ")
    assert a("client foo") == Error("ERR unknown subcommand 'foo'. Try CLIENT HELP.")
    assert a("client") == arity("client")


def test_every_refusal_is_counted(a: Peer, engine: Engine) -> None:
    run(a, "FOO", "GET", "CLIENT FOO", "SELECT 99", "HELLO 9", "MULTI", "EXEC x")
    assert engine.statistics.errors == {b"ERR": 4, b"NOPROTO": 1, b"EXECABORT": 1}
    counts = {state.command.name: (state.calls, state.rejected_calls, state.failed_calls)
              for state in engine.command_states()}  # fmt: skip
    assert counts["get"] == (0, 1, 0)
    assert counts["select"] == (1, 0, 1)
    assert counts["exec"] == (0, 1, 0)


def test_a_monitor_may_not_touch_the_keyspace(a: Peer) -> None:
    a("MONITOR")
    refused = Error("ERR Replica can't interact with the keyspace")
    assert run(a, "GET k", "SET k v", "PUBLISH c m", "DBSIZE k") == [refused, refused, refused, arity("dbsize")]


def test_commands_that_no_transaction_takes_break_it() -> None:
    a = Peer(frozen_engine("valkey-9.1"))
    assert run(a, "MULTI", "CLIENT REPLY OFF", "PING") == [
        OK, Error("ERR Command 'client|reply' not allowed inside a transaction"), QUEUED,
    ]  # fmt: skip
    assert a("EXEC") == Error("EXECABORT Transaction discarded because of previous errors.")
