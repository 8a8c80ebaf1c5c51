"""Faults of every kind over clients who do everything at once: each request is answered once, and nothing is left over.

A client is told one thing at a time, as its driver would have it. What it sends is answered exactly once, or its
connection ends; and when all have gone, nobody waits, watches or listens any more, and nothing stands in the way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniredis.resp.types import Push
from miniredis.testing import MiniRedis
from tests.commands.peers import Peer

LINES: Final = (
    """
GET k; SET k v; INCR n; RPUSH l a; LPOP l; BLPOP l m 1; BLMOVE l m LEFT RIGHT 0; BRPOP m 2; DEL l; WATCH k; UNWATCH
MULTI; EXEC; DISCARD; SUBSCRIBE c; UNSUBSCRIBE c; PUBLISH c x; NOSUCH; GET; EVAL return(redis.call('incr',KEYS[1])) 1 n
XADD s * a b; XREAD BLOCK 1000 STREAMS s $; WAIT 1 500; CLIENT PAUSE 300; CLIENT UNPAUSE; CLIENT SETNAME me
SET k v PX 1
""".strip()
    .replace("\n", "; ")
    .split("; ")
)

FAULTS: Final[list[Callable[[MiniRedis], Any]]] = [
    lambda server: server.faults.fail("*", "LOADING", probability=0.3),
    lambda server: server.faults.fail(["EXEC", "MULTI"], "OOM", times=1),
    lambda server: server.faults.delay("*", 0.5),
    lambda server: server.faults.delay("*", 0.5, executed=True),
    lambda server: server.faults.delay(["BLPOP", "EXEC", "XREAD"], 2, nth=2),
    lambda server: server.faults.drop("*", probability=0.2),
    lambda server: server.faults.drop(["BLPOP", "EXEC", "GET"], executed=True, times=1),
    lambda server: server.faults.cut("*", probability=0.2),
    lambda server: server.faults.dribble(),
    lambda server: server.faults.pause(),
    lambda server: server.faults.refuse_connections(),
    lambda server: server.log,
    lambda server: server.expect.round_trips(at_least=0),
    lambda server: server.lint(),
    lambda server: server.snapshot(),
]

CLIENTS: Final = st.integers(0, 3)
STEPS: Final = st.lists(
    st.one_of(
        *[st.tuples(st.just("send"), CLIENTS, st.sampled_from(LINES))] * 6,
        st.tuples(st.just("begin"), st.sampled_from(FAULTS)),
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(st.just("leave"), CLIENTS),
        st.tuples(st.just("advance"), st.sampled_from([0.1, 0.5, 1, 5])),
        st.tuples(st.just("restart"), st.booleans()),
    ),
    min_size=10,
    max_size=80,
)


class Client:
    """One of them: what it asked, and whether it has been answered."""

    def __init__(self, server: MiniRedis) -> None:
        self.peer = Peer(server.engine, protocol=3)
        self.is_waiting = False

    def send(self, line: str) -> None:
        """Ask, if it was answered before."""
        self.look()
        if not self.is_waiting and not self.has_gone():
            self.is_waiting = True
            self.peer.send(line)
            self.look()

    def look(self) -> None:
        """Take what has come. A confirmation of SUBSCRIBE is an answer, a message is not."""
        for reply in self.peer.seen():
            if isinstance(reply, Push) and reply[0] == b"message":
                continue
            assert self.is_waiting, f"nobody asked for {reply}"
            self.is_waiting = False

    def has_gone(self) -> bool:
        """Whether its connection has ended; whoever drives it ends the session then."""
        session = self.peer.session
        if session.closing or self.peer.is_closed:
            self.peer.leave()
            return True
        return False


@pytest.mark.filterwarnings("ignore::miniredis.testing.lint.LintWarning")
@settings(max_examples=300)
@given(STEPS)
def test_every_request_is_answered_once_and_nothing_is_left(steps: list[Any]) -> None:
    server = MiniRedis(seed=1)
    server.clock.freeze()
    clients = [Client(server) for _ in range(4)]
    in_force: list[contextlib.ExitStack] = []
    for action, *arguments in steps:
        if action == "send":
            number, line = arguments
            if clients[number].has_gone():
                clients[number] = Client(server)
            clients[number].send(line)
        elif action == "begin":
            in_force.append(contextlib.ExitStack())
            in_force[-1].enter_context(arguments[0](server))
        elif action == "end" and in_force:
            in_force.pop(arguments[0] % len(in_force)).close()
        elif action == "leave":
            clients[arguments[0]].peer.leave()
        elif action == "advance":
            server.clock.advance(arguments[0])
        elif action == "restart":
            server.faults.restart(keep_data=arguments[0])
        for client in clients:
            client.look()
            client.has_gone()
    for stack in in_force:
        stack.close()
    server.clock.advance(1000)
    last = Peer(server.engine)
    last("CLIENT UNPAUSE")
    server.clock.advance(1000)
    for client in clients:
        if client.peer.session.blocked is not None:  # in BLMOVE, which waits for ever
            last(f"CLIENT UNBLOCK {client.peer.session.id}")
    server.clock.advance(1000)
    for client in clients:
        client.look()
        assert not client.is_waiting or client.has_gone()
        client.peer.leave()
    last.leave()
    engine = server.engine
    assert not engine.blocked_clients.clients
    assert not any(database.waiting or database.watched for database in engine.databases)
    assert not engine.pubsub.channels
    assert not engine.sessions
    assert engine.interceptor is engine.observer is None
    assert not engine.gate
    assert not engine.observed
    assert engine.config.maxclients == 10000
    assert engine.timers.next_due() is None or not engine.databases[0].expires
