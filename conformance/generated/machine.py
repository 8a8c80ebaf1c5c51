"""A state machine of several connections, on Hypothesis: who blocks, who is served, who hears what, who is cut off.

Its rules are what clients do to each other: wait for elements and bring them, watch keys and change them, subscribe and
publish, unblock and kill, switch protocols, databases and replies, send half a command and leave. After each rule every
connection must have received the same from both servers (see :mod:`conformance.generated.arena`).

An examination of so many steps is one example of the machine, drawn from a seed of its own. Hypothesis chooses the
rules, some of which it leaves out of a whole example, so that others get their turn. What fails is written down as
plain steps, and these are shrunk: a list of steps can be played again in a moment, without Hypothesis.

Whoever blocks, blocks for ever: when a time is over would be a race.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, ClassVar, Final

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from conformance.duel import Duel
from conformance.evidence import argv_of
from conformance.freedoms import freedom_of
from conformance.generated.arena import Arena, Step
from conformance.generated.changes import between, declared
from conformance.generated.families import LEFT_OUT, MACHINE, Vocabulary, arguments_of
from conformance.generated.pools import Pool, mostly
from conformance.generated.source import BACKEND, QUIET, draw_from, is_drawing
from conformance.generated.strategies import Argv, CommandWriter, Draw, name_of
from conformance.results import Case, Kind, Verdict
from conformance.shrink import without_what_can_go
from conformance.versions import Version
from conformance.vocabulary import name_of as name_of_argv
from conformance.wire import Frame

FAMILY: Final = "connections"
TITLE: Final = "several connections"

CLIENTS: Final = 6
"""Enough for a queue of blocked clients, few enough to meet."""

STEPS: Final = 80
"""In one examination."""

SHRINKING: Final = 15.0
"""Seconds after which a failure is short enough."""

SHOWN: Final = 60
"""Lines of a failure that could not be shrunk: more than a shrunk one ever has."""

FOREVER: Final[dict[str, Pool]] = {"timeout": (b"0",), "milliseconds": (b"0",)}

DATA: Final = {
    **dict.fromkeys(("LPUSH", "RPUSH", "ZADD", "XADD", "DEL"), 12),
    **dict.fromkeys(("XGROUP CREATE", "XGROUP DESTROY", "XACK", "XDEL", "XTRIM", "XGROUP SETID", "XCLAIM"), 2),
    **dict.fromkeys(("LPOP", "LMOVE", "RPOPLPUSH", "LREM", "LLEN", "ZREM", "ZPOPMIN", "SET", "RENAME", "COPY"), 4),
    **dict.fromkeys(("MOVE", "SORT", "ZUNIONSTORE", "ZRANGESTORE", "LMPOP", "ZMPOP", "LRANGE", "TYPE", "EXISTS"), 3),
    **dict.fromkeys(("SADD", "GETDEL", "INCR", "EXPIRE", "PERSIST", "APPEND", "HSET", "GET", "LTRIM", "LINSERT"), 2),
}
"""What connections do to the data besides blocking, and how often."""

ACROSS: Final = {"SWAPDB": 2, "SELECT": 3, "FLUSHDB": 1, "FLUSHALL": 1}
"""What changes the ground under the others."""

client: Final = st.integers(1, CLIENTS)
channels: Final = st.sampled_from(mostly("c1 c2", "__keyevent@0__:del __keyevent@0__:lpush __keyspace@0__:k1"))
patterns: Final = st.sampled_from(mostly("c*", "__key*"))  # of several that match, a hash table says which comes first
messages: Final = st.sampled_from((*mostly("hello a"), b"", b"\xff\x00\r\n"))
bits: Final = st.integers(0, 255)


def _words(*lines: str) -> st.SearchStrategy[Argv]:
    return st.sampled_from([tuple(line.encode().split()) for line in lines])


TRANSACTIONS: Final = _words("MULTI", "EXEC", "MULTI", "EXEC", "DISCARD", "WATCH k1", "WATCH k2 k3", "UNWATCH")
CHANGES: Final = _words(
    "SET k1 a", "GET k1", "DEL k1", "PING", "FLUSHDB", "SWAPDB 0 1", "EXPIRE k1 100", "RENAME k2 k1"
)
SETTINGS: Final = _words(
    *("CLIENT SETNAME a", "CLIENT SETNAME b", "CLIENT GETNAME", "CLIENT NO-EVICT on", "CLIENT NO-EVICT off"),
    *("CLIENT REPLY ON", "CLIENT REPLY SKIP", "CLIENT REPLY OFF", "CLIENT REPLY ON", "CLIENT REPLY abc", "PING"),
    *("HELLO", "HELLO 3 SETNAME c", "HELLO 4", "HELLO 2 SETNAME", "RESET", "RESET", "PING a", "ECHO a"),
    *(
        "CLIENT NO-EVICT x",
        "CLIENT UNPAUSE",
        "AUTH a b",
        "SELECT 0",
        "SELECT 1",
        "PUBSUB NUMPAT",
        "PUBSUB NUMSUB c1 c2",
    ),
)
EVENTS: Final = st.sampled_from((b"", b"", b"KEA", b"Kl", b"E$xgz", b"EAmn"))
UNBLOCKING: Final = st.sampled_from((b"TIMEOUT", b"ERROR", b"", b"error", b"abc"))
KILLING: Final = st.sampled_from(
    [
        tuple(line.split())
        for line in (
            b"ID {id:%d}",
            b"ID {id:%d} SKIPME no",
            b"ADDR {addr:%d}",
            b"ID {id:%d} TYPE pubsub",
            b"ID {id:%d} TYPE normal",
            b"ID {id:%d} USER nobody",
            b"{addr:%d}",
        )
    ]
)
TRACKING: Final = st.lists(
    st.sampled_from(
        [
            (b"REDIRECT", b"{id:%d}"),
            *((word,) for word in (b"NOLOOP", b"OPTIN", b"OPTOUT", b"BCAST", b"BCAST")),
            *((b"PREFIX", prefix) for prefix in (b"k", b"k1", b"l", b"")),
        ]
    ),
    max_size=3,
)
CACHING: Final = _words(
    *("CLIENT CACHING yes", "CLIENT CACHING yes", "CLIENT CACHING no", "CLIENT CACHING no", "CLIENT CACHING abc"),
    *("CLIENT TRACKINGINFO", "CLIENT TRACKINGINFO", "CLIENT TRACKING off"),
)
READS: Final = _words("GET k1", "MGET k1 k2 k3", "EXISTS k1", "LRANGE k2 0 -1", "TYPE k3", "LLEN k1", "ZCARD k2")
UNSUBSCRIBING: Final = st.sampled_from((b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE"))


class Commands:
    """The commands that connections send each other's data, as strategies."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        blocking = [
            name_of(each) for each in vocabulary.commands.values() if each.blocking and name_of(each) not in WAITING
        ]
        self.blocking = self._drawn(dict.fromkeys(blocking, 1))
        self.data = self._drawn(DATA)
        self.across = self._drawn(ACROSS)

    def _drawn(self, often: dict[str, int]) -> st.SearchStrategy[Argv]:
        writers = [
            CommandWriter(command, arguments_of(command, MACHINE), FOREVER)
            for name, command in self._vocabulary.commands.items()
            for _ in range(0 if name in LEFT_OUT else often.get(name, 0))
        ]
        pick = st.sampled_from(writers)

        @st.composite
        def command(draw: Draw) -> Argv:
            argv: Argv = draw(pick).write(draw)
            return argv if freedom_of(argv) is None and not _ends(argv) else (b"PING",)

        return command()


