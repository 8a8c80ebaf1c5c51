"""What is wrong with serialized data."""

from __future__ import annotations


class RdbError(Exception):
    """Serialized data that cannot be what it claims to be; the message says what is wrong, in Redis's words."""


class EmptyKeyError(RdbError):
    """A collection without elements: an old bug wrote such, so that Redis skips it in a file, and refuses it alone."""


SHORT_READ = "Short read or OOM loading DB. Unrecoverable error, aborting now."
