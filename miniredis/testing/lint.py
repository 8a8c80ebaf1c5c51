"""The lint mode: warnings of what works in a test and bites in production.

::

    with server.lint(needs_ttl="cache:*") as findings:
        application()
    assert not findings

Each finding is a :class:`Finding` in that list, and at the end of the block a ``warnings.warn`` of category
:class:`LintWarning`, once for each rule, command and client; with ``strict=True`` it is an ``AssertionError`` instead.
What the rules are is said in :mod:`miniredis.testing.lint_rules`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from miniredis.testing import lint_rules
from miniredis.testing.patterns import matcher

if TYPE_CHECKING:
    from miniredis.testing.instruments import Instruments
    from miniredis.testing.interception import Call

LARGE: Final = 1000
"""Elements from which on a key is large, unless told otherwise."""


class LintOptions(TypedDict, total=False):
    """What a lint looks for."""

    large: int
    """Elements from which on a key is large."""
    needs_ttl: str | bytes | Sequence[str | bytes]
    """Globs of keys that must have a time to live."""
    ignore: Sequence[str]
    """Names of rules that are not asked."""
    strict: bool
    """Whether a finding is an error."""


class LintWarning(UserWarning):
    """Something that works here and bites in production."""


class Finding(NamedTuple):
    """What a *rule* has to say of a *call*."""

    rule: str
    message: str
    call: Call

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}\n    {self.call}"


class Lint:
    """One lint of one server, for a ``with`` block; ``findings`` is what it found."""

    def __init__(self, server: Instruments, options: LintOptions) -> None:
        ignored = options.get("ignore", ())
        unknown = set(ignored) - set(lint_rules.RULES)
        if unknown:
            raise ValueError(f"no such rules: {', '.join(sorted(unknown))}; there are: {', '.join(lint_rules.RULES)}")
        patterns = options.get("needs_ttl", ())
        if isinstance(patterns, str | bytes):
            patterns = [patterns]
        matchers = [fits for fits in map(matcher, patterns) if fits is not None]
        self._server = server
        self._is_strict = options.get("strict", False)
        self.findings: list[Finding] = []
        context = lint_rules.Context(options.get("large", LARGE), matchers)
        self._rules = {name: make(context) for name, make in lint_rules.RULES.items() if name not in ignored}
        self._known: set[tuple[str, str, str]] = set()

    def __enter__(self) -> list[Finding]:
        self._server.call(self._server.interception.add_observer, self._look, inside=True)
        return self.findings

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.call(self._server.interception.remove_observer, self._look)
        if not self.findings or error is not None:
            return
        if self._is_strict:
            raise AssertionError("\n".join(map(str, self.findings)))
        for finding in self.findings:
            warnings.warn(str(finding), LintWarning, stacklevel=2)

    def _look(self, call: Call) -> None:
        for name, rule in self._rules.items():
            message = rule(call)
            if message is not None and (seen := (name, call.name, call.client)) not in self._known:
                self._known.add(seen)
                self.findings.append(Finding(name, message, call))
