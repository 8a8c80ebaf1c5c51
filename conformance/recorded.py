"""One recorded reply: how it is written down, and whether a server's answer agrees with it.

The rule of this file: a recording is compared as a live reference is. What is written is read back into frames, and
these agree with what came by their bytes or by a freedom of the command (``freedoms.py``), by nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.freedoms import DESCRIBED, MEASURED, frames_agree, freedom_of
from conformance.scenario import FRAME_SEPARATOR, WITHOUT_REPLY, Action, Recorded, Step
from conformance.side import (
    ANSWERED_AT_ONCE,
    BLOCKED,
    CLOSED,
    CLOSED_BY_CLIENT,
    NO_REPLY,
    NOTHING,
    SENT,
    STILL_OPEN,
    WAITED,
    Outcome,
)
from conformance.transcript import parse_frame, show_any, show_frame, show_moment
from conformance.versions import Version
from conformance.wire import Frame

MOMENT_SHOWN: Final = re.compile(r'\(integer\) (\d{10,13})$|"(\d{13})-(\d+)"$', re.MULTILINE)
"""A moment in a reply, and an id that a stream has made of one."""

LONGEST: Final = 4096
"""Bytes of the longest frame that is written out, unless its command has a freedom, which a digest could not grant."""

EVENTS: Final = {outcome.event: outcome for outcome in (ANSWERED_AT_ONCE, BLOCKED, CLOSED, NOTHING, STILL_OPEN)}
"""What stands in a recording and is no reply."""

UNRECORDED: Final = Outcome("(nothing is recorded)")


@dataclass(frozen=True)
class Question:
    """What has to be known of a step to compare two answers to it."""

    argv: tuple[bytes, ...]
    """The command; empty for raw bytes."""
    queued: Sequence[Sequence[bytes]] = ()
    """For EXEC, the commands of the transaction."""
    compact: bool = False
    """Whether the command's key is kept compactly, so that its elements have an order."""

    def agree(self, reference: Outcome, target: Outcome) -> bool:
        """Whether both answers are right if the first is."""
        ours, theirs = reference.all_frames, target.all_frames
        if not ours or len(ours) != len(theirs):
            # Where even the reference is silent, the scenario waits for what never comes: a mistake of its author.
            return reference == target and reference.event != NO_REPLY
        return all(
            frames_agree(self.argv, left, right, compact=self.compact, queued=self.queued)
            for left, right in zip(ours, theirs, strict=True)
        )

    @property
    def is_free(self) -> bool:
        """Whether other bytes than the reference's can be right."""
        return any(freedom_of(argv) is not None for argv in (self.argv, *self.queued))


@dataclass(frozen=True)
class Observation:
    """What one server did at one step."""

    question: Question
    outcome: Outcome
    protocol: int
    now: float
    """The server's time, in seconds since 1970."""

    def written(self) -> str:
        """As it stands in a file, without indentation."""
        frames = [self._write(frame) for frame in self.outcome.all_frames]
        return f"\n{FRAME_SEPARATOR}\n".join(frames) or self.outcome.event

    def agrees_with(self, recorded: Recorded | None) -> bool:
        """Whether this is right by the recording; never, if there is none."""
        if recorded is None:
            return False
        return self.written() == recorded.shown or self.question.agree(self.as_outcome(recorded), self.outcome)

    def as_outcome(self, recorded: Recorded) -> Outcome:
        """What is recorded, as if a server had just done it. Raises ``ValueError`` if it is no reply."""
        return read(recorded.shown, self.protocol, self.now)

    def _write(self, frame: Frame) -> str:
        freedom = freedom_of(self.question.argv)
        value = frame.value
        is_any = freedom is DESCRIBED or (freedom is MEASURED and not isinstance(value, list | dict))
        if is_any and (shown := show_any(value)):
            return shown
        if len(frame.raw) > LONGEST and not self.question.is_free:
            return f"({len(frame.raw)} bytes, sha256 {hashlib.sha256(frame.raw).hexdigest()})"
        shown = show_frame(frame, self.protocol)
        return self._with_moments(shown, freedom.moment) if freedom is not None and freedom.moment else shown

    def _with_moments(self, shown: str, unit: str) -> str:
        """The reply with each moment that was reckoned from the present one told by its distance from that."""

        def told(match: re.Match[str]) -> str:
            moment, rest = int(match[1] or match[2]), match[3]
            if not is_near(moment, self.now, unit):
                return match[0]
            return show_moment(moment, self.now, unit) + (f"-{rest}" if rest else "")

        return MOMENT_SHOWN.sub(told, shown)


def is_near(moment: int, now: float, unit: str) -> bool:
    """Whether the moment was reckoned from the present one, and not given as such: they are days apart at most."""
    return abs((moment if unit == "s" else moment / 1000) - now) < 30 * 86400


def read(shown: str, protocol: int, now: float | None = None) -> Outcome:
    """What is written so in a recording. Raises ``ValueError`` if that is nothing.

    A digest is an event: there are no frames to compare.
    """
    if shown in EVENTS:
        return EVENTS[shown]
    if ", sha256 " in shown and shown.startswith("("):
        return Outcome(shown)
    frames = tuple(parse_frame(text, protocol, now) for text in shown.split(f"\n{FRAME_SEPARATOR}\n"))
    return Outcome(frame=frames[0]) if len(frames) == 1 else Outcome(frames=frames)


def expected_without_recording(step: Step) -> Outcome:
    """What a step leads to that leads to no reply."""
    match step.action:
        case Action.SEND:
            return SENT
        case Action.CLOSE:
            return CLOSED_BY_CLIENT
        case Action.AFTER:
            return WAITED
    return Outcome(step.awaited)


def judge_step(step: Step, version: Version, observation: Observation) -> tuple[Outcome, bool]:
    """What a server of that version should have done, and whether the one that was observed did."""
    if step.action in WITHOUT_REPLY:
        expected = expected_without_recording(step)
        return expected, expected == observation.outcome
    recorded = step.expected(version, observation.protocol)
    if recorded is None:
        return UNRECORDED, False
    return observation.as_outcome(recorded), observation.agrees_with(recorded)


def declared(step: Step, left: tuple[Version, Observation], right: tuple[Version, Observation]) -> str:
    """Since when two servers differ, if each does what is recorded for its version; otherwise nothing."""
    kept = []
    for version, observation in (left, right):
        recorded = step.expected(version, observation.protocol)
        if recorded is None or not observation.agrees_with(recorded):
            return ""
        kept.append(recorded)
    if kept[0] is kept[1]:
        return ""
    # The one that stands further down began later.
    return max(kept, key=step.recorded.index).condition.change
