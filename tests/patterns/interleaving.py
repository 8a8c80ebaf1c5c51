"""Operations of several processes in one thread, one step at a time, in an order that Hypothesis chooses.

An operation is a generator of steps, so that every order in which a server could see the commands of concurrent
callers can be played, exactly and again. A blocking XREAD is played as one whose time ran out: waiting is no order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from patterns.steps import Command, Shielded, Step, Steps


class Play:
    """One operation, played step by step."""

    def __init__(self, client: Any, steps: Steps[Any]) -> None:
        self._client = client
        self._stack = [steps]
        self._sent: tuple[str, Any] = ("send", None)
        self.ended = False
        self.result: Any = None
        self.error: BaseException | None = None

    def step(self) -> None:
        """Carry out one step, if there is one left."""
        while not self.ended:
            how, what = self._sent
            try:
                step = getattr(self._stack[-1], how)(what)
            except StopIteration as end:
                self._finish(("send", end.value))
            except Exception as error:
                self._finish(("throw", error))
            else:
                if isinstance(step, Shielded):
                    self._stack.append(step.steps)
                    self._sent = ("send", None)
                    continue
                self._sent = self._perform(step)
                return

    def _finish(self, outcome: tuple[str, Any]) -> None:
        self._stack.pop()
        self._sent = outcome
        if not self._stack:
            self.ended = True
            self.result, self.error = outcome[1] if outcome[0] == "send" else None, None
            if outcome[0] == "throw":
                self.error = outcome[1]

    def _perform(self, step: Step) -> tuple[str, Any]:
        if isinstance(step, Command) and step.args[:2] == ("XREAD", "BLOCK"):
            step = Command("XREAD", *step.args[3:])
        try:
            return "send", step.perform(self._client)
        except Exception as error:
            return "throw", error


def interleave(plays: Sequence[Play], order: Sequence[int], after_each: Callable[[], None]) -> None:
    """Play all operations to their end: first in the given order, then in turns."""
    for number in order:
        plays[number % len(plays)].step()
        after_each()
    while not all(play.ended for play in plays):
        for play in plays:
            play.step()
            after_each()
