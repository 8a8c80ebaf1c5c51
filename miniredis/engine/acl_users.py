"""Users: how they log in, and which selectors they have.

The rule of this file: a :class:`User` is changed by a list of rules as a whole or not at all, and can be written down
as rules that make the same user again. A user's permissions are those of any of its selectors, never of several
together; the first of them, the root, is what rules outside of parentheses change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from miniredis.engine.acl_rules import SYNTAX, RuleError, Selector, Surroundings
from miniredis.engine.errors import until_nul
from miniredis.resp.inline import split_arguments

WRONG_HASH: Final = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
NO_SUCH_PASSWORD: Final = "The password you are trying to remove from the user does not exist"

HEXADECIMAL: Final = frozenset(b"0123456789abcdef")


class UnmatchedParenthesisError(RuleError):
    """A selector that does not end; *position* is that of the rule in which it begins."""

    def __init__(self, rule: bytes, position: int) -> None:
        super().__init__(f"Unmatched parenthesis in acl selector starting at '{_shown(rule)}'.")
        self.position = position


class User:
    """Somebody who may log in, if *enabled*, with one of *passwords* (hashes) or, if *nopass*, with any.

    *sanitizes* is what the rules say about DUMP's payloads, None if they say nothing; it is shown, and no more.
    *is_restricted* tells whether there is anything that the user may not do.
    """

    __slots__ = ("_surroundings", "enabled", "is_restricted", "name", "nopass", "passwords", "sanitizes", "selectors")

    def __init__(self, name: bytes, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self.name = name
        self.enabled = False
        self.nopass = False
        self.passwords: dict[bytes, None] = {}
        self.sanitizes: bool | None = True if surroundings.version.redis >= (7, 2) else None
        self.selectors = [Selector(surroundings)]
        self.is_restricted = True

    def __repr__(self) -> str:
        return f"<User {self.name!r}>"

    @property
    def root(self) -> Selector:
        """The selector that rules outside of parentheses change."""
        return self.selectors[0]

    def accepts(self, password: bytes) -> bool:
        """Whether the user may log in with *password*."""
        if not self.enabled:
            return False
        import hmac  # takes its time, with hashlib, and most servers have no passwords

        hashed = hash_password(password)
        return self.nopass or any(hmac.compare_digest(hashed, known) for known in self.passwords)

    def changed(self, rules: Sequence[bytes]) -> User:
        """A user like this one after *rules*, each of them whole (see :func:`merge_selectors`).

        Raises :class:`RuleError` with the rule at fault as its second argument.
        """
        user = User(self.name, self._surroundings)
        user.become(self)
        user.selectors = [selector.copy() for selector in self.selectors]
        for rule in rules:
            try:
                user._apply(rule)
            except RuleError as error:
                raise RuleError(str(error), rule) from None
        user._settle()
        return user

    def become(self, other: User) -> None:
        """Take everything but the name from *other*, which is not to be used any more."""
        self.enabled, self.nopass, self.sanitizes = other.enabled, other.nopass, other.sanitizes
        self.passwords = other.passwords.copy()
        self.selectors = other.selectors
        self._settle()

    def _settle(self) -> None:
        self.is_restricted = not any(selector.is_unrestricted for selector in self.selectors)

    # Rules

    def _apply(self, rule: bytes) -> None:
        """Obey *rule*. Raises :class:`RuleError`."""
        if not rule:
            return
        match until_nul(rule).lower():
            case b"on":
                self.enabled = True
            case b"off":
                self.enabled = False
            case b"nopass":
                self.nopass = True
                self.passwords.clear()
            case b"resetpass":
                self.nopass = False
                self.passwords.clear()
            case b"sanitize-payload":
                self.sanitizes = True
            case b"skip-sanitize-payload":
                self.sanitizes = False
            case b"clearselectors":
                del self.selectors[1:]
            case b"reset":
                self._reset()
            case _ if rule[:1] in (b">", b"#"):
                self.passwords[_hash_in(rule)] = None
                self.nopass = False
            case _ if rule[:1] in (b"<", b"!"):
                self._forget_password(_hash_in(rule))
            case _ if rule[:1] == b"(" and rule[-1:] == b")":
                self._add_selector(rule[1:-1])
            case _:
                self.root.apply(rule)

    def _reset(self) -> None:
        self.enabled = self.nopass = False
        self.sanitizes = True
        self.passwords.clear()
        self.selectors = [Selector(self._surroundings)]

    def _forget_password(self, hashed: bytes) -> None:
        if hashed not in self.passwords:
            raise RuleError(NO_SUCH_PASSWORD)
        del self.passwords[hashed]

    def _add_selector(self, rules: bytes) -> None:
        selector = Selector(self._surroundings)
        for rule in split_arguments(rules) or ():
            if not rule:
                raise RuleError(SYNTAX)
            selector.apply(rule)
        self.selectors.append(selector)

    # Writing down

    def flags(self) -> list[bytes]:
        """What there is to say apart from passwords and permissions."""
        flags = [b"on" if self.enabled else b"off"]
        if self.nopass:
            flags.append(b"nopass")
        if self.sanitizes is not None and not self._surroundings.version.is_valkey:
            flags.append(b"sanitize-payload" if self.sanitizes else b"skip-sanitize-payload")
        return flags

    def describe(self) -> bytes:
        """The rules of this user, as ACL LIST and ACL files have them."""
        root, *others = (selector.describe() for selector in self.selectors)
        passwords = (b"#" + password for password in self.passwords)
        return b" ".join([*self.flags(), *passwords, root, *(b"(%b)" % other for other in others)])


def merge_selectors(rules: Sequence[bytes], *, nested: bool) -> list[bytes]:
    """*rules* with those put together that are one selector: ``(+get``, ``~x)``.

    *nested*: whether another opening parenthesis is a part of the selector that has begun; else it begins that anew.
    Raises :class:`UnmatchedParenthesisError`.
    """
    merged: list[bytes] = []
    begun: tuple[int, bytes] | None = None
    for position, rule in enumerate(rules):
        opens = rule[:1] == b"(" and rule[-1:] != b")"
        if opens and (begun is None or not nested):
            begun = position, rule
        elif begun is None:
            merged.append(rule)
        elif rule[-1:] == b")":
            merged.append(begun[1] + b" " + rule)
            begun = None
        else:
            begun = begun[0], begun[1] + b" " + rule
    if begun is not None:
        raise UnmatchedParenthesisError(rules[begun[0]], begun[0])
    return merged


def hash_password(password: bytes) -> bytes:
    """What is kept of a password."""
    import hashlib

    return hashlib.sha256(password).hexdigest().encode()


def _hash_in(rule: bytes) -> bytes:
    """The hash that *rule* is about: given itself (``#``, ``!``), or its password (``>``, ``<``)."""
    if rule[:1] in (b">", b"<"):
        return hash_password(rule[1:])
    if len(rule) != 65 or not HEXADECIMAL.issuperset(rule[1:]):
        raise RuleError(WRONG_HASH)
    return rule[1:]


def _shown(rule: bytes) -> str:
    return until_nul(rule).decode(errors="surrogateescape")
