"""What a chapter is: a name to ask for it, a title, the problem, and a function that plays it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from patterns.tour.narrator import Narrator
from patterns.tour.stage import Stage

Play: TypeAlias = Callable[[Stage, Narrator], None]


@dataclass(frozen=True)
class Chapter:
    """One pattern of the tour."""

    name: str
    title: str
    problem: str
    function: Play

    def play(self, stage: Stage, tell: Narrator) -> None:
        """Tell it."""
        tell.chapter(self.name, self.title, self.problem)
        self.function(stage, tell)


def chapter(name: str, title: str, problem: str) -> Callable[[Play], Chapter]:
    """A decorator: the function is the chapter of that name."""
    return lambda function: Chapter(name, title, problem, function)
