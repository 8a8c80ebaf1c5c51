"""Client-side caching: which clients are to hear that keys have changed (``CLIENT TRACKING``).

A client that tracks may have what it has read in a cache of its own. There are two ways to keep that right:

- by default the server remembers, in one table, who has read which key. Who is told that a key has changed is forgotten
  with it, until it reads the key again. The table has a limit; what is thrown out is told as if it had changed.
- a client that wants broadcasts hears of all keys that begin with its prefixes, and nothing is remembered for it. What
  changes within a turn of the server is told at its end, in one message for each prefix.

What a client's own command makes invalid is told behind that command's reply, or behind all of EXEC's. Everything else
is told at once. A message goes to the client itself, if it speaks RESP3, or to another one that it has named, which may
speak RESP2 if it is subscribed to something. Keys are the same in all databases.

While nobody tracks, none of this costs anything but a look at ``Engine.tracks``, which :meth:`Database.changed` takes.
While anybody does, the engine's gate is set, and the table is told of all commands.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from miniredis.engine import notifications
from miniredis.resp.types import InProtocol, Push, Reply

if TYPE_CHECKING:
    from miniredis.engine.engine import CommandState, Engine
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command
    from miniredis.engine.timers import Timer

CRON: Final = 100
"""Milliseconds after which a table that is too full is looked at, if no command comes before."""

EFFORT: Final = 100
"""Keys that are thrown out of it at a time; so many more each time that did not suffice."""

CHANNEL: Final = b"__redis__:invalidate"
"""Where a RESP2 client hears of what is invalid for those who have named it."""

RUN_READ_ONLY_SCRIPTS: Final = frozenset({"eval_ro", "evalsha_ro", "fcall_ro"})
"""Commands that read nothing themselves: what they call does."""

BY_THEMSELVES: Final = notifications.EXPIRED | notifications.EVICTED
"""The classes of changes that are no command's work, where they count as none."""

POPS: Final = frozenset({b"lpop", b"rpop"})

SILENT_POPS: Final = frozenset({"blpop", "brpop", "blmove", "brpoplpush"})
"""Up to Redis 7.0 nobody is told what these pop if they had to wait for it."""


class Tracking:
    """How one client tracks.

    - *redirect*: the id of the client that is told in its place, 0 for itself; *is_broken*: that one was gone.
    - *broadcasts*: it hears of all keys with one of *prefixes*; else of those that it has read.
    - *opt_in*, *opt_out*: keys are remembered only, or not, if CLIENT CACHING came before: then *caching* is set.
    - *no_loop*: it is not told of what it has changed itself.
    """

    __slots__ = ("broadcasts", "caching", "is_broken", "no_loop", "opt_in", "opt_out", "prefixes", "redirect")

    def __init__(self) -> None:
        self.redirect = 0
        self.is_broken = False
        self.broadcasts = False
        self.opt_in = False
        self.opt_out = False
        self.no_loop = False
        self.caching = False
        self.prefixes: set[bytes] = set()

    @property
    def remembers(self) -> bool:
        """Whether the keys of the present command are to be remembered."""
        if self.broadcasts or (self.opt_in and not self.caching):
            return False
        return not (self.opt_out and self.caching)


class Prefix:
    """The clients that hear of keys with one prefix, and the keys to tell them of, each with who changed it last."""

    __slots__ = ("clients", "keys")

    def __init__(self) -> None:
        self.clients: dict[Session, None] = {}
        self.keys: dict[bytes, Session | None] = {}


class Running:
    """A command of *session* that runs: ``own`` is what it has made invalid for that client itself, None for all.

    *outer* is the command in whose middle it runs, if any: a script that takes too long. *hides_pops*: nobody is told
    of what it pops.
    """

    __slots__ = ("hides_pops", "outer", "own", "session")

    def __init__(self, session: Session, outer: Running | None, *, hides_pops: bool) -> None:
        self.session = session
        self.outer = outer
        self.hides_pops = hides_pops
        self.own: list[bytes | None] = []


