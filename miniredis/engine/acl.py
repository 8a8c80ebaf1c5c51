"""Access control: who there is, who a client is, and what it may do.

The rule of this file: whoever wants to know whether a client may do something asks here, and nobody else looks into a
user's rules. That costs a client whose user may do everything nothing at all: a session has its *gate* set only if its
user ``is_restricted``, and behind the gate that one attribute decides.

A command is checked when it is sent, also if it is only to be queued, and again when EXEC runs it, for the rules may
have changed. Scripts ask for each of their commands with the user of their caller. What is refused is logged.

Below this stand :mod:`miniredis.engine.acl_rules` (what a rule means), ``acl_users`` (what a user is), ``acl_checks``
(what a command needs), ``acl_log`` and ``acl_file``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from miniredis.engine import acl_file
from miniredis.engine.acl_checks import CHANNEL, COMMAND, DATABASE, KEY, Denial, check, permits_channel
from miniredis.engine.acl_log import AclLog
from miniredis.engine.acl_rules import UNKNOWN, RuleError, has_spaces
from miniredis.engine.acl_users import UnmatchedParenthesisError, User, merge_selectors
from miniredis.engine.directives import ConfigError, to_bytes, to_text
from miniredis.engine.errors import until_nul
from miniredis.resp.types import Error

if TYPE_CHECKING:
    from miniredis.engine.engine import Engine
    from miniredis.engine.session import Session
    from miniredis.engine.table import Command
    from miniredis.resp.types import Argv

logger = logging.getLogger("miniredis")

DEFAULT_USER: Final = b"default"

WRONG_PASSWORD: Final = "WRONGPASS invalid username-password pair or user is disabled."

BOTH_SOURCES: Final = (
    "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup"
    " is very likely to lead to configuration errors and security holes, please define either an ACL file or declare"
    " users directly in your redis.conf, but not both."
)

REASONS_IN_EXEC: Final = {
    COMMAND: "no permission to execute the command or subcommand",
    KEY: "no permission to touch the specified keys",
    CHANNEL: "no permission to access one of the channels used as arguments",
    DATABASE: "no permission",
}

REASONS_IN_SCRIPT: Final = {
    COMMAND: b"can't run this command or subcommand",
    KEY: b"can't access at least one of the keys mentioned in the command arguments",
    CHANNEL: b"can't publish to the channel mentioned in the command",
}
"""What Redis 7.0 says there."""


class AccessControl:
    """The users of one engine, and the log of what they were refused.

    ``default`` is the user that every client is until it says who it is: always the same object.
    """

    __slots__ = ("_engine", "all_channels_by_default", "default", "log", "users", "version")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.version = engine.version
        self.all_channels_by_default = False
        self._take_config_over()
        self.log = AclLog(engine)
        self.default = self._new_default_user()
        self.users: dict[bytes, User] = {DEFAULT_USER: self.default}
        if engine.config.requirepass:
            self._set_default_password()
        engine.config.on_change("acl-pubsub-default", self._take_config_over)
        engine.config.on_change("requirepass", self._set_default_password)
        self._load_configured_users()

    def _take_config_over(self) -> None:
        self.all_channels_by_default = self._engine.config.acl_pubsub_default == "allchannels"

    def _new_default_user(self) -> User:
        return User(DEFAULT_USER, self).changed([b"+@all", b"~*", b"&*", b"on", b"nopass"])

    def _set_default_password(self) -> None:
        """Act on ``requirepass``."""
        password = self._engine.config.requirepass
        rules = [b"resetpass", b">" + to_bytes(password) if password else b"nopass"]
        self.default.become(self.default.changed(rules))
        self._update_gates()

    # Who is who

    @property
    def lets_in_anybody(self) -> bool:
        """Whether a client need not log in."""
        return self.default.nopass and self.default.enabled

    def authenticate(self, session: Session, name: bytes, password: bytes, *, argv: list[bytes]) -> None:
        """Make *session* the user *name*. Raises ``WRONGPASS``. *argv* is the command that wants it."""
        user = self.users.get(name)
        if user is None or not user.accepts(password):
            self.log.add("auth", _context(session), argv[0], name, session, argv)
            raise Error(WRONG_PASSWORD)
        session.user = user
        session.authenticated = True
        session.update_gate()

    def sorted_users(self) -> list[User]:
        """All users in the order of their names."""
        return [self.users[name] for name in sorted(self.users)]

    def set_user(self, client: Session, name: bytes, rules: Sequence[bytes]) -> None:
        """For *client*, create the user *name*, or change it by *rules*.

        Raises the errors of ACL SETUSER; then nothing changed.
        """
        user = self.users.get(name)
        try:
            merged = merge_selectors(rules, nested=self.version.is_valkey)
            changed = (user or User(name, self)).changed(merged)
        except UnmatchedParenthesisError as error:
            raise Error(b"ERR " + to_bytes(str(error))) from None
        except RuleError as error:
            reason, rule = error.args
            shown = until_nul(rule).replace(b"\r", b" ").replace(b"\n", b" ")
            raise Error(b"ERR Error in ACL SETUSER modifier '%b': %b" % (shown, reason.encode())) from None
        if user is None:
            self.users[name] = changed
            return
        permitted = _remaining_channels(user, changed)
        if permitted is not None:
            sessions = self._engine.sessions.values()
            self._close(client, (each for each in sessions if each.user is user and not _may_listen(each, permitted)))
        user.become(changed)
        self._update_gates()

    def delete_user(self, client: Session, name: bytes) -> bool:
        """For *client*, remove a user and close its connections. Whether there was one; it must not be ``default``."""
        user = self.users.pop(name, None)
        if user is None:
            return False
        self._close(client, (each for each in self._engine.sessions.values() if each.user is user))
        return True

    def _update_gates(self) -> None:
        for session in self._engine.sessions.values():
            session.update_gate()

    def _close(self, client: Session, sessions: Iterable[Session]) -> None:
        """End the connections of *sessions*, who are nobody from now on; *client* itself when it has its reply."""
        for session in list(sessions):
            session.user = self.default
            session.authenticated = False
            if session is client:
                session.closing = True
            else:
                session.on_close()
                self._engine.disconnect(session)

    # What is permitted

    def check(self, user: User, command: Command, argv: Argv, database: int) -> Denial | None:
        """Why *user* may not run *command* as *argv* in *database*; None if it may."""
        return check(user, command, argv, database)

    def refuse(self, session: Session, command: Command, argv: list[bytes]) -> Error | None:
        """The error for a command that *session* has sent and must not run, which is logged; None if it may run it."""
        denial = check(session.user, command, argv, session.db.number)
        if denial is None:
            return None
        self._log(denial, _context(session), session, command, argv)
        return Error(b"NOPERM " + self._describe(session.user, denial, command))

    def refuse_in_exec(self, session: Session, command: Command, argv: list[bytes]) -> Error | None:
        """As :meth:`refuse`, for a command that was permitted when it was queued."""
        denial = check(session.user, command, argv, session.db.number)
        if denial is None:
            return None
        self._log(denial, "multi", session, command, argv)
        self._engine.statistics.count_error(b"NOPERM")
        return Error(
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This"
            f" command is no longer allowed for the following reason: {REASONS_IN_EXEC[denial.reason]}"
        )

    def refuse_in_script(self, session: Session, caller: Session, command: Command, argv: list[bytes]) -> Error | None:
        """As :meth:`refuse`, for a command of a script, which runs in *session* for *caller*."""
        denial = check(caller.user, command, argv, session.db.number)
        if denial is None:
            return None
        self._log(denial, "lua", caller, command, argv)
        if self.version.redis < (7, 2):
            return Error(b"ERR The user executing the script " + REASONS_IN_SCRIPT[denial.reason])
        return Error(b"ERR ACL failure in script: " + self._describe(caller.user, denial, command))

    def explain(self, user: User, denial: Denial, command: Command, argv: Argv) -> bytes:
        """The denial with all details, as ACL DRYRUN shows it."""
        name = user.name if self.version.redis >= (7, 2) else None
        subject = b"This user" if name is None else b"User " + name
        what = until_nul(argv[denial.position])
        match denial.reason:
            case "command":
                return b"%b has no permissions to run the '%b' command" % (subject, command.name.encode())
            case "database":
                return b"%b has no permissions to access database %b" % (subject, what)
        return b"%b has no permissions to access the '%b' %b" % (subject, what, denial.reason.encode())

    def _describe(self, user: User, denial: Denial, command: Command) -> bytes:
        """The denial as the client is told, who shall not learn more than it need."""
        name = command.name.encode()
        if self.version.redis >= (7, 2):
            match denial.reason:
                case "command":
                    return b"User %b has no permissions to run the '%b' command" % (user.name, name)
                case "database":
                    return b"No permissions to access database"
            return b"No permissions to access a " + denial.reason.encode()
        if denial.reason == COMMAND:
            return b"this user has no permissions to run the '%b' command" % name
        return b"this user has no permissions to access one of the %bs used as arguments" % denial.reason.encode()

    def _log(self, denial: Denial, context: str, session: Session, command: Command, argv: list[bytes]) -> None:
        what = argv[denial.position] if denial.position else command.name.encode()
        self.log.add(denial.reason, context, what, session.user.name, session, argv)

    # Files

    def _load_configured_users(self) -> None:
        """Take over what the config says about users when the engine starts. Raises :class:`ConfigError`."""
        config = self._engine.config
        if config.users and config.aclfile:
            raise ConfigError(BOTH_SOURCES)
        seen = set[str]()
        for name, *words in config.users:
            if name in seen:
                reason = "Duplicate user found. A user can only be defined once in config files"
                raise ConfigError(f"Error in user declaration '{name}': {reason}")
            seen.add(name)
            self._load_configured_user(to_bytes(name), list(map(to_bytes, words)))
        if config.aclfile:
            try:
                self._take(acl_file.load(self._path, self))
            except acl_file.AclFileError as error:
                raise ConfigError(f"Aborting Redis startup because of ACL errors: {error}") from None

    def _load_configured_user(self, name: bytes, words: list[bytes]) -> None:
        if has_spaces(name):
            raise ConfigError("Spaces not allowed in ACL usernames")
        before = User(name, self) if name != DEFAULT_USER else self.default.changed([b"reset"])
        try:
            user = before.changed(merge_selectors(words, nested=self.version.is_valkey))
        except UnmatchedParenthesisError as error:
            raise ConfigError(f"Error in user declaration '{to_text(words[error.position])}': {error}") from None
        except RuleError as error:
            reason, rule = error.args
            if reason == UNKNOWN:
                where = f"Error loading ACL rule '{to_text(rule)}' for the user named '{to_text(name)}'"
                raise ConfigError(f"{where}: {reason}") from None
            raise ConfigError(f"Error in user declaration '{to_text(rule)}': {reason}") from None
        if name == DEFAULT_USER:
            self.default.become(user)
        else:
            self.users[name] = user
        if not user.enabled:
            logger.info(
                "The user '%s' is disabled (there is no 'on' modifier in the user description). Make sure this is not a"
                " configuration error.",
                to_text(name),
            )

    @property
    def _path(self) -> str:
        return os.path.join(self._engine.config.dir, self._engine.config.aclfile)

    def load(self, client: Session) -> None:
        """For *client*, replace all users by those in the ACL file.

        Connections of users that were there before end, in Valkey only those of users that are gone or may not listen
        to what they do any more. Raises :class:`acl_file.AclFileError`; then nothing changed.
        """
        users = acl_file.load(self._path, self)
        before = {**self.users, DEFAULT_USER: self.default.changed([])}
        self._take(users)
        sessions = self._engine.sessions.values()
        if self.version.is_valkey:
            self._close(client, (each for each in sessions if not self._may_stay(each, before)))
            for session in sessions:
                session.user = self.users[session.user.name]
        else:
            self._close(client, (each for each in sessions if each.user is not self.default))
        self._update_gates()

    def _may_stay(self, session: Session, before: dict[bytes, User]) -> bool:
        user = self.users.get(session.user.name)
        if user is None:
            return False
        permitted = _remaining_channels(before[user.name], user)
        return permitted is None or _may_listen(session, permitted)

    def _take(self, users: dict[bytes, User]) -> None:
        self.default.become(users.get(DEFAULT_USER) or self._new_default_user())
        users[DEFAULT_USER] = self.default
        self.users = users

    def save(self) -> None:
        """Write all users to the ACL file. Raises ``OSError``."""
        acl_file.save(self._path, self.sorted_users())


def _context(session: Session) -> str:
    return "toplevel" if session.transaction is None else "multi"


def _remaining_channels(before: User, after: User) -> set[bytes] | None:
    """The channels that are still permitted, if *after* may listen to less than *before*; None if it may not."""
    if any(selector.all_channels for selector in after.selectors):
        return None
    permitted = set(chain.from_iterable(selector.channels for selector in after.selectors))
    if all(not selector.all_channels and permitted.issuperset(selector.channels) for selector in before.selectors):
        return None
    return permitted


def _may_listen(session: Session, permitted: set[bytes]) -> bool:
    """Whether *session* listens only to channels that are *permitted*."""
    return all(permits_channel(permitted, pattern, is_pattern=True) for pattern in session.patterns) and all(
        permits_channel(permitted, channel, is_pattern=False)
        for channel in chain(session.channels, session.shard_channels)
    )
