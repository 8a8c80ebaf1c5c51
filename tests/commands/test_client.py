"""The CLIENT commands. Every expectation was answered by Redis 7.0.15 and, where it differs, Valkey 9.1."""

from __future__ import annotations

import pytest

from miniredis.engine.engine import Engine
from miniredis.resp.types import NULL_ARRAY, OK, PONG, Error, Reply, SimpleString, Verbatim
from tests.commands.client import NOT_AN_INTEGER, SYNTAX, arity
from tests.commands.peers import Peer, frozen_engine

NAME_ERROR = Error("ERR Client names cannot contain spaces, newlines or special characters.")
ID_TOO_SMALL = Error("ERR client-id should be greater than 0")
UNBLOCKED = Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")


@pytest.fixture
def engine() -> Engine:
    return frozen_engine()


@pytest.fixture
def a(engine: Engine) -> Peer:
    return Peer(engine)


@pytest.fixture
def b(engine: Engine) -> Peer:
    return Peer(engine)


def run(peer: Peer, *lines: str) -> list[Reply]:
    """What *peer* sees of *lines*."""
    peer.send(*lines)
    return peer.seen()


def fields(line: bytes) -> dict[str, str]:
    """A line of CLIENT LIST."""
    return {name: value for name, _, value in (word.partition("=") for word in line.decode().split())}


def info(peer: Peer, of: Peer | None = None) -> dict[str, str]:
    """What CLIENT INFO tells *peer* of itself, or CLIENT LIST of another."""
    return fields(peer("CLIENT INFO") if of is None else peer(f"CLIENT LIST ID {of.session.id}"))


# Names


def test_a_connection_has_the_name_it_gives_itself(a: Peer, b: Peer) -> None:
    assert a("CLIENT GETNAME") is None
    assert run(a, "CLIENT SETNAME me", "CLIENT GETNAME") == [OK, b"me"]
    assert b("CLIENT GETNAME") is None
    assert run(a, "CLIENT SETNAME ", "CLIENT GETNAME") == [OK, None]


@pytest.mark.parametrize("name", ["a\nb", "é", "\x7f", "a\tb"])
def test_names_are_visible_ascii(a: Peer, name: str) -> None:
    assert a(f"CLIENT SETNAME {name}") == NAME_ERROR


def test_behind_a_nul_anything_may_stand_since_7_2(a: Peer) -> None:
    assert run(a, "CLIENT SETNAME a\0\n", "CLIENT GETNAME") == [OK, b"a\0\n"]
    assert Peer(frozen_engine("redis-7.0"))("CLIENT SETNAME a\0b") == NAME_ERROR


def test_setinfo_tells_of_the_library(a: Peer) -> None:
    assert run(a, "CLIENT SETINFO LIB-NAME redis-py", "CLIENT SETINFO lib-ver 5.0") == [OK, OK]
    assert (info(a)["lib-name"], info(a)["lib-ver"]) == ("redis-py", "5.0")
    assert a("CLIENT SETINFO Foo x") == Error("ERR Unrecognized option 'Foo'")
    assert a("CLIENT SETINFO lib-Name a\nb") == Error(
        "ERR lib-Name cannot contain spaces, newlines or special characters."
    )
    assert run(a, "CLIENT SETINFO LIB-NAME ") == [OK]
    assert info(a)["lib-name"] == ""


def test_redis_7_0_knows_nothing_of_libraries() -> None:
    a = Peer(frozen_engine("redis-7.0"))
    assert a("CLIENT SETINFO LIB-NAME x") == Error("ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.")
    assert a("CLIENT NO-TOUCH on") == Error("ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.")


@pytest.mark.parametrize(
    ("version", "first"), [("redis-7.0", 3), ("redis-7.2", 3), ("redis-8.2", 4), ("redis-8.4", 4), ("valkey-9.1", 3)]
)
def test_ids_count_the_connections_after_the_clients_that_a_server_has_of_its_own(version: str, first: int) -> None:
    engine = frozen_engine(version)
    a, b = Peer(engine), Peer(engine)
    assert (a("CLIENT ID"), b("CLIENT ID")) == (first, first + 1)
    a.leave()
    assert Peer(engine)("CLIENT ID") == first + 2


