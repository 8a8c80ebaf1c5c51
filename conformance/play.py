"""A scenario played step by step: on one server (:class:`Course`), or on two, each step on both before the next.

Who judges one server by recorded replies has one course, and the recording in the other's place.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from conformance.exchange import Exchange, Transactions, depends_on_encoding, has_order
from conformance.recorded import Observation, Question, declared
from conformance.scenario import Action, Step
from conformance.side import CLOSED, NO_REPLY, NOTHING, SENT, WAITED, Name, Outcome, Side
from conformance.transcript import show_frame
from conformance.versions import Version
from conformance.wire import Frame

LEFT_UNREAD: Final = "(left unread)"


class Actor:
    """One server's part. Each step is given to :meth:`start`, then to :meth:`finish`: two servers can wait at once."""

    def __init__(self, side: Side, protocol: int) -> None:
        self.side = side
        self._protocol = protocol
        self._is_refused = False

    def start(self, step: Step) -> None:
        """Do what can be done without waiting for the server."""
        self._is_refused = False
        try:
            match step.action:
                case Action.CALL | Action.SEND:
                    self._send(step)
                case Action.RAW:
                    self.side.wire(step.client, self._protocol).send_raw(b"".join(step.argv))
        except ConnectionError:
            self._is_refused = True

    def finish(self, step: Step) -> Outcome:
        """What the step has led to."""
        side, client = self.side, step.client
        match step.action:
            case Action.SEND:
                return CLOSED if self._is_refused else SENT
            case Action.CALL | Action.RAW | Action.READ:
                return CLOSED if self._is_refused else side.read(client)
            case Action.READ_ALL:
                frames = tuple(side.frames_at_hand(client))
                return Outcome(frames=frames) if frames else NOTHING
            case Action.READ_ANY_ORDER:
                return self._read_many(step)
            case Action.BLOCK:
                before = side.count("blocked_clients")
                self._send(step)
                return side.wait_until_blocked(client, before)
            case Action.CLOSED_BY_SERVER:
                return side.wait_until_closed(client, self._protocol)
            case Action.CLOSE:
                return side.close_connection(client)
            case Action.UNTIL:
                return side.repeat_until(step.argv, step.awaited)
            case Action.AFTER:
                return WAITED

    def _send(self, step: Step) -> None:
        wire = self.side.wire(step.client, self._protocol)
        self.side.remember_settings(step.argv)
        wire.send(*self.side.fill_in(step.argv, self._protocol))

    def _read_many(self, step: Step) -> Outcome:
        frames: list[Frame] = []
        for _ in range(int(step.argv[0])):
            outcome = self.side.read(step.client)
            if outcome.frame is None:
                return outcome
            frames.append(outcome.frame)
        return Outcome(frames=tuple(sorted(frames, key=lambda frame: show_frame(frame, self._protocol))))


class Course:
    """The course of a scenario on one server: what each client waits for, and what its transaction has queued."""

    def __init__(self, side: Side, protocol: int) -> None:
        self.actor = Actor(side, protocol)
        self._side = side
        self._protocol = protocol
        self._awaiting: dict[Name, tuple[bytes, ...]] = {}
        self._transactions = Transactions()

    def take(self, step: Step) -> Observation:
        """Take the step, and say what it has led to."""
        self.start(step)
        time.sleep(step.seconds)
        return self.finish(step)

    def start(self, step: Step) -> None:
        """Begin the step."""
        if step.action in (Action.CALL, Action.SEND, Action.BLOCK):
            self._awaiting[step.client] = step.argv
        self.actor.start(step)

    def finish(self, step: Step) -> Observation:
        """What the step has led to."""
        outcome = self.actor.finish(step)
        observation = self.observe(step.client, outcome)
        if outcome.frame is not None:
            self._transactions.follow(step.client, observation.question.argv, outcome.frame)
        return observation

    def observe(self, client: Name, outcome: Outcome) -> Observation:
        """An answer that the client has got, with all that is needed to judge it."""
        argv = self._awaiting.get(client, ())
        queued = self._transactions.executed_by(client, argv)
        return Observation(Question(argv, queued, self._is_compact(argv)), outcome, self._protocol, self._side.now())

    def left_over(self) -> Iterator[tuple[Name, list[Observation]]]:
        """What each client has not read, now that the scenario has ended."""
        for name, outcomes in self._side.left_over():
            yield name, [self.observe(name, outcome) for outcome in outcomes]

    def _is_compact(self, argv: Sequence[bytes]) -> bool:
        """Whether the command's reply depends on the key's encoding, and the key is kept compactly now."""
        if not depends_on_encoding(argv):
            return False
        return has_order(self._side.control.call("OBJECT", "ENCODING", argv[1]))


def is_lost(reference: Outcome, target: Outcome) -> bool:
    """Whether one waits for what the other has got: what follows would only wait in vain."""
    return (not reference.all_frames and reference != target) or NO_REPLY in (reference.event, target.event)


class Play:
    """One run of a scenario on a reference and a target.

    *versions* are those of the two, if they are to be compared as two versions: a difference that is recorded between
    these is declared.
    """

    def __init__(
        self, reference: Side, target: Side, protocol: int, versions: tuple[Version, Version] | None = None
    ) -> None:
        self._courses = (Course(reference, protocol), Course(target, protocol))
        self._versions = versions
        self.is_lost = False
        """A reply that should have come has not: what follows would only wait in vain."""

    def step(self, step: Step) -> Exchange:
        """Run one step on both sides and compare."""
        for course in self._courses:
            course.start(step)
        time.sleep(step.seconds)
        left, right = (course.finish(step) for course in self._courses)
        agree = left.question.agree(left.outcome, right.outcome)
        change = ""
        if not agree and self._versions is not None:
            change = declared(step, (self._versions[0], left), (self._versions[1], right))
        self.is_lost = is_lost(left.outcome, right.outcome) and not change
        return Exchange(step.line, left.outcome, right.outcome, agree, change)

    def left_over(self) -> Iterator[Exchange]:
        """What is still unread at the end; both sides must hold the same."""
        for (name, ours), (_, theirs) in zip(*(course.left_over() for course in self._courses), strict=False):
            for at in range(max(len(ours), len(theirs))):
                left, right = (side[at].outcome if at < len(side) else NOTHING for side in (ours, theirs))
                agree = at < len(ours) and ours[at].question.agree(left, right)
                yield Exchange(f"{name}<  {LEFT_UNREAD}", left, right, agree)
