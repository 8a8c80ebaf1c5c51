"""COMMAND and its subcommands: to the byte as Redis 7.0 and Valkey 9.1 answer for the commands that exist here.

The order of commands, and of subcommands in their container, is that of a hash table in Redis and so nobody's to
rely on: each is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import miniredis.commands
from conformance.servers import Server
from conformance.wire import Wire
from miniredis.engine.command import DECLARATIONS
from miniredis.engine.engine import Engine
from miniredis.engine.session import Session
from miniredis.engine.table import Command, CommandTable
from miniredis.engine.version import VERSIONS
from miniredis.resp.decoder import ReplyDecoder
from miniredis.resp.encoder import Encoder
from miniredis.resp.types import Error, Reply
from miniredis.structures.numbers import format_double_shortest

assert miniredis.commands  # imported for the declarations

PROTOCOLS = (2, 3)


def session_of(version: str) -> Session:
    return Engine(VERSIONS[version]).connect(lambda _: None)


def execute(session: Session, *request: str) -> Reply:
    return session.engine.execute(session, [word.encode() for word in request])


def raw(session: Session, protocol: int, *request: str) -> bytes:
    """Our reply as it goes out."""
    assert protocol in (2, 3)
    return Encoder(protocol, format_double_shortest).encode(execute(session, *request))


@contextmanager
def connection(server: Server, protocol: int) -> Iterator[Wire]:
    with server.connect() as wire:
        wire.call("HELLO", protocol)
        yield wire


@pytest.fixture(scope="module", params=["redis-7.0", "valkey-9.1"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each real server, called as the version that we emulate."""
    real: Server = request.getfixturevalue({"redis-7.0": "redis_server", "valkey-9.1": "valkey_server"}[request.param])
    assert real.name == request.param
    return real


def commands_of(server: Server) -> list[Command]:
    return CommandTable.for_version(VERSIONS[server.name]).all()


def decoded(raw: bytes) -> Reply:
    decoder = ReplyDecoder()
    decoder.feed(raw)
    return decoder.next()


def without_subcommands(question: str, raw: bytes) -> str:
    """What COMMAND *question* says of a container itself; its subcommands, which come last, are asked for singly."""
    reply = decoded(raw)
    if question == "INFO":
        return repr(reply[0][:-1])
    if isinstance(reply, dict):
        return repr({name: value for docs in reply.values() for name, value in docs.items() if name != b"subcommands"})
    return repr(reply[1][: reply[1].index(b"subcommands")])


def differing(server: Server, protocol: int, question: str) -> list[str]:
    """The commands for which we answer COMMAND *question* otherwise than *server*."""
    session = session_of(server.name)
    found = []
    with connection(server, protocol) as wire:
        for command in commands_of(server):
            theirs = wire.call("COMMAND", question, command.name).raw
            ours = raw(session, protocol, "COMMAND", question, command.name)
            if command.subcommands:
                is_same = without_subcommands(question, ours) == without_subcommands(question, theirs)
            else:
                is_same = ours == theirs
            if not is_same:
                found.append(command.name)
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_info_is_that_of_the_real_server(server: Server, protocol: int) -> None:
    assert differing(server, protocol, "INFO") == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_docs_are_those_of_valkey(valkey_server: Server, protocol: int) -> None:
    """Redis 7.0 words its documentation otherwise, which is not followed."""
    assert differing(valkey_server, protocol, "DOCS") == []


