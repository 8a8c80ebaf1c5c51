"""Error replies that more than one command family gives, in Redis's words.

They are built per use (an exception carries a traceback), hence functions and texts rather than shared objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from miniredis.resp.types import Error

if TYPE_CHECKING:
    from miniredis.engine.version import ServerVersion

WRONGTYPE: Final = "WRONGTYPE Operation against a key holding the wrong kind of value"
SYNTAX: Final = "ERR syntax error"
NOT_AN_INTEGER: Final = "ERR value is not an integer or out of range"
NOT_A_FLOAT: Final = "ERR value is not a valid float"
OUT_OF_RANGE: Final = "ERR value is out of range"
NOT_POSITIVE: Final = "ERR value is out of range, must be positive"
NO_SUCH_KEY: Final = "ERR no such key"
INDEX_OUT_OF_RANGE: Final = "ERR index out of range"
DB_INDEX_OUT_OF_RANGE: Final = "ERR DB index is out of range"
INCREMENT_OVERFLOW: Final = "ERR increment or decrement would overflow"
INCREMENT_TO_INFINITY: Final = "ERR increment would produce NaN or Infinity"
NOAUTH: Final = "NOAUTH Authentication required."
OUT_OF_MEMORY: Final = "OOM command not allowed when used memory > 'maxmemory'."
MASTERDOWN: Final = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
READONLY: Final = "READONLY You can't write against a read only replica."
NOREPLICAS: Final = "NOREPLICAS Not enough good replicas to write."
EXECABORT: Final = "EXECABORT Transaction discarded because of previous errors."


class CountedError(Error):
    """An error that a script answers with, and that was counted already: where the command failed that it called."""

    __slots__ = ()


def cannot_save(version: ServerVersion) -> Error:
    """Nothing may be written as long as nothing can be saved."""
    name = version.family.capitalize()
    return Error(
        f"MISCONF {name} is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands"
        " that may modify the data set are disabled, because this instance is configured to report errors during writes"
        f" if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the {name} logs for details"
        " about the RDB error."
    )


def until_nul(text: bytes) -> bytes:
    """What an error shows of *text* that a client sent: C's ``%s`` ends at a NUL."""
    return text.partition(b"\0")[0]


def at_end(text: bytes) -> bytes:
    """As :func:`until_nul`, for what stands at the end of a message: Redis trims line ends there."""
    return until_nul(text).rstrip(b"\r\n")


def wrong_type() -> Error:
    """A key holds another type than the command is for."""
    return Error(WRONGTYPE)


def syntax_error() -> Error:
    """Options that a command does not know, or that do not go together."""
    return Error(SYNTAX)


def not_an_integer() -> Error:
    """A text, sent or kept, that is no 64-bit integer."""
    return Error(NOT_AN_INTEGER)


def not_a_float() -> Error:
    """A text, sent or kept, that is no number."""
    return Error(NOT_A_FLOAT)


def protected(name: str) -> Error:
    """For a command that ``enable-…-command`` does not permit."""
    return Error(
        f'ERR {name.upper()} command not allowed. If the enable-{name}-command option is set to "local", you can run it'
        " from a local connection, otherwise you need to set this option in the configuration file, and then restart"
        " the server."
    )


def wrong_arity(full_name: str) -> Error:
    """*full_name* as Redis prints it: ``get``, ``client|kill``."""
    return Error(f"ERR wrong number of arguments for '{full_name}' command")


def invalid_expire(command: bytes) -> Error:
    """*command*: the lower-case name that the message quotes."""
    return Error(b"ERR invalid expire time in '%b' command" % command)


def unknown_subcommand(container: str, subcommand: bytes) -> Error:
    """*container*: the command's upper-case name; Redis shows 128 bytes of *subcommand*."""
    name = container.encode()
    return Error(b"ERR unknown subcommand '%b'. Try %b HELP." % (until_nul(subcommand)[:128], name))


def subcommand_syntax(argv: Sequence[bytes]) -> Error:
    """A subcommand that its handler finds to have arguments that it does not take."""
    return Error(
        b"ERR unknown subcommand or wrong number of arguments for '%b'. Try %b HELP."
        % (until_nul(argv[1])[:128], argv[0].upper())
    )
