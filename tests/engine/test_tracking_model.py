"""Who is told that keys are invalid, and who is not, whatever several clients do in any order.

The model is what the documentation of CLIENT TRACKING says, without a table: each client has the set of keys that it
has read since it was last told of them. A client that broadcasts has prefixes. Everything that reaches anybody is
compared, after each step, and so are the figures of INFO.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from miniredis.resp.types import OK, InProtocol, Push, Reply
from tests.commands.peers import Peer, frozen_engine

KEYS = st.sampled_from([b"a", b"ab", b"b", b"c"])
PREFIXES = st.sampled_from([(), (b"a",), (b"ab", b"b"), (b"",), (b"c",)])
CLIENTS = 4
CHANNEL = b"__redis__:invalidate"


@dataclass(eq=False)
class Client:
    """What the model knows of one client."""

    peer: Peer
    protocol: int
    tracks: bool = False
    broadcasts: bool = False
    no_loop: bool = False
    opt_in: bool = False
    opt_out: bool = False
    caching: bool = False
    is_subscribed: bool = False
    redirect: Client | None = None
    is_gone: bool = False
    prefixes: set[bytes] = field(default_factory=set)
    read: set[bytes] = field(default_factory=set)
    """Keys that it is remembered to have read, be it told of them or not."""


class ClientSideCaching(RuleBasedStateMachine):
    """Clients that track, read, change, and leave."""

    @initialize(version=st.sampled_from(["redis-7.0", "redis-7.2", "valkey-9.1"]))
    def start(self, version: str) -> None:
        self.engine = frozen_engine(version)
        self.clients = [self.new_client(3) for _ in range(CLIENTS)]
        self.listener = self.new_listener()
        self.gone: list[Client] = []
        self.expected: list[tuple[Client, Push]] = []
        self.ends: dict[bytes, int] = {}
        self.milliseconds = 0

    def new_client(self, protocol: int) -> Client:
        return Client(Peer(self.engine, protocol), protocol)

    def new_listener(self) -> Client:
        """A client that does nothing but listen in RESP2, for others."""
        listener = self.new_client(2)
        listener.is_subscribed = True
        listener.peer.send("SUBSCRIBE __redis__:invalidate")
        listener.peer.seen()
        return listener

    # What the model expects

    def tell(self, client: Client, keys: list[bytes] | None) -> None:
        target = client.redirect or client
        if target.is_gone:
            if client.protocol == 3:
                self.expected.append((client, Push([b"tracking-redir-broken", target.peer.session.id])))
            return
        # Redis writes a null as the client would have it that tracks, and not as the one that is told.
        what = InProtocol(client.protocol, None) if keys is None and client.protocol != target.protocol else keys
        if target.protocol == 3:
            self.expected.append((target, Push([b"invalidate", what])))
        elif client.redirect is not None and target.is_subscribed:
            self.expected.append((target, Push([b"message", CHANNEL, what])))

    def key_changes(self, keys: list[bytes], author: Client | None) -> None:
        for key in keys:
            for client in [*self.clients, *self.gone]:
                if key in client.read:
                    client.read.discard(key)
                    if client.tracks and not client.broadcasts and not (client is author and client.no_loop):
                        self.tell(client, [key])
        for prefix in sorted({prefix for client in self.clients for prefix in client.prefixes}):
            matching = sorted(key for key in set(keys) if key.startswith(prefix))
            for client in self.clients:
                if matching and prefix in client.prefixes and not (client is author and client.no_loop):
                    self.tell(client, matching)

    def run(self, client: Client, *words: bytes) -> Reply:
        """The reply to a command, once all that was expected to reach anybody has reached them, and nothing else."""
        reply = self.engine.execute(client.peer.session, list(words))
        client.peer._see(reply)
        return self.check(client)

    def check(self, author: Client | None = None) -> Reply:
        reply: Reply = None
        for client in [*self.clients, self.listener, *self.gone]:
            seen = client.peer.seen()
            if client is author:
                reply = next(each for each in seen if each.__class__ is not Push)
                seen.remove(reply)
            expected = [message for target, message in self.expected if target is client]
            assert sorted(map(repr, seen)) == sorted(map(repr, expected))
        self.expected.clear()
        table = self.engine.tracking
        everybody = [*self.clients, *self.gone]
        assert table.total_items == sum(len(client.read) for client in everybody)
        assert table.total_keys == len({key for client in everybody for key in client.read})
        assert table.total_prefixes == len({prefix for client in self.clients for prefix in client.prefixes})
        assert table.clients == sum(client.tracks for client in self.clients)
        assert self.engine.tracks == bool(table.clients or table.total_keys)
        assert self.engine.gate == (table.clients > 0)
        return reply

    def command_ended(self, client: Client) -> None:
        client.caching = False

    # The clients

    @rule(
        number=st.integers(0, CLIENTS - 1),
        other=st.none() | st.integers(0, CLIENTS),
        mode=st.sampled_from(["", "OPTIN", "OPTOUT", "BCAST", "BCAST"]),
        no_loop=st.booleans(),
        prefixes=PREFIXES,
    )
    def track(self, number: int, other: int | None, mode: str, no_loop: bool, prefixes: tuple[bytes, ...]) -> None:
        client = self.clients[number]
        if client.tracks:
            self.track_no_more(number)
        words = [mode.encode()] if mode else []
        if no_loop:
            words.append(b"NOLOOP")
        if mode == "BCAST":
            words += [word for prefix in prefixes for word in (b"PREFIX", prefix)]
        client.redirect = None if other is None else [*self.clients, self.listener][other]
        if client.redirect is not None:
            words += [b"REDIRECT", b"%d" % client.redirect.peer.session.id]
        client.tracks = True
        client.broadcasts, client.opt_in, client.opt_out = mode == "BCAST", mode == "OPTIN", mode == "OPTOUT"
        client.no_loop = no_loop
        client.prefixes = set(prefixes or (b"",)) if client.broadcasts else set()
        assert self.run(client, b"CLIENT", b"TRACKING", b"on", *words) == OK

    @rule(number=st.integers(0, CLIENTS - 1))
    def track_no_more(self, number: int) -> None:
        client = self.clients[number]
        client.tracks = client.broadcasts = client.caching = False
        client.prefixes = set()
        assert self.run(client, b"CLIENT", b"TRACKING", b"off") == OK

    @rule(number=st.integers(0, CLIENTS - 1))
    def mention_caching(self, number: int) -> None:
        client = self.clients[number]
        if client.tracks and (client.opt_in or client.opt_out):
            client.caching = True
            assert self.run(client, b"CLIENT", b"CACHING", b"yes" if client.opt_in else b"no") == OK

    @rule(number=st.integers(0, CLIENTS - 1), keys=st.lists(KEYS, min_size=1, max_size=3))
    def read(self, number: int, keys: list[bytes]) -> None:
        client = self.clients[number]
        if client.tracks and not client.broadcasts:
            skips = client.caching if client.opt_out else client.opt_in and not client.caching
            client.read |= set() if skips else set(keys)
        self.command_ended(client)
        self.run(client, b"MGET", *keys)

    @rule(number=st.integers(0, CLIENTS - 1), keys=st.lists(KEYS, min_size=1, max_size=3, unique=True))
    def write(self, number: int, keys: list[bytes]) -> None:
        client = self.clients[number]
        self.command_ended(client)
        for key in keys:
            self.ends.pop(key, None)
        self.key_changes(keys, client)
        assert self.run(client, b"MSET", *[word for key in keys for word in (key, b"v")]) == OK

    @rule(number=st.integers(0, CLIENTS - 1), key=KEYS, lifetime=st.integers(1, 20))
    def write_for_a_while(self, number: int, key: bytes, lifetime: int) -> None:
        client = self.clients[number]
        self.command_ended(client)
        self.ends[key] = self.milliseconds + lifetime
        self.key_changes([key], client)
        assert self.run(client, b"SET", key, b"v", b"PX", b"%d" % lifetime) == OK

    @rule(milliseconds=st.integers(1, 20))
    def wait(self, milliseconds: int) -> None:
        self.milliseconds += milliseconds
        moments: dict[int, list[bytes]] = {}
        for key, end in self.ends.items():
            if end < self.milliseconds:
                moments.setdefault(end, []).append(key)
        for _, keys in sorted(moments.items()):
            for key in keys:
                del self.ends[key]
            self.key_changes(sorted(keys), None)
        self.engine.clock.advance(milliseconds / 1000)
        self.check()

    @rule(number=st.integers(0, CLIENTS - 1), everything=st.booleans())
    def flush(self, number: int, everything: bool) -> None:
        author = self.clients[number]
        self.command_ended(author)
        for client in [*self.clients, *self.gone]:
            client.read.clear()
            if client.tracks:
                self.tell(client, None)
        self.ends.clear()
        assert self.run(author, b"FLUSHALL" if everything else b"FLUSHDB") == OK

    @rule(number=st.integers(0, CLIENTS - 1), protocol=st.sampled_from([2, 3, 3]))
    def leave(self, number: int, protocol: int) -> None:
        """One client goes, and another one comes."""
        self.end(self.clients[number])
        self.clients[number] = self.new_client(protocol)
        self.check()

    @rule()
    def stop_listening(self) -> None:
        self.end(self.listener)
        self.listener = self.new_listener()
        self.check()

    def end(self, client: Client) -> None:
        client.peer.leave()
        client.is_gone, client.tracks, client.prefixes = True, False, set()
        self.gone.append(client)

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        for client in [*self.clients, self.listener]:
            client.peer.leave()
        table = self.engine.tracking
        assert (table.clients, table.total_prefixes, table._prefixes) == (0, 0, {})
        assert self.engine.sessions == {}
        last = self.new_client(3)
        self.engine.execute(last.peer.session, [b"FLUSHALL"])
        assert (table.total_keys, table.total_items, self.engine.tracks, self.engine.gate) == (0, 0, False, False)


TestClientSideCaching = ClientSideCaching.TestCase
TestClientSideCaching.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