def test_the_commands_are_those_of_the_real_server(server: Server) -> None:
    session = session_of(server.name)
    with server.connect() as wire:
        assert execute(session, "COMMAND", "COUNT") == wire.call("COMMAND", "COUNT").value
        for request in (["LIST"], ["LIST", "FILTERBY", "PATTERN", "*"]):
            assert set(execute(session, "COMMAND", *request)) == set(wire.call("COMMAND", *request).value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "request_",
    [
        "INFO nosuch get GET",
        "INFO config| get|x | config|get|x config|nosuch",
        "DOCS nosuch get|x",
        "LIST FILTERBY MODULE json",
        "LIST FILTERBY ACLCAT nosuch",
        "LIST FILTERBY ACLCAT @string",
        "LIST FILTERBY PATTERN getr*",
        "LIST filterby pattern GETR[AB]NGE",
        "LIST FILTERBY PATTERN getr* more",
        "LIST FILTERBY WISH x",
        "LIST FILTERBY",
        "LIST getr*",
        "COUNT x",
        "HELP",
        "help x",
        "nosuch",
        "nosuch" * 50,
    ],
)
def test_answers_as_the_real_server(server: Server, protocol: int, request_: str) -> None:
    request = ("COMMAND", *request_.split())
    with connection(server, protocol) as wire:
        assert raw(session_of(server.name), protocol, *request) == wire.call(*request).raw


KEYS = [
    "GET",
    "GET a",
    "GET a b",
    "SET a",
    "SET a b",
    "SET a b GET",
    "SET a b EX 10 get",
    "MGET a b c",
    "MSET a 1 b 2",
    "MSET a 1 b",
    "LCS a b LEN",
    "PING",
    "nosuch",
    "COMMAND GETKEYS GET a",
    "COMMAND nosuch",
    "COMMAND",
    "BLPOP a b 0",
    "LMOVE a b LEFT RIGHT",
    "LMPOP 1 a LEFT",
    "BLMPOP 0 2 a b LEFT",
    "COPY a b",
    "SORT a",
    "SORT a BY b GET c STORE d STORE e",
    "SORT a STORE",
    "SORT a LIMIT STORE x",
    "SORT_RO a BY b",
    "OBJECT ENCODING a",
    "OBJECT",
    "OBJECT nosuch",
    "MIGRATE h 1 k 0 1",
    "MIGRATE h 1",
    "MIGRATE h 1 k 0 1 COPY AUTH keys KEYS a b",
    "SINTERCARD 2 a b",
    "SINTERCARD 3 a b",
    "ZUNION 0 a",
    "ZUNION 1 a",
    "ZUNION 2 a",
    "ZUNION x a",
    "ZUNIONSTORE d 2 a b",
    "ZUNIONSTORE d 3 a",
    "ZRANGESTORE a b 0 1",
    "WATCH a b",
    "PUBLISH a b",
    "SPUBLISH a b",
    "SUBSCRIBE a",
    "SSUBSCRIBE a b",
    "CLIENT LIST",
    "CLIENT",
    "MEMORY USAGE a",
    "DEBUG OBJECT a",
    "KEYS *",
    "XINFO STREAM",
    "XREAD a b c",
    "XREAD STREAMS a b",
    "XREAD STREAMS a b c",
    "XREADGROUP GROUP g c STREAMS a >",
    "EVAL script 0",
    "EVAL script 1",
    "EVAL script -1",
    "EVAL script one",
    "EVAL script 1 k a",
    "EVAL_RO script 1 k",
    "FCALL function 2 a",
    "PFCOUNT a b",
    "BITFIELD a",
    "BITFIELD a GET u8 0",
    "BITFIELD a GET u8 0 SET u8 0 1",
    "BITFIELD a GET u8",
    "BITFIELD a OVERFLOW SAT INCRBY u8 0 1",
    "GEORADIUS a 1 1 1 m",
    "GEORADIUS a 1 1 1 m STORE b",
    "GEORADIUS a 1 1 1 m STORE b STOREDIST c",
    "GEORADIUSBYMEMBER a x 1 m ASC STOREDIST b",
]