WAITING: Final = frozenset({"WAIT", "WAITAOF"})


def _ends(argv: Argv) -> bool:
    """Whether a slip has made a time out of 0: of a command that would block so long."""
    return any(word in (b"200000", b"1e-7", b"1.5") for word in argv) and argv[0][:1] in b"bBxX"


class _Connections(RuleBasedStateMachine):
    """Clients 1 to 6, some of them blocked, some subscribed, some with half a command sent."""

    commands: ClassVar[Commands]
    make: ClassVar[Any]
    """Makes an arena."""
    played: ClassVar[list[Arena]]
    listens_apart: ClassVar[bool]
    """Whether only one client listens to keyspace events, or for others, and changes nothing: before Redis 7.2 some
    commands tell who sent them of the event before they answer, and some afterwards (see KNOWN.md)."""

    def __init__(self) -> None:
        super().__init__()
        self.arena: Arena = self.make()
        self.begun = False
        self.notifies = False
        """Whether there are keyspace events. Then nobody tracks: the order of both is not ours yet (see KNOWN.md)."""
        self.silenced: set[int] = set()
        """Clients that have turned their replies off: ending themselves, they are forgotten instead (see KNOWN.md)."""

    def change(self, client: int, *argvs: Argv, cuts: tuple[int, ...] = (), withheld: bool = False) -> None:
        """Let a client that may change data send that."""
        if self.listens_apart and client == CLIENTS:
            client = 1
        self.take(Step(client, argvs, cuts, withheld))

    def hear(self, client: int, command: bytes, name: bytes) -> None:
        """Let a client that may hear of it subscribe."""
        self.take(Step(CLIENTS if self.listens_apart and name.startswith(b"__key") else client, ((command, name),)))

    def follow(self, step: Step) -> None:
        """Take a step that has to do with client-side caching, where there are no keyspace events."""
        if not self.notifies:
            self.take(step)

    def listener(self, client: int) -> int:
        """Who may be told in another's place, if *client* is to be."""
        return CLIENTS if self.listens_apart else client

    def take(self, step: Step) -> None:
        """Take a step, unless something has already differed."""
        # Hypothesis begins with the simplest example, which is not of our seed and tells nothing.
        if not is_drawing() or (self.begun and self.arena.differs):
            return
        if not self.begun:
            self.begun = True
            self.played.append(self.arena)
            self.arena.begin()
        if any(argv[:2] == (b"CLIENT", b"REPLY") for argv in step.argvs):
            self.silenced.add(step.client)
        elif step.closes:
            self.silenced.discard(step.client)
        self.arena.take(step)

    def teardown(self) -> None:
        """The datasets, at the end."""
        if self.begun:
            if not self.arena.differs:
                self.arena.compare_datasets()
            self.arena.end()

    @initialize(events=EVENTS)
    def turn_notifications_on(self, events: bytes) -> None:
        self.notifies = bool(events)
        if events:
            self.take(Step(1, ((b"CONFIG", b"SET", b"notify-keyspace-events", events),)))

    @rule(client=client, draw=st.data(), often=st.integers(1, 3))
    def block(self, client: int, draw: Any, often: int) -> None:
        for number in range(often):
            self.change((client + number) % CLIENTS + 1, draw.draw(self.commands.blocking))

    @rule(client=client, draw=st.data(), often=st.integers(1, 4))
    def change_data(self, client: int, draw: Any, often: int) -> None:
        for number in range(often):
            self.change((client + number) % CLIENTS + 1, draw.draw(self.commands.data))

    @rule(client=client, draw=st.data())
    def change_the_ground(self, client: int, draw: Any) -> None:
        self.change(client, draw.draw(self.commands.across))

    @rule(client=client, argv=TRANSACTIONS)
    def transact(self, client: int, argv: Argv) -> None:
        self.change(client, argv)

    @rule(client=client, other=client, draw=st.data(), changes=st.lists(CHANGES, min_size=1, max_size=3))
    def watch(self, client: int, other: int, draw: Any, changes: list[Argv]) -> None:
        """Watch a key, and execute as many transactions as another makes changes, of which only one is in time."""
        self.change(client, (b"WATCH", b"k1"))
        for change in changes:
            self.change(other, change)
            self.change(client, (b"MULTI",), draw.draw(self.commands.data), (b"EXEC",))

    @rule(client=client, draw=st.data(), ends=st.sampled_from((b"EXEC", b"EXEC", b"DISCARD")), often=st.integers(1, 4))
    def transact_at_once(self, client: int, draw: Any, ends: bytes, often: int) -> None:
        inner = [draw.draw(self.commands.data if number else self.commands.blocking) for number in range(often)]
        self.change(client, (b"MULTI",), *reversed(inner), (ends,))

    @rule(client=client, protocol=st.sampled_from((b"3", b"3", b"2")))
    def switch_protocol(self, client: int, protocol: bytes) -> None:
        self.take(Step(client, ((b"HELLO", protocol),)))

    @rule(client=client, argv=SETTINGS)
    def set_itself(self, client: int, argv: Argv) -> None:
        self.take(Step(client, (argv,)))

    @rule(client=client, name=channels, shard=st.booleans())
    def subscribe(self, client: int, name: bytes, shard: bool) -> None:
        self.hear(client, b"SSUBSCRIBE" if shard and name[:1] == b"c" else b"SUBSCRIBE", name)

    @rule(client=client, pattern=patterns)
    def subscribe_to_a_pattern(self, client: int, pattern: bytes) -> None:
        self.hear(client, b"PSUBSCRIBE", pattern)

    @rule(client=client, command=UNSUBSCRIBING, names=st.sampled_from(((), (b"c1",), (b"c*",), (b"c2", b"c1"))))
    def unsubscribe(self, client: int, command: bytes, names: Argv) -> None:
        self.take(Step(client, ((command, *names),)))

    @rule(client=client, channel=channels, message=messages, shard=st.booleans())
    def publish(self, client: int, channel: bytes, message: bytes, shard: bool) -> None:
        self.take(Step(client, ((b"SPUBLISH" if shard else b"PUBLISH", channel, message),)))

    @rule(client=client, other=client, options=TRACKING, reads=st.lists(READS, min_size=1, max_size=3))
    def track(self, client: int, other: int, options: list[Argv], reads: list[Argv]) -> None:
        words = [word % self.listener(other) if b"%d" in word else word for option in options for word in option]
        self.follow(Step(client, ((b"CLIENT", b"TRACKING", b"on", *words),)))
        for argv in reads:
            self.follow(Step(client, (argv,)))

    @rule(client=client, argv=CACHING, reads=st.lists(READS, max_size=2))
    def cache(self, client: int, argv: Argv, reads: list[Argv]) -> None:
        self.follow(Step(client, (argv, *reads)))

    @rule(client=client, other=client, reads=st.lists(READS, min_size=1, max_size=3))
    def have_another_told(self, client: int, other: int, reads: list[Argv]) -> None:
        """As clients do that speak RESP2: of two connections one hears what the other has to know."""
        other = self.listener(other)
        self.follow(Step(other, ((b"SUBSCRIBE", b"__redis__:invalidate"),)))
        self.follow(Step(client, ((b"CLIENT", b"TRACKING", b"on", b"REDIRECT", b"{id:%d}" % other), *reads)))

    @rule(client=client, other=client, how=UNBLOCKING)
    def unblock(self, client: int, other: int, how: bytes) -> None:
        self.take(Step(client, ((b"CLIENT", b"UNBLOCK", b"{id:%d}" % other, *([how] if how else ())),)))

    @rule(client=client, other=client, which=KILLING)
    def kill(self, client: int, other: int, which: Argv) -> None:
        words = tuple(word % other if b"%d" in word else word for word in which)
        if client != other or client not in self.silenced:
            self.take(Step(client, ((b"CLIENT", b"KILL", *words),)))

    @rule(client=client)
    def quit(self, client: int) -> None:
        if client not in self.silenced:
            self.take(Step(client, ((b"QUIT",),)))

    @rule(client=client)
    def leave(self, client: int) -> None:
        self.take(Step(client))

    @rule(client=client, draw=st.data(), often=st.integers(1, 5), cuts=st.lists(bits, max_size=3), keeps=st.booleans())
    def send_in_pieces(self, client: int, draw: Any, often: int, cuts: list[int], keeps: bool) -> None:
        strategies = (self.commands.data, self.commands.blocking, TRANSACTIONS)
        argvs = [draw.draw(strategies[draw.draw(st.integers(0, 2))]) for _ in range(often)]
        self.change(client, *argvs, cuts=tuple(cuts), withheld=keeps)

    @precondition(lambda self: self.begun)
    @rule(client=client)
    def look_at(self, client: int) -> None:
        if is_drawing() and not self.arena.differs:
            self.arena.look_at(client)