# LIST and INFO


@pytest.mark.parametrize(
    ("version", "names"),
    [
        (
            "redis-7.0",
            "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl"
            " oll omem tot-mem events cmd user redir resp",
        ),
        (
            "redis-7.2",
            "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl"
            " oll omem tot-mem events cmd user redir resp lib-name lib-ver",
        ),
        (
            "valkey-9.1",
            "id addr laddr fd name age idle flags capa db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem"
            " rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver tot-net-in tot-net-out tot-cmds",
        ),
    ],
)
def test_each_version_has_its_fields(version: str, names: str) -> None:
    assert list(info(Peer(frozen_engine(version)))) == names.split()


@pytest.mark.parametrize(("version", "size"), [("redis-7.0", 26), ("redis-7.2", 26), ("valkey-9.1", 0)])
def test_who_lists_clients_sees_its_own_request_in_its_query_buffer_up_to_redis_7(version: str, size: int) -> None:
    a = Peer(frozen_engine(version))
    other = Peer(a.engine)
    line = info(a)
    assert int(line["qbuf"]) == size
    assert int(line["qbuf"]) + int(line["qbuf-free"]) == (20474 if size else 0)
    assert info(a, of=other)["qbuf"] == "0"


def test_a_line_tells_the_state_of_a_connection(a: Peer, b: Peer) -> None:
    run(a, "CLIENT SETNAME me", "SELECT 3")
    a.session.address, a.session.local_address = "1.2.3.4:5", "6.7.8.9:10"
    a.engine.clock.advance(7)
    run(a, "GET k")
    a.engine.clock.advance(2)
    line = info(b, of=a)
    assert [line[name] for name in ("id", "addr", "laddr", "name", "age", "idle", "flags", "db", "cmd", "user")] == [
        str(a.session.id), "1.2.3.4:5", "6.7.8.9:10", "me", "9", "2", "N", "3", "get", "default",
    ]  # fmt: skip
    assert (line["multi"], line["redir"], line["resp"]) == ("-1", "-1", "2")


@pytest.mark.parametrize(
    ("lines", "flags"),
    [
        (["PING"], "N"),
        (["MULTI"], "x"),
        (["SUBSCRIBE x"], "P"),
        (["SSUBSCRIBE x"], "P"),
        (["BLPOP l 0"], "b"),
        (["MONITOR"], "O"),
        (["CLIENT NO-EVICT on", "CLIENT NO-TOUCH on"], "eT"),
        (["WATCH k", "SET k v"], "d"),
        (["WATCH k", "SET k v", "MULTI"], "xd"),
    ],
)
def test_flags(a: Peer, b: Peer, lines: list[str], flags: str) -> None:
    run(a, *lines)
    assert info(b, of=a)["flags"] == flags


def test_subscriptions_and_queued_commands_are_counted(a: Peer, b: Peer) -> None:
    run(a, "HELLO 3", "SUBSCRIBE x y", "PSUBSCRIBE p", "SSUBSCRIBE s t u", "MULTI", "SET a b", "GET a", "CLIENT INFO")
    line = info(b, of=a)
    assert [line[name] for name in ("sub", "psub", "ssub", "multi", "multi-mem", "resp")] == [
        "2", "1", "3", "3", "75", "3",
    ]  # fmt: skip


def test_the_last_command_is_told_even_if_it_was_refused(a: Peer, b: Peer) -> None:
    run(a, "GET")
    assert info(b, of=a)["cmd"] == "get"
    run(a, "NOSUCH")
    assert info(b, of=a)["cmd"] == "NULL"
    assert info(a)["cmd"] == "client|info"


def test_valkey_counts_what_is_watched_and_remembers_that_there_was_a_transaction() -> None:
    a = Peer(frozen_engine("valkey-9.1"))
    assert (info(a)["multi"], info(a)["watch"]) == ("-1", "0")
    run(a, "WATCH x y")
    assert (info(a)["multi"], info(a)["watch"]) == ("0", "2")
    run(a, "SET x 1")
    assert info(a)["watch"] == "0"


