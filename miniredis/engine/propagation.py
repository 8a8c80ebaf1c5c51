"""What replicas are told of a command: the command itself, other words for it, several commands, or nothing.

A command that changed something (``Engine.dirty`` has grown) is propagated in the words of its client, unless its
handler says better, with the functions below. They bear the names of what Redis calls them, and are called beside the
change that they are about:

- :func:`rewrite` where the words of the client would do something else at another time or place: an expiration from
  now, a random choice, a pop that blocks, a sum of floats;
- :func:`also_propagate` for further commands before that one, :func:`prevent` if there is to be none but these;
- :func:`force` for what changes nothing here but shall be told (PUBLISH, FLUSHALL of an empty dataset).

Nothing is sent until the command, with all of its EXEC or script, has ended. If there is more than one thing to tell by
then, MULTI and EXEC stand around it. Keys that have expired are told as deleted, in their place among the rest.

All of this costs a command nothing as long as nobody is told (``active`` is not set): the engine then asks once, behind
the command, whether anybody *observes* it, which is what it asks for the monitors anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.keyspace import Database
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command

Words: TypeAlias = Sequence[bytes | int]
"""A command as it is propagated; an integer stands for its digits."""

TOUCHES_ARBITRARY_KEYS: Final = frozenset({"scan", "randomkey"})
"""Commands that may expire keys nobody has named: no MULTI around those, which have nothing to do with each other."""


class Propagation:
    """The propagation of one engine. ``feed(database number, argv)`` takes each command that is told; the
    number is None where any database will do.

    ``active`` says whether anybody is. ``nesting`` counts the commands inside of which others run now: EXEC, scripts.
    """

    __slots__ = ("_dirty", "_engine", "_forced", "_pending", "_prevented", "_words", "active", "feed", "nesting")

    def __init__(self, engine: Engine, feed: Callable[[int | None, Words], None]) -> None:
        self._engine = engine
        self.feed = feed
        self.active = False
        self.nesting = 0
        self._pending: list[tuple[int, Words]] = []
        self._dirty = 0
        self._words: Words | None = None
        self._prevented = False
        self._forced = False

    def activate(self, active: bool) -> None:
        """Begin to tell of what happens from now on, or end it."""
        self.active = active
        self._dirty = self._engine.dirty
        self._pending.clear()
        self._words, self._prevented, self._forced = None, False, False
        self._engine.update_observed()

    def command_ended(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Tell of *command*, which *session* has just run as *argv*."""
        self._note(session.db, argv, is_told=command.name != "exec")
        if not self.nesting:
            self.flush(wrap=command.name not in TOUCHES_ARBITRARY_KEYS)

    def unblocked(self, session: Session) -> None:
        """Tell of what *session*, which waited, was served: always in other words than those it waited with."""
        self._note(session.db, (), is_told=self._words is not None)
        self.flush()

    def _note(self, database: Database, argv: Words, *, is_told: bool) -> None:
        dirty = self._engine.dirty
        changed, self._dirty = dirty > self._dirty, dirty
        if is_told and not self._prevented and (changed or self._forced):
            self._pending.append((database.number, argv if self._words is None else self._words))
        self._words, self._prevented, self._forced = None, False, False

    def add(self, database: Database, argv: Words) -> None:
        """Tell of *argv* in *database* together with what else the present command does."""
        self._pending.append((database.number, argv))

    def deleted(self, database: Database, key: bytes, *, lazily: bool) -> None:
        """Tell that *key* was deleted: by time, or for want of memory."""
        self._pending.append((database.number, (b"UNLINK" if lazily else b"DEL", key)))

    def flush(self, *, wrap: bool = True) -> None:
        """Send what there is to tell, as a transaction if it is more than one command and *wrap* is set."""
        pending = self._pending
        if not pending:
            return
        self._pending = []
        wrap = wrap and len(pending) > 1
        selects = self._engine.version.redis < (7, 2)  # SELECT comes before MULTI, and behind it since then
        if wrap:
            self.feed(pending[0][0] if selects else None, (b"MULTI",))
        for number, argv in pending:
            self.feed(number, argv)
        if wrap:
            self.feed(None, (b"EXEC",))

    def rewrite(self, words: Words) -> None:
        """Have the running command told as *words*, if it changes anything."""
        self._words = words

    def prevent(self) -> None:
        """Have the running command not told."""
        self._prevented = True

    def force(self) -> None:
        """Have the running command told, be there a change or not."""
        self._forced = True


def rewrite(client: Session, *words: bytes | int) -> None:
    """Propagate the running command as *words*, should it change anything."""
    propagation = client.engine.propagation
    if propagation.active:
        propagation.rewrite(words)


def also_propagate(client: Session, *words: bytes | int) -> None:
    """Propagate *words* before the running command, in its database."""
    propagation = client.engine.propagation
    if propagation.active:
        propagation.add(client.db, words)


def prevent(client: Session) -> None:
    """Do not propagate the running command itself."""
    propagation = client.engine.propagation
    if propagation.active:
        propagation.prevent()


def force(client: Session) -> None:
    """Propagate the running command though it may have changed nothing."""
    propagation = client.engine.propagation
    if propagation.active:
        propagation.force()