class Machine:
    """Examinations of several connections, by their seeds."""

    def __init__(self, duel: Duel, vocabulary: Vocabulary, *, versions: tuple[Version, Version] | None = None) -> None:
        self._duel = duel
        self._groups = vocabulary.groups
        self._changes = between(versions)
        self._seen: dict[tuple[str, ...], str] = {}
        made = {
            "commands": Commands(vocabulary),
            "make": staticmethod(self._arena),
            "played": [],
            "listens_apart": vocabulary.version.redis < (7, 2),
        }
        self._machine: type[_Connections] = type("Connections", (_Connections,), made)

    def _arena(self) -> Arena:
        return Arena(self._duel, self._explain)

    def case(self, seed: str) -> Case:
        """Examine with the steps of that seed."""
        began = time.monotonic()
        self._machine.played.clear()
        chosen = settings(QUIET, max_examples=2, phases=[Phase.generate], backend=BACKEND, stateful_step_count=STEPS)
        with draw_from(seed):
            run_state_machine_as_test(self._machine, settings=chosen)
        (arena,) = self._machine.played or (self._arena(),)
        verdict = Verdict.DIFFERS if arena.differs else Verdict.AGREES
        shown, reason = arena, ""
        if verdict is Verdict.DIFFERS:
            shown = self._shrunk(arena.steps)
            kind = self._fingerprint(shown)
            first = self._seen.setdefault(kind, seed)
            reason = f"the same as with seed {first}" if first != seed else ""
            if not shown.differs:
                shown, reason = (
                    arena,
                    "it differed once, and not again when it was played again; these were its last steps",
                )
        elif any(line.declared for line in arena.lines):
            verdict = Verdict.DECLARED
            reason = "; ".join(sorted({line.declared for line in arena.lines if line.declared}))
        tells = verdict is Verdict.DIFFERS and not reason.startswith("the same")
        named = [(name_of_argv(argv_of(line.command), self._groups), line) for line in arena.lines]
        return Case(
            Kind.MACHINE,
            FAMILY,
            TITLE,
            verdict,
            steps=len(arena.lines),
            seconds=time.monotonic() - began,
            reason=reason,
            seed=seed,
            transcript=tuple(shown.lines[-SHOWN:]) if tells else (),
            dataset=tuple(shown.dataset) if tells else (),
            asked=Counter(name for name, _ in named if name),
            differed=Counter(name for name, line in named if name and line.differs),
        )

    def _shrunk(self, steps: Sequence[Step]) -> Arena:
        end = time.monotonic() + SHRINKING

        def fails(fewer: Sequence[Step]) -> bool:
            return time.monotonic() < end and self._arena().play(fewer)

        kept = without_what_can_go(list(steps), fails)
        for at, step in enumerate(kept):
            for simpler in _simpler(step):
                if fails([*kept[:at], simpler, *kept[at + 1 :]]):
                    kept[at] = simpler
                    break
        for at, step in enumerate(kept):

            def fails_with(argvs: list[Argv], at: int = at, step: Step = step) -> bool:
                return bool(argvs) and fails([*kept[:at], Step(step.client, tuple(argvs), step.cuts, step.withheld)])

            if len(step.argvs) > 1:
                kept[at] = Step(
                    step.client, tuple(without_what_can_go(list(step.argvs), fails_with)), step.cuts, step.withheld
                )
        arena = self._arena()
        arena.play(kept)
        return arena

    def _fingerprint(self, arena: Arena) -> tuple[str, ...]:
        line = next((line for line in arena.lines if line.differs), None)
        if line is None:
            return "datasets", *arena.dataset[:1]
        name = name_of_argv(argv_of(line.command), self._groups) or line.command.lstrip("0123456789")
        return name, line.reference.shown[:30], line.target.shown[:30]

    def _explain(self, argvs: Sequence[Argv], left: Frame, right: Frame) -> str:
        for argv in reversed(argvs):
            change = declared(self._changes, name_of_argv(argv, self._groups), argv, left, right)
            if change is not None:
                return change.what
        return ""


def _simpler(step: Step) -> Iterator[Step]:
    if step.cuts:
        yield Step(step.client, step.argvs)
        yield from (Step(step.client, step.argvs, (cut,), step.withheld) for cut in step.cuts)


def cases(
    duel: Duel,
    *,
    seed: str,
    steps: float = float("inf"),
    seconds: float = float("inf"),
    versions: tuple[Version, Version] | None = None,
    progress: Callable[[int], None] = lambda steps: None,
) -> Iterator[Case]:
    """Examinations ``seed/1``, ``seed/2`` … until there have been so many steps, or the time is over.

    A *seed* with a number (``17/42``) is that one alone. *progress* is told how many replies were compared.
    """
    machine = Machine(duel, Vocabulary(duel.reference), versions=versions)
    if "/" in seed:
        yield machine.case(seed)
        return
    end, played = time.monotonic() + seconds, 0
    for number in count(1):
        if played >= steps or time.monotonic() >= end:
            return
        case = machine.case(f"{seed}/{number}")
        played += case.steps
        progress(played)
        yield case