def test_list_has_a_line_for_everybody_the_oldest_first(a: Peer, b: Peer) -> None:
    reply = a("CLIENT LIST")
    assert isinstance(reply, Verbatim)
    assert [fields(line)["id"] for line in reply.splitlines()] == ["3", "4"]
    assert reply.endswith(b"\n")


def test_only_what_a_client_does_not_take_waits_to_be_written(a: Peer, b: Peer) -> None:
    a.session.output_buffer = b.session.output_buffer = lambda: 17
    line = info(a)  # as behind another command in a pipeline
    assert (line["obl"], line["events"]) == ("17", "r")
    assert info(a, b)["events"] == "r"
    b.session.awaits_writing = lambda: True
    assert info(a, b)["events"] == "rw"


def test_redis_lists_by_type_or_by_ids(a: Peer, b: Peer) -> None:
    run(b, "SUBSCRIBE x")
    assert [fields(line)["id"] for line in a("CLIENT LIST ID 4 3 99 4").splitlines()] == ["4", "3", "4"]
    assert [fields(line)["id"] for line in a("CLIENT LIST TYPE pubsub").splitlines()] == ["4"]
    assert [fields(line)["id"] for line in a("CLIENT LIST TYPE NORMAL").splitlines()] == ["3"]
    assert a("CLIENT LIST TYPE master") == Verbatim(b"")
    assert a("CLIENT LIST TYPE replica") == Verbatim(b"")
    assert a("CLIENT LIST TYPE primary") == Error("ERR Unknown client type 'primary'")
    assert a("CLIENT LIST ID x") == Error("ERR Invalid client ID")
    for mistake in ("ID", "TYPE", "FOO", "FOO x", "TYPE normal x", "USER default"):
        assert a(f"CLIENT LIST {mistake}") == SYNTAX


@pytest.mark.parametrize(("version", "left"), [("redis-7.0", "2"), ("valkey-9.1", "0")])
@pytest.mark.parametrize("breaking", ["refused", "FLUSHALL", "SWAPDB 0 1", "DEL w", "SET w 2"])
def test_what_exec_will_not_run_is_kept_or_forgotten(version: str, left: str, breaking: str) -> None:
    engine = frozen_engine(version)
    a, b = Peer(engine), Peer(engine)
    b("SET w 1")
    a("WATCH w")
    a("MULTI")
    a("SET k 1")
    a("SET k 2")
    assert info(b, a)["multi"] == "2"
    if breaking == "refused":
        a("NO SUCH COMMAND")
    else:
        b(breaking)
    assert info(b, a)["multi"] == left
    a("SET k 3")
    assert info(b, a)["multi"] == left


def test_valkey_lists_by_filters() -> None:
    engine = frozen_engine("valkey-9.1")
    a, b, c = (Peer(engine) for _ in range(3))
    names = {str(peer.session.id): name for peer, name in ((a, "a"), (b, "b"), (c, "c"))}
    b.session.address = "1.2.3.4:5"
    run(b, "CLIENT SETNAME bob", "CLIENT CAPA redirect", "SELECT 2", "MULTI")
    run(c, "CLIENT SETINFO LIB-NAME lib", "SUBSCRIBE x")
    engine.clock.advance(10)
    run(a, "PING")

    def listed(filters: str) -> str:
        reply = a(f"CLIENT LIST {filters}")
        return "".join(names[fields(line)["id"]] for line in reply.splitlines())

    assert listed("NAME bob") == "b"
    assert listed("NOT-NAME bob") == "ac"
    assert listed("LIB-NAME lib NOT-TYPE normal") == "c"
    assert listed("FLAGS xx") == "b"
    assert listed("NOT-FLAGS x") == "ac"
    assert listed("CAPA r") == "b"
    assert listed("DB 2") == "b"
    assert listed("NOT-DB 2") == "ac"
    assert listed("IP 1.2.3.4") == "b"
    assert listed("NOT-ADDR 1.2.3.4:5") == "ac"
    assert listed("IDLE 10") == "bc"
    assert listed("MAXAGE 11") == ""
    assert listed("ID 5 4 ID 3 NOT-ID 5") == "ab"
    assert listed("ID 5 ID") == "c"
    assert listed("TYPE normal ID") == ""
    assert listed("SKIPME yes") == "bc"
    assert listed("NAME ''") == ""
    assert listed("NAME bob NAME alice") == ""
    assert listed("TYPE PRIMARY") == ""


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ("ID 0", "ERR client-id should be greater than 0"),
        ("ID x", "ERR syntax error"),
        ("ID", "ERR syntax error"),
        ("SKIPME maybe", "ERR syntax error"),
        ("NOT-IDLE 3", "ERR syntax error"),
        ("FLAGS Nz", "ERR Unknown flags found in the provided filter: Nz"),
        ("CAPA z", "ERR Unknown capa found in the provided filter: z"),
        ("DB x", "ERR DB is not an integer or out of range"),
        ("NOT-DB x", "ERR NOT-DB is not an integer or out of range"),
        ("DB 16", "ERR DB number should be between 0 and 15"),
        ("MAXAGE 0", "ERR maxage should be greater than 0"),
        ("IDLE x", "ERR idle is not an integer or out of range"),
        ("USER nobody", "ERR No such user 'nobody'"),
        ("NOT-TYPE foo", "ERR Unknown client type 'foo'"),
    ],
)
def test_valkeys_mistakes_in_filters(filters: str, error: str) -> None:
    a = Peer(frozen_engine("valkey-9.1"))
    assert a(f"CLIENT LIST {filters}") == Error(error)
    assert a(f"CLIENT KILL TYPE normal {filters}") == (0 if filters == "ID" else Error(error))


