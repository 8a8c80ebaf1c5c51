"""Sessions: data behind an id that only its owner knows, for as long as it is used.

**The problem.** GET and EXPIRE in two steps; a request that saves after the logout revives the session; an id that is
known before the login is valid after it; nobody can end all sessions of a user.

**The guarantee.** A session that was destroyed stays destroyed: ``save`` writes only what is there. Each use lets it
live for ``ttl`` more, but never longer than ``absolute_ttl`` after its beginning. ``rotate`` moves it to a new id in
one step: the old one is invalid as the new one begins. ``destroy_all`` ends all sessions of a user in one step. Ids
have 192 random bits; Redis has only their SHA-256, so that who reads Redis cannot take a session over.

**The price.** One round trip each; ``destroy_all`` one more, to free the memory. Sessions of a user are in one slot
of a cluster. The part of an id before the dot is the same for all sessions of a user.

**Not for** data that two requests change at the same time: the last one that saves wins. To log in, create a session
for the user and destroy the anonymous one: it has another slot. A failover that did not know of an end brings the
session back.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any, Final

from patterns.codecs import JSON, Codec
from patterns.durations import Duration, milliseconds
from patterns.keys import check_prefix, key
from patterns.pattern import Blocking, Pattern, operation
from patterns.scripts import Script, pipeline
from patterns.steps import Command, Steps

CREATE: Final = Script("session_create")
USE: Final = Script("session_use")
DESTROY: Final = Script("session_destroy")
SECRET_BYTES: Final = 24
ID: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{32})")


class SessionsOperations(Pattern):
    """Sessions that live for *ttl* unused, and for *absolute_ttl* at most.

    What is no id, such as the None of a request without a cookie, is the id of no session.
    """

    def __init__(
        self,
        client: Any,
        *,
        ttl: Duration = 3600,
        absolute_ttl: Duration | None = None,
        prefix: str = "sessions:",
        codec: Codec = JSON,
    ) -> None:
        self.client = client
        self._ttl = milliseconds(ttl)
        self._absolute = 0 if absolute_ttl is None else milliseconds(absolute_ttl)
        self._prefix = check_prefix(prefix)
        self._codec = codec

    @operation
    def create(self, data: Any, *, user: str | None = None) -> Steps[str]:
        """Begin a session: its id, which is a secret."""
        group = secrets.token_hex(16) if user is None else _group(user)
        id = f"{group}.{secrets.token_urlsafe(SECRET_BYTES)}"
        session, everybody, name = self._place(id)
        yield from CREATE([session, everybody], [name, self._codec.dumps(data), self._ttl, self._absolute])
        return id

    @operation
    def load(self, id: str | None, default: Any = None) -> Steps[Any]:
        """The data of a session, which lives on; *default* if there is none, or *id* is no id."""
        if id is None or not ID.fullmatch(id):
            return default
        session, everybody, name = self._place(id)
        data = yield from USE([session, everybody], [name, self._ttl, "load"])
        return default if data is None else self._codec.loads(data)

    @operation
    def save(self, id: str | None, data: Any) -> Steps[bool]:
        """Write the data of a session, which lives on. ``False`` if there is none any more: then nothing is written."""
        if id is None or not ID.fullmatch(id):
            return False
        session, everybody, name = self._place(id)
        saved = yield from USE([session, everybody], [name, self._ttl, "save", self._codec.dumps(data)])
        return saved is not None

    @operation
    def rotate(self, id: str | None) -> Steps[str | None]:
        """Give a session a new id: after each change of rights. ``None`` if there is none."""
        match = ID.fullmatch(id or "")
        if id is None or not match:
            return None
        new = f"{match[1]}.{secrets.token_urlsafe(SECRET_BYTES)}"
        session, everybody, name = self._place(id)
        rotated, _, rotated_name = self._place(new)
        moved = yield from USE([session, everybody, rotated], [name, self._ttl, "rotate", rotated_name])
        return None if moved is None else new

    @operation
    def destroy(self, id: str | None) -> Steps[bool]:
        """End a session: whether there was one."""
        if id is None or not ID.fullmatch(id):
            return False
        session, everybody, name = self._place(id)
        return bool((yield from DESTROY([everybody, session], [name])))

    @operation
    def destroy_all(self, user: str) -> Steps[int]:
        """End all sessions of a user: how many there were."""
        group = _group(user)
        names = yield from DESTROY([key(self._prefix, group, "all")])
        if names:
            # They have ended already. This frees their memory before their time is over.
            yield from pipeline([Command("UNLINK", key(self._prefix, group, name.decode())) for name in names])
        return len(names)

    def _place(self, id: str) -> tuple[str, str, str]:
        """The key of a session, that of its user's sessions, and the session's name there."""
        group, _, secret = id.partition(".")
        name = hashlib.sha256(secret.encode()).hexdigest()
        return key(self._prefix, group, name), key(self._prefix, group, "all"), name


def _group(user: str) -> str:
    return hashlib.sha256(user.encode()).hexdigest()[:32]


class Sessions(SessionsOperations, Blocking):
    __doc__ = SessionsOperations.__doc__