def is_known(request: str) -> bool:
    """Whether the command exists here; one that exists nowhere is a question to be asked, too."""
    name, subcommand, *_ = [*request.lower().split(), ""]
    if name not in DECLARATIONS:
        return name == "nosuch"
    subcommands = DECLARATIONS[name].subcommands
    return not subcommands or subcommand in ("", "nosuch") or f"{name}|{subcommand}" in subcommands


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("zunionstore a 1e3 b", [b"b", b"a"]),
        ("zunion 2x a b", [b"a", b"b"]),
        ("zunion +1 a", [b"a"]),
        ("zunion x a b", Error("ERR Invalid arguments specified for command")),
        ("zunion 0x1 a", Error("ERR Invalid arguments specified for command")),
        ("lmpop 3x a left", Error("ERR Invalid arguments specified for command")),
    ],
)
@pytest.mark.parametrize("version", ["redis-7.0", "valkey-9.1"])
def test_keys_are_counted_by_what_a_number_begins_with(version: str, line: str, keys: Reply) -> None:
    assert execute(session_of(version), "COMMAND", "GETKEYS", *line.split()) == keys


@pytest.mark.parametrize("question", ["GETKEYS", "GETKEYSANDFLAGS"])
@pytest.mark.parametrize("request_", [request for request in KEYS if is_known(request)])
def test_finds_the_keys_that_the_real_server_finds(server: Server, question: str, request_: str) -> None:
    session = session_of(server.name)
    with connection(server, 3) as wire:
        theirs = wire.call("COMMAND", question, *request_.split()).raw
    assert raw(session, 3, "COMMAND", question, *request_.split()) == theirs


def test_without_a_subcommand_every_command_is_described() -> None:
    session = session_of("redis-7.2")
    described = execute(session, "COMMAND")
    names = [facts[0] for facts in described]
    assert names == list(session.engine.table.commands)
    assert execute(session, "COMMAND", "INFO") == described
    assert execute(session, "COMMAND", "COUNT") == len(described)
    subcommands = [subcommand[0] for facts in described for subcommand in facts[9]]
    assert sorted(execute(session, "COMMAND", "LIST")) == sorted([*names, *subcommands])


def test_docs_of_every_command() -> None:
    session = session_of("redis-7.2")
    docs = dict(execute(session, "COMMAND", "DOCS"))
    assert set(docs) == set(session.engine.table.commands)
    assert docs[b"get"][b"summary"] == b"Returns the string value of a key."


def test_docs_repeat_what_is_asked_for_twice() -> None:
    asked = execute(session_of("redis-7.2"), "COMMAND", "DOCS", "get", "nosuch", "GET")
    assert [name for name, _ in asked] == [b"get", b"get"]


def test_redis_7_2_does_not_know_what_valkey_added() -> None:
    session = session_of("redis-7.2")
    ((_, docs),) = execute(session, "COMMAND", "DOCS", "set")
    assert b"IFEQ" not in repr(docs).encode()
    assert [since for since, _ in docs[b"history"]] == [b"2.6.12", b"6.0.0", b"6.2.0", b"7.0.0"]


def test_redis_7_2_calls_deprecated_what_valkey_does_not() -> None:
    ((_, redis),) = execute(session_of("redis-7.2"), "COMMAND", "DOCS", "getset")
    ((_, valkey),) = execute(session_of("valkey-9.1"), "COMMAND", "DOCS", "getset")
    assert redis[b"deprecated_since"] == b"6.2.0"
    assert redis[b"replaced_by"] == b"`SET` with the `!GET` argument"
    assert b"deprecated_since" not in valkey


def test_all_commands_can_be_listed_by_category_and_pattern() -> None:
    session = session_of("redis-7.2")
    listed = execute(session, "COMMAND", "LIST", "FILTERBY", "ACLCAT", "STRING")
    assert {b"get", b"set"} <= set(listed)
    assert b"command" not in listed
    assert b"command|docs" in execute(session, "COMMAND", "LIST", "FILTERBY", "PATTERN", "COMMAND|*")


def test_a_request_without_keys_is_told_so() -> None:
    reply = execute(session_of("redis-7.2"), "COMMAND", "GETKEYS", "COMMAND", "COUNT")
    assert reply == Error("ERR The command has no key arguments")