# KILL


def test_kill_by_address_closes_one_or_says_so(a: Peer, b: Peer) -> None:
    b.session.address = "1.2.3.4:5"
    assert a("CLIENT KILL 1.2.3.4:6") == Error("ERR No such client")
    assert a("CLIENT KILL 1.2.3.4:5") == OK
    assert b.is_closed
    assert a("CLIENT KILL 1.2.3.4:5") == Error("ERR No such client")


def test_kill_by_filters_counts(a: Peer, b: Peer) -> None:
    c = Peer(a.engine)
    run(c, "SUBSCRIBE x")
    assert a("CLIENT KILL ID 4 TYPE pubsub") == 0
    assert a("CLIENT KILL TYPE pubsub") == 1
    assert a("CLIENT KILL USER default SKIPME yes") == 1
    assert (b.is_closed, c.is_closed, a.session.closing) == (True, True, False)


def test_the_caller_is_spared_unless_it_says_otherwise(a: Peer) -> None:
    assert a("CLIENT KILL ID 3") == 0
    assert a("CLIENT KILL ID 3 SKIPME no") == 1
    assert a.session.closing


def test_who_kills_himself_by_address_gets_the_reply_first(a: Peer) -> None:
    a.session.address = "1.2.3.4:5"
    assert a("CLIENT KILL 1.2.3.4:5") == OK
    assert a.session.closing
    assert not a.is_closed


def test_a_killed_client_gives_back_all_it_held(a: Peer, b: Peer) -> None:
    run(b, "WATCH k", "BLPOP l 0")
    assert a("CLIENT KILL ID 4") == 1
    assert a("RPUSH l x") == 1
    assert a("LLEN l") == 1
    assert not a.engine.databases[0].watched


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("", arity("client|kill")),
        ("ID 0", ID_TOO_SMALL),
        ("ID -1", ID_TOO_SMALL),
        ("ID abc", ID_TOO_SMALL),
        ("ID 1 ID", SYNTAX),
        ("ID 99 98", SYNTAX),
        ("TYPE foo", Error("ERR Unknown client type 'foo'")),
        ("TYPE primary", Error("ERR Unknown client type 'primary'")),
        ("USER nobody", Error("ERR No such user 'nobody'")),
        ("SKIPME maybe", SYNTAX),
        ("MAXAGE 5", SYNTAX),
        ("FOO bar", SYNTAX),
    ],
)
def test_redis_mistakes_in_kill(a: Peer, arguments: str, error: Error) -> None:
    assert a(f"CLIENT KILL {arguments}".rstrip()) == error


# REPLY


def test_replies_can_be_switched_off_and_on(a: Peer) -> None:
    assert run(a, "CLIENT REPLY OFF", "PING", "NOSUCH", "CLIENT REPLY ON", "PING") == [OK, PONG]
    assert a("CLIENT REPLY FOO") == SYNTAX