class InvalidationTable:
    """What is tracked in one engine.

    ``on_news`` is the driver's. It is called when others have been told of something, or are to be (``has_news``): they
    should have it before the client that was the cause has its reply, and can count on it. The driver has
    :meth:`broadcast` called at the end of its turn; without one that happens after each command.
    """

    __slots__ = (
        "_engine",
        "_insufficient",
        "_items",
        "_prefixes",
        "_readers",
        "_running",
        "_timer",
        "clients",
        "has_news",
        "on_news",
    )

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._readers: OrderedDict[bytes, dict[int, None]] = OrderedDict()
        self._items = 0
        self._prefixes: dict[bytes, Prefix] = {}
        self.has_news = False
        self._running: Running | None = None
        self._insufficient = 0
        self._timer: Timer | None = None
        self.clients = 0
        self.on_news: Callable[[], None] | None = None
        engine.config.on_change("tracking-table-max-keys", self._watch_limit)

    @property
    def total_keys(self) -> int:
        """The keys that somebody has read."""
        return len(self._readers)

    @property
    def total_items(self) -> int:
        """The clients of all these keys. One that has gone, or tracks no more, counts until the key changes."""
        return self._items

    @property
    def total_prefixes(self) -> int:
        """The prefixes that somebody wants to hear of."""
        return len(self._prefixes)

    # Who tracks

    def enable(self, session: Session, options: Tracking) -> None:
        """Let *session* track as *options* say; its prefixes are added to those that it has."""
        present = session.tracking
        if present is None:
            self.clients += 1
        else:
            options.caching = present.caching
            options.prefixes |= present.prefixes
        session.tracking = options
        for prefix in options.prefixes:
            self._prefixes.setdefault(prefix, Prefix()).clients[session] = None
        self._update()

    def disable(self, session: Session) -> None:
        """Let *session* track no more. The keys that it has read are forgotten when they change."""
        tracking = session.tracking
        if tracking is None:
            return
        session.tracking = None
        self.clients -= 1
        for name in tracking.prefixes:
            prefix = self._prefixes[name]
            del prefix.clients[session]
            if not prefix.clients:
                del self._prefixes[name]
        self._update()

    def _update(self) -> None:
        engine = self._engine
        engine.tracks = bool(self.clients or self._readers)
        engine.update_gate()
        engine.update_observed()

    # Commands

    def command_begins(self, session: Session) -> None:
        """*session* has sent a command: what that makes invalid for itself is to be told behind the reply."""
        self._begin(session, hides_pops=False)
        self._keep_limit()
        self.tell_own()  # at once: the command has not run yet

    def wait_ends(self, session: Session, state: CommandState | None) -> None:
        """What *session* waited for has come, and its command does now what it had to wait for."""
        hides_pops = self._engine.version.redis < (7, 2) and state is not None and state.name in SILENT_POPS
        self._begin(session, hides_pops=hides_pops)

    def _begin(self, session: Session, *, hides_pops: bool) -> None:
        self._running = Running(session, self._running, hides_pops=hides_pops)

    def command_ended(self) -> None:
        """The command that began last has its reply: tell its client what it has made invalid for itself."""
        self.tell_own()
        running = self._running
        assert running is not None
        self._running = running.outer
        session = running.session
        if session.transaction is None and session.blocked is None and not session.last_command.startswith("client|"):
            forget_caching(session)

    def tell_own(self) -> None:
        """Tell the client whose command runs of what has been invalid for itself until now."""
        running = self._running
        if running is None:
            return
        own, running.own = running.own, []
        for key in own:
            self._tell(running.session, None if key is None else [key])

    def remember(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Remember that *session* has read the keys of *command*, if that reads.

        For what a script reads its caller is told: since Redis 7.2 of these keys, before of those of the script.
        """
        if not command.is_readonly or command.is_pubsub or command.name in RUN_READ_ONLY_SCRIPTS:
            return
        if session.is_script:
            run = self._engine.scripting.runner.current
            if run is None:
                return
            session = run.caller
            if self._engine.version.redis < (7, 2):
                argv = run.argv
                command = self._engine.resolve(argv).command  # type: ignore[union-attr]
        tracking = session.tracking
        if tracking is None or not tracking.remembers:
            return
        for position, _ in command.keys_to_track(argv):
            readers = self._readers.setdefault(argv[position], {})
            if session.id not in readers:
                readers[session.id] = None
                self._items += 1
        self._watch_limit()

    # The limit of the table

    def _is_over_limit(self) -> bool:
        return self.clients > 0 and 0 < self._engine.config.tracking_table_max_keys < len(self._readers)

    def _watch_limit(self) -> None:
        """Look at the table again in a while, should no command come until then."""
        if self._timer is None and self._is_over_limit():
            self._timer = self._engine.timers.call_at(self._engine.now + CRON, self._look_at_limit)

    def _look_at_limit(self) -> None:
        self._timer = None
        self._keep_limit()
        self._watch_limit()

    def _keep_limit(self) -> None:
        """Throw out the keys that were read first, as far as there are more than ``tracking-table-max-keys``."""
        if not self._is_over_limit():
            self._insufficient = 0
            return
        for _ in range(EFFORT * (self._insufficient + 1)):
            self._tell_readers(next(iter(self._readers)))
            if not self._is_over_limit():
                self._insufficient = 0
                return
        self._insufficient += 1

    # What changes

    def key_changed(self, key: bytes, event_class: int, event: bytes, dirty: int) -> None:
        """Tell that *key* has changed, as :meth:`Database.changed` was told."""
        running = self._running
        if running is not None and running.hides_pops and event in POPS:
            return
        if self._prefixes:
            is_by_itself = not dirty and event_class & BY_THEMSELVES
            self._note_news(key, None if is_by_itself or running is None else running.session)
        if key in self._readers:
            self._tell_readers(key)

    def _note_news(self, key: bytes, author: Session | None) -> None:
        """Note who has changed *key* last. What a script changes is not its caller's work."""
        engine = self._engine
        if engine.used_scripting is not None and engine.used_scripting.runner.current is not None:
            author = None
        for name, prefix in self._prefixes.items():
            if key.startswith(name):
                prefix.keys[key] = author
                if not self.has_news:
                    self.has_news = True
                    self.announce()

    def _tell_readers(self, key: bytes) -> None:
        readers = self._readers.pop(key)
        self._items -= len(readers)
        for number in readers:
            session = self._engine.sessions.get(number)
            if session is None or session.tracking is None or session.tracking.broadcasts:
                continue
            running = self._running
            if running is None or session is not running.session:
                self._tell(session, [key])
            elif not session.tracking.no_loop:
                running.own.append(key)
        if not self._readers and not self.clients:
            self._update()

    def flushed(self) -> None:
        """Tell that all keys of a database, or of all of them, are gone."""
        running = self._running
        for session in list(self._engine.sessions.values()):
            if session.tracking is None:
                continue
            if running is not None and session is running.session:
                running.own.append(None)
            else:
                self._tell(session, None)
        self._readers.clear()
        self._items = 0
        self._update()

    def announce(self) -> None:
        """Let the driver know if there is something to broadcast."""
        if self.has_news and self.on_news is not None:
            self.on_news()

    def settle(self) -> None:
        """A command has ended, or time has passed: broadcast what is to be, unless a driver sees to that."""
        if self.on_news is None:
            self.broadcast()

    def broadcast(self) -> None:
        """Tell what has changed of keys with prefixes that somebody wants to hear of, unless a script still runs."""
        if not self.has_news or self._engine.busy is not None:
            return
        self.has_news = False
        for name in sorted(self._prefixes):
            prefix = self._prefixes.get(name)
            if prefix is None or not prefix.keys:
                continue
            authors, prefix.keys = prefix.keys, {}
            keys = sorted(authors)
            for session in list(prefix.clients):
                assert session.tracking is not None
                if not session.tracking.no_loop:
                    self._tell(session, keys)
                elif others := [key for key in keys if authors[key] is not session]:
                    self._tell(session, others)

    # Messages

    def _tell(self, session: Session, keys: list[bytes] | None) -> None:
        """Send word that *keys*, or all, are invalid for *session*: to whom it wants to be told."""
        tracking = session.tracking
        if tracking is None:
            return
        target: Session | None = session
        if tracking.redirect:
            target = self._engine.sessions.get(tracking.redirect)
            if target is None:
                tracking.is_broken = True
                if session.protocol == 3:
                    session.push(Push([b"tracking-redir-broken", tracking.redirect]))
                return
        assert target is not None
        items: Reply = keys
        if keys is None and target.protocol != session.protocol:
            items = InProtocol(session.protocol, None)  # a null of the protocol that the other one speaks
        if target.protocol == 3:
            target.push(Push([b"invalidate", items]))
        elif tracking.redirect and target.is_subscribed:
            target.push(Push([b"message", CHANNEL, items]))
        else:
            return
        if target.pushes is None and self.on_news is not None:
            self.on_news()


def forget_caching(session: Session) -> None:
    """A command has ended, for which *session* may have said CLIENT CACHING."""
    if session.tracking is not None:
        session.tracking.caching = False
