"""The ACL file: a line ``user <name> <rules>`` for each user.

It is loaded as a whole or, if anything in it is wrong, not at all; all that is wrong is told then. There are no
comments in it, for it is written anew by ACL SAVE: under another name first, that then takes the place of the old one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from miniredis.engine.acl_rules import UNKNOWN, RuleError, Surroundings, has_spaces
from miniredis.engine.acl_users import UnmatchedParenthesisError, User, merge_selectors
from miniredis.engine.errors import until_nul


class AclFileError(Exception):
    """A file that cannot be loaded. The message is what Redis says, all faults in one line."""

    def __init__(self, message: bytes) -> None:
        super().__init__(message.decode(errors="surrogateescape"))
        self.message = message


def load(path: str, surroundings: Surroundings) -> dict[bytes, User]:
    """The users in the file at *path*. Raises :class:`AclFileError`."""
    name = os.fsencode(path)
    try:
        with open(path, "rb") as file:
            text = until_nul(file.read())
    except OSError as error:
        reason = (error.strerror or "").encode()
        raise AclFileError(b"Error loading ACLs, opening file '%b': %b" % (name, reason)) from None
    users: dict[bytes, User] = {}
    faults: list[bytes] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        words = line.strip(b" \t\r\n").split(b" ")
        if words != [b""]:
            faults += _read(words, b"%b:%d" % (name, number), number, users, surroundings)
    if faults:
        faults.append(b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
        raise AclFileError(b"".join(faults))
    return users


def _read(
    words: list[bytes], place: bytes, number: int, users: dict[bytes, User], surroundings: Surroundings
) -> list[bytes]:
    """Add the user that the line of *words* describes to *users*; what is wrong with it."""
    if words[0] != b"user" or len(words) < 2:
        return [place + b" should start with user keyword followed by the username. "]
    name = words[1]
    if has_spaces(name):
        return [b"'%b: username '%b' contains invalid characters. " % (place, name)]
    if name in users:
        return [b"WARNING: Duplicate user '%b' found on line %d. " % (name, number)]
    users[name] = user = User(name, surroundings)
    try:
        rules = merge_selectors(words[2:], nested=surroundings.version.is_valkey)
    except UnmatchedParenthesisError:
        return [place + b": Unmatched parenthesis in selector definition."]
    faults: list[bytes] = []
    has_other_fault = False
    for rule in rules:
        rule = rule.strip(b"\t\r\n")
        try:
            user.become(user.changed([rule]))
        except RuleError as error:
            reason = error.args[0].encode()
            if error.args[0] == UNKNOWN:
                faults.append(b"%b: Error in applying operation '%b': %b. " % (place, rule, reason))
            elif not has_other_fault:
                has_other_fault = True
                faults.append(b"%b: %b. " % (place, reason))
    return faults


def save(path: str, users: Iterable[User]) -> None:
    """Write *users* to the file at *path*. Raises ``OSError``; then the file is what it was."""
    text = b"".join(line_of(user) + b"\n" for user in users)
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def line_of(user: User) -> bytes:
    """*user* as a line of an ACL file, or of redis.conf."""
    return b"user %b %b" % (user.name, user.describe())