def test_one_reply_can_be_skipped(a: Peer) -> None:
    assert run(a, "CLIENT REPLY SKIP", "ECHO 1", "ECHO 2") == [b"2"]
    assert run(a, "CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "ECHO 1", "ECHO 2") == [b"2"]
    assert run(a, "CLIENT REPLY SKIP", "CLIENT REPLY ON") == [OK]
    assert run(a, "CLIENT REPLY OFF", "CLIENT REPLY SKIP", "ECHO 1", "ECHO 2", "CLIENT REPLY ON") == [OK]


def test_a_silent_client_that_blocks_gets_nothing_in_the_end(a: Peer, b: Peer) -> None:
    run(a, "CLIENT REPLY SKIP", "BLPOP l 0")
    b("RPUSH l x")
    assert run(a, "PING") == [PONG]


# PAUSE


def test_a_pause_holds_writes_back_and_runs_them_in_order(a: Peer, b: Peer, engine: Engine) -> None:
    c = Peer(engine)
    assert a("CLIENT PAUSE 1000 WRITE") == OK
    assert run(b, "GET k", "APPEND k b") == [None]
    assert run(c, "APPEND k c") == []
    engine.clock.advance(0.999)
    assert (b.seen(), c.seen()) == ([], [])
    engine.clock.advance(0.001)
    assert (b.seen(), c.seen()) == ([1], [2])
    assert a("GET k") == b"bc"


@pytest.mark.parametrize("line", ["SET k v", "PUBLISH c m", "SPUBLISH c m", "FLUSHALL", "BLPOP l 0"])
def test_what_a_pause_of_writes_holds(a: Peer, b: Peer, line: str) -> None:
    a("CLIENT PAUSE 1000 WRITE")
    assert run(b, line) == []
    assert info(a, of=b)["flags"] == "b"


@pytest.mark.parametrize("line", ["GET k", "PING", "SUBSCRIBE c", "MULTI", "CLIENT UNPAUSE", "CONFIG GET maxmemory"])
def test_what_it_lets_pass(a: Peer, b: Peer, line: str) -> None:
    a("CLIENT PAUSE 1000 WRITE")
    assert len(run(b, line)) == 1


@pytest.mark.parametrize("line", ["GET k", "PING", "MULTI", "CLIENT UNPAUSE", "QUIT"])
def test_a_pause_of_all_holds_everything_that_is_no_mistake(a: Peer, b: Peer, line: str) -> None:
    a("CLIENT PAUSE 1000")
    assert run(b, "NOSUCH", "GET") == [
        Error("ERR unknown command 'NOSUCH', with args beginning with: "), arity("get"),
    ]  # fmt: skip
    assert run(b, line) == []


def test_exec_waits_if_the_transaction_writes(a: Peer, b: Peer, engine: Engine) -> None:
    c = Peer(engine)
    run(b, "MULTI", "SET k v")
    run(c, "MULTI", "GET k")
    a("CLIENT PAUSE 1000 WRITE")
    assert run(c, "EXEC") == [[None]]
    assert run(b, "EXEC") == []
    engine.clock.advance(1)
    assert b.seen() == [[OK]]


def test_a_pause_is_neither_shortened_nor_weakened(a: Peer, b: Peer, engine: Engine) -> None:
    run(a, "CLIENT PAUSE 1000 WRITE", "CLIENT PAUSE 10 ALL")
    assert run(b, "GET k") == []
    engine.clock.advance(0.5)
    assert b.seen() == []
    engine.clock.advance(0.5)
    assert b.seen() == [None]


def test_unpause_ends_it_but_runs_nothing_in_the_middle_of_a_transaction(a: Peer, b: Peer, engine: Engine) -> None:
    a("CLIENT PAUSE 1000 WRITE")
    run(b, "SET k v")
    assert run(a, "MULTI", "CLIENT UNPAUSE", "GET k", "EXEC")[-1] == [OK, None]
    engine.run_due()
    assert b.seen() == [OK]
    assert a("CLIENT UNPAUSE") == OK


def test_a_held_command_of_who_leaves_never_runs(a: Peer, b: Peer, engine: Engine) -> None:
    a("CLIENT PAUSE 1000 WRITE")
    run(b, "SET k v")
    b.leave()
    engine.clock.advance(1)
    assert a("GET k") is None


def test_keys_are_not_removed_in_a_pause_though_nobody_sees_them(a: Peer, engine: Engine) -> None:
    run(a, "SET k v PX 10", "CLIENT PAUSE 1000 WRITE")
    engine.clock.advance(0.5)
    assert engine.statistics.expired_keys == 0
    engine.clock.advance(0.6)
    assert engine.statistics.expired_keys == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("", arity("client|pause")),
        ("abc", Error("ERR timeout is not an integer or out of range")),
        ("-1", Error("ERR timeout is negative")),
        ("9223372036854775807", Error("ERR timeout is out of range")),
        ("x FOO", Error("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        ("1 WRITE x", Error("ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.")),
    ],
)
def test_mistakes_in_pause(a: Peer, arguments: str, error: Error) -> None:
    assert a(f"CLIENT PAUSE {arguments}".rstrip()) == error


def test_a_pause_too_long_for_redis_7_0_is_none() -> None:
    a = Peer(frozen_engine("redis-7.0"))
    assert run(a, "CLIENT PAUSE 9223372036854775807", "CLIENT PAUSE 0", "PING") == [OK, OK, PONG]


# UNBLOCK


def test_unblock_ends_a_wait_like_a_timeout_or_with_an_error(a: Peer, b: Peer) -> None:
    run(b, "BLPOP l 0")
    assert a("CLIENT UNBLOCK 4") == 1
    assert b.seen() == [NULL_ARRAY]
    run(b, "BLMOVE l m LEFT LEFT 0")
    assert a("CLIENT UNBLOCK 4 timeout") == 1
    assert b.seen() == [NULL_ARRAY]
    run(b, "BLPOP l 0")
    assert a("CLIENT UNBLOCK 4 ERROR") == 1
    assert b.seen() == [UNBLOCKED]
    assert a("CLIENT UNBLOCK 4") == 0
    assert run(b, "PING") == [PONG]


def test_who_is_only_held_back_by_a_pause_is_not_unblocked(a: Peer, b: Peer, engine: Engine) -> None:
    a("CLIENT PAUSE 1000 WRITE")
    run(b, "SET k v")
    assert a("CLIENT UNBLOCK 4 ERROR") == 0
    engine.clock.advance(1)
    assert b.seen() == [OK]


def test_mistakes_in_unblock(a: Peer) -> None:
    assert a("CLIENT UNBLOCK 99") == 0
    assert a("CLIENT UNBLOCK x") == NOT_AN_INTEGER
    assert a("CLIENT UNBLOCK x FOO") == Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    assert a("client unblock 3 ERROR x") == Error(
        "ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP."
    )


# Everything else


def test_no_touch_leaves_access_times_alone(a: Peer, engine: Engine) -> None:
    run(a, "SET k v", "CLIENT NO-TOUCH on")
    engine.clock.advance(100)
    run(a, "GET k", "CLIENT NO-TOUCH off")
    assert a("OBJECT IDLETIME k") == 100
    assert a("CLIENT NO-TOUCH foo") == SYNTAX


@pytest.mark.parametrize(("version", "lines"), [("redis-7.0", 48), ("redis-7.2", 54), ("valkey-9.1", 110)])
def test_help(version: str, lines: int) -> None:
    reply = Peer(frozen_engine(version))("CLIENT HELP")
    assert reply[0] == SimpleString(b"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
    assert len(reply) == lines


def test_valkeys_own_subcommands() -> None:
    a = Peer(frozen_engine("valkey-9.1"))
    assert run(a, "CLIENT CAPA foo bar", "CLIENT CAPA foo redirect") == [OK, OK]
    assert info(a)["capa"] == "r"
    assert a("CLIENT IMPORT-SOURCE on") == Error("ERR Server is not in import mode")
    assert Peer(frozen_engine())("CLIENT CAPA redirect") == Error("ERR unknown subcommand 'CAPA'. Try CLIENT HELP.")
